"""Who somebody is: passwords, sessions, tickets, and the HTTP routes that set the cookie."""
