"""Every number that bounds what a connection may cost, each with its reason."""

from __future__ import annotations

# A frame: the largest legitimate message is an offer of 48 kB with its bundle of candidates.
MAX_FRAME = 65_536  # bytes

# A connection that has not joined: a phone on a slow network needs two, who means harm gets five.
JOIN_WITHIN = 5.0  # seconds

# A refused connection hears why, then is closed: long enough for the answer to be written.
CLOSE_AFTER = 0.25  # seconds

# A connection that is closed is asked to go first, and cut when it does not.
CLOSE_WITHIN = 2.0  # seconds

# Sockets at once. One address: a lecture hall behind one router, or a hostile program that then costs about 2 MB. One
# user: every tab of two or three devices, and those lost ones that nobody has noticed yet.
SOCKETS_OF_ADDRESS = 100
SOCKETS_OF_USER = 20

# What waits to be read by a socket: the longest chat that a newcomer is sent (200 lines of 2,000 characters) and a
# hundred descriptions. A phone in a tunnel is behind by a few hundred messages before its heartbeat ends; who is behind
# by more does not read at all.
UNREAD_PACKETS = 2_000
UNREAD_CHARACTERS = 1_500_000

# What the kernel waits for the other end to take what was written, before it forgets the connection: for the listening
# socket's TCP_USER_TIMEOUT, which accepted ones inherit. Without it a peer that acknowledges and never reads keeps a
# closed connection's buffer for ever. Longer than a heartbeat and its patience.
USER_TIMEOUT = 20_000  # milliseconds

# Heartbeat: 5/5 flapped on starved machines; media has its own watchdog, so this one may be patient.
PING_INTERVAL = 5.0  # seconds
PING_TIMEOUT = 10.0  # seconds

# Commands of one connection. Joining a room of twelve costs about sixty signals at once; after that a busy person
# sends a few a second.
COMMAND_RATE = 50.0  # a second
COMMAND_BURST = 300.0

# Commands refused in a row because there were too many: a client that does not wait when it is told to. At 10,000 a
# second it is gone after a tenth of one.
FLOOD = 1_000
