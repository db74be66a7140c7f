"""Who somebody is: passwords, sessions, tickets, and how often they may be tried."""
