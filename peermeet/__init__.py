"""PeerMeet: video meetings between browsers, in pure Python."""
