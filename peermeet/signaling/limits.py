"""Every number that bounds what a connection may cost, each with its reason."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["signal", "say", "govern", "rest", "too many"]
Payer = Literal["socket", "account", "address"]


class Rate(NamedTuple):
    """A bucket: how many tokens come in a second, and how many it holds."""

    a_second: float
    burst: float


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

# Commands, by class and by who pays for them: tokens a second, and how many a full bucket holds. One socket is one tab.
# One account is a person with two or three devices, of whom all join at once after the server was restarted. One
# address may be a lecture hall of a hundred tabs (SOCKETS_OF_ADDRESS), and all of them join at once then; what it may
# go on with is what a busy room in ten makes, and a fifth of what one core relays.
COMMANDS: dict[str, dict[Payer, Rate]] = {
    # Joining a room of twelve costs about sixty signals at once, and a way to everybody that has to be found anew as
    # many; in larger rooms the last of them wait a second or two.
    "signal": {"socket": Rate(50, 120), "account": Rate(100, 360), "address": Rate(1_000, 6_000)},
    # Chat, reactions, hands: told to everybody in the room, and each of their pages shows it anew, which costs the
    # server a few milliseconds a page. Fast fingers make ten a second, and not for long.
    "say": {"socket": Rate(5, 40), "account": Rate(10, 80), "address": Rate(100, 1_000)},
    # Hosts decide by hand. Thirty at once: one by one, a class that knocks.
    "govern": {"socket": Rate(5, 30), "account": Rate(10, 60), "address": Rate(50, 300)},
    # Joining takes five: to join, to publish three sources, to ask for relays. The keys of microphone and camera can
    # be pressed as fast as a finger moves, and everybody is told. What is no command at all is paid for here too.
    "rest": {"socket": Rate(5, 50), "account": Rate(10, 150), "address": Rate(100, 1_000)},
    # Refused for being too many. A client that is told so waits a second, and asks once for each of its links. One
    # that does not wait is gone after two seconds.
    "too many": {"socket": Rate(20, 300)},
}
# What such a refusal takes: of a flood that cannot be answered faster, all but two hundred a second wait in the kernel,
# and cost nobody anything.
REFUSED_PAUSE = 0.005  # seconds

# Reflex's event socket, by which the pages' Python is asked: the same hall, each person with two tabs.
PAGE_SOCKETS_OF_ADDRESS = 200
PAGES: dict[str, dict[Payer, Rate]] = {
    # A tab's state has 15 kB and is kept for twelve hours: from one address a megabyte a minute at most.
    "open": {"address": Rate(1, 500)},
    # A tab tells its page's Python what it hears of the room: who comes to a full one hears some thirty things, and a
    # class that comes in together makes a few hundred. What is more waits for its turn.
    "event": {"socket": Rate(20, 300), "address": Rate(200, 5_000)},
}
