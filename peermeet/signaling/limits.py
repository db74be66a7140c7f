"""Every number that bounds what a connection may cost, each with its reason."""

from __future__ import annotations

# A frame: the largest legitimate message is an offer of 48 kB with its bundle of candidates.
MAX_FRAME = 65_536  # bytes

# A connection that has not joined: a phone on a slow network needs two, who means harm gets five.
JOIN_WITHIN = 5.0  # seconds

# A refused connection hears why, then is closed: long enough for the answer to be written.
CLOSE_AFTER = 0.25  # seconds

# Heartbeat: 5/5 flapped on starved machines; media has its own watchdog, so this one may be patient.
PING_INTERVAL = 5.0  # seconds
PING_TIMEOUT = 10.0  # seconds

# Commands of one connection. Joining a room of twelve costs about sixty signals at once; after that a busy person
# sends a few a second.
COMMAND_RATE = 50.0  # a second
COMMAND_BURST = 300.0
