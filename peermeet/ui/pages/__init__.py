"""One module a page: login, lobby, a room for its owner, the account, the meeting, and addresses that lead nowhere."""
