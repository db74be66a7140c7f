"""The nouns of a meeting: frozen values, changed only by `room.evolve`.

knocking -> online <-> away -> gone        (presence; *knocking* waits for the doors of a later chapter)
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Role = Literal["host", "member"]
Presence = Literal["online", "away"]
Source = Literal["camera", "microphone", "screen"]
Reason = Literal["left", "lost", "ended"]


class Publication(msgspec.Struct, frozen=True):
    """The promise that a source comes on a stream. While ``muted`` nothing is sent, and the promise stays."""

    source: Source
    stream_id: str
    muted: bool = False


class Participant(msgspec.Struct, frozen=True):
    """Somebody seated: one browser tab. ``away_since`` is in the seconds of whatever clock the shell hands in."""

    id: str
    user: str
    name: str
    role: Role = "member"
    guest: bool = False
    presence: Presence = "online"
    publications: tuple[Publication, ...] = ()
    attributes: dict[str, Any] = {}
    away_since: float | None = None


class Room(msgspec.Struct, frozen=True):
    """The live meeting. ``participants`` is the roster: those seated, in order of arrival.

    ``grace`` is how many seconds a seat is kept after its socket was lost.
    """

    id: str
    capacity: int = 16
    grace: float = 30.0
    participants: tuple[Participant, ...] = ()

    def find(self, id: str) -> Participant | None:
        """Return who sits here under that id, or None."""
        return next((p for p in self.participants if p.id == id), None)


class Ticket(msgspec.Struct, frozen=True):
    """What a checked ticket says about who comes: the whole of what signaling knows of an account."""

    id: str
    room: str
    user: str
    name: str
    role: Role
    guest: bool
