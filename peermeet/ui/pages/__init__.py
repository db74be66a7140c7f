"""One module a page: login, lobby, meeting, and the page for addresses that lead nowhere."""
