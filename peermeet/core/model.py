"""The nouns of a meeting: frozen values, changed only by `room.evolve`.

knocking -> online <-> away -> gone        presence: at the door, seated, seated without a socket
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["host", "cohost", "member", "listener"]
Presence = Literal["knocking", "online", "away"]
Source = Literal["camera", "microphone", "screen"]
Reason = Literal["left", "lost", "ended", "denied", "removed", "banned", "replaced"]
Keeping = Literal["off", "meeting", "forever"]
Why = Literal["lobby", "host", "full"]  # somebody waits: for an answer, for a host to come, for a free seat


class Publication(msgspec.Struct, frozen=True):
    """The promise that a source comes on a stream. While ``muted`` nothing is sent, and the promise stays."""

    source: Source
    stream_id: str
    muted: bool = False


class Silence(msgspec.Struct, frozen=True):
    """A source of somebody that nobody plays, whether or not its owner obeys. ``until`` is the clock's, or None."""

    source: Source
    until: float | None = None


class Participant(msgspec.Struct, frozen=True):
    """Somebody seated or knocking: one browser tab. ``away_since`` is by the clock that the shell hands in, in seconds.
    ``invited``: came by an invitation, and does not knock."""

    id: str
    user: str
    name: str
    role: Role = "member"
    guest: bool = False
    presence: Presence = "online"
    publications: tuple[Publication, ...] = ()
    attributes: dict[str, Any] = {}
    away_since: float | None = None
    invited: bool = False
    silenced: tuple[Silence, ...] = ()

    @property
    def seated(self) -> bool:
        return self.presence != "knocking"


class Exile(msgspec.Struct, frozen=True):
    """Somebody who may not come back until a host allows it; ``banned``: as a guest from the same device or address
    neither. ``until`` is the clock's, or None: for the rest of the meeting."""

    user: str
    name: str
    banned: bool = False
    until: float | None = None


class Message(msgspec.Struct, frozen=True):
    """A line of the chat, as latecomers read it."""

    id: str
    by: str
    user: str
    name: str
    text: str
    at: float


class Doors(msgspec.Struct, frozen=True):
    """What a host sets about who comes in, and what the room keeps.

    ``lobby``: who is no host knocks. ``locked``: nobody new. ``wait_for_host``: members wait until one is there.
    ``one_device``: a person's newer seat takes the place of the older. ``chat``: how long it is kept. ``relay_only``:
    media goes by relays alone, so that nobody here learns another's address.
    """

    lobby: bool = False
    locked: bool = False
    wait_for_host: bool = False
    one_device: bool = False
    chat: Keeping = "meeting"
    relay_only: bool = False


class Known(msgspec.Struct, frozen=True):
    """What a room knows of a user from one seat to the next, and tells nobody.

    ``marks``: hashes of device and address. ``admitted``: has sat here, so is nobody new. ``role`` and ``silenced``:
    as hosts decided; a tab that is opened anew changes nothing about it.
    """

    marks: tuple[str, ...] = ()
    admitted: bool = False
    role: Role | None = None
    silenced: tuple[Silence, ...] = ()


class Room(msgspec.Struct, frozen=True):
    """The live meeting. ``participants`` are those seated and those who knock, in order of arrival.

    ``grace`` is how many seconds a seat is kept after its socket was lost. ``owner`` is a user. What is unset does not
    travel: it is told to nobody.
    """

    id: str
    capacity: int = 16
    grace: float = 30.0
    participants: tuple[Participant, ...] = ()
    doors: Doors = Doors()
    owner: str = ""
    history: tuple[Message, ...] = ()
    out: tuple[Exile, ...] = ()  # told to hosts and co-hosts alone
    known: dict[str, Known] | msgspec.UnsetType = msgspec.UNSET  # by user
    closes: float | msgspec.UnsetType | None = msgspec.UNSET  # by the clock: then the meeting ends
    relays: bool | msgspec.UnsetType = msgspec.UNSET  # whether this server has any

    def find(self, id: str) -> Participant | None:
        """Return who sits or knocks here under that id, or None."""
        return next((p for p in self.participants if p.id == id), None)

    @property
    def roster(self) -> tuple[Participant, ...]:
        """Those seated, in order of arrival."""
        return tuple(p for p in self.participants if p.seated)

    @property
    def knocking(self) -> tuple[Participant, ...]:
        return tuple(p for p in self.participants if not p.seated)

    @property
    def hosts(self) -> tuple[Participant, ...]:
        return tuple(p for p in self.roster if p.role == "host")

    def seats(self, user: str) -> tuple[Participant, ...]:
        """Return every seat of one person: a tab each."""
        return tuple(p for p in self.roster if p.user == user)

    def called(self, p: Participant) -> str:
        """Return how somebody is called here: by their name, and in their second tab by that as well."""
        older = [seat.id for seat in self.seats(p.user)]
        place = older.index(p.id) + 1 if p.id in older else 1
        return p.name if place == 1 else f"{p.name} ({place})"

    def knows(self, user: str) -> Known:
        return (self.known or {}).get(user, Known())


class Ticket(msgspec.Struct, frozen=True):
    """What a checked ticket says about who comes: the whole of what signaling knows of an account. ``session`` is the
    id of the one that it was asked for in, ``key`` that session's."""

    id: str
    room: str
    user: str
    name: str
    role: Role
    guest: bool
    invitation: str | None = None
    marks: tuple[str, ...] = ()
    session: str = ""
    key: str = ""
