"""Where live meetings are kept: in this process, or (`redis.py`) in memory that several processes share.

A meeting is one value, `Held`, changed by compare-and-set. Whoever changes it says in the same breath who is to be told
what, so that everybody hears everything in the order of the changes, whichever process they are connected to.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from ..core.events import AnyEvent
from ..core.model import Room

log = logging.getLogger("peermeet.signaling")


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a seat besides who sits there: its resume key, the id of the stay for the record, by which
    invitation and in which session it was taken, and the socket that hears for it, on which node. Without a socket
    nobody hears."""

    resume: str
    stay: str
    invitation: str | None = None
    session: str = ""
    node: str = ""
    socket: str = ""


class Held(msgspec.Struct, frozen=True, omit_defaults=True):
    """A meeting as it is kept: the room, an id for the record, the places by participant. ``emptied``: since when there
    is nobody in it; it is kept for its grace, since a lone host who reloads is soon back."""

    room: Room
    meeting: str
    places: dict[str, Place] = {}
    emptied: float | None = None

    @property
    def due(self) -> float | None:
        """When time itself changes something: a seat or the room is given up, a silence or an exile ends."""
        room = self.room
        ends: list[float | None] = [p.away_since + room.grace for p in room.participants if p.away_since is not None]
        ends += [silence.until for p in room.participants for silence in p.silenced]
        ends += [exile.until for exile in room.out]
        ends += [room.closes or None, None if self.emptied is None else self.emptied + room.grace]
        return min((end for end in ends if end is not None), default=None)


class Told(NamedTuple):
    """An event, and the sockets that hear it."""

    sockets: tuple[str, ...]
    event: AnyEvent


class Dismissed(NamedTuple):
    """A socket whose seat was given up or taken over by another."""

    socket: str


class Present(NamedTuple):
    """So many sit there now."""

    room: str
    number: int


Parcel = Told | Dismissed | Present


class Post(Protocol):
    """Who has the sockets of this process. What is for sockets of others passes by unnoticed."""

    async def tell(self, sockets: tuple[str, ...], event: AnyEvent) -> None: ...
    def told(self, sockets: Iterable[str]) -> None: ...
    def dismiss(self, socket: str) -> None: ...
    def present(self, room: str, number: int) -> None: ...


class Stale(Exception):
    """Somebody else has changed the meeting. ``held`` is what it is now."""

    def __init__(self, held: Held | None) -> None:
        super().__init__()
        self.held = held


class Rooms(Protocol):
    """The live meetings. Everything may refuse with ``unavailable``."""

    node: str

    def seen(self, id: str) -> tuple[Held | None, bool]:
        """Return the meeting as it was last seen here, and whether it must still be so. Asks nobody."""

    async def get(self, id: str) -> Held | None: ...

    async def commit(self, id: str, before: Held | None, after: Held | None, parcels: Sequence[Parcel]) -> None:
        """Put ``after`` in the place of ``before`` and deliver, or raise `Stale`. None is no meeting; the same value
        again is written nowhere."""

    async def due(self, now: float) -> list[str]:
        """Return the rooms in which something is over by now."""

    def all(self) -> AsyncIterator[Held]: ...

    async def beat(self) -> list[str]:
        """Say that this node is alive; return the nodes that are not. To be called about once a second."""

    async def bury(self, node: str) -> None: ...
    async def restore(self) -> None: ...


class MemoryRooms:
    """The meetings of one process that is alone. Whoever commits holds the room's lock, so nothing is ever stale."""

    node = ""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._held: dict[str, Held] = {}
        self._due: dict[str, float] = {}

    def seen(self, id: str) -> tuple[Held | None, bool]:
        return self._held.get(id), True

    async def get(self, id: str) -> Held | None:
        return self._held.get(id)

    async def commit(self, id: str, before: Held | None, after: Held | None, parcels: Sequence[Parcel]) -> None:
        if after is not before:
            self._due.pop(id, None)
            if after is None:
                self._held.pop(id, None)
            else:
                self._held[id] = after
                if (due := after.due) is not None:
                    self._due[id] = due
        for parcel in parcels:
            match parcel:
                case Told():
                    try:
                        await self._post.tell(*parcel)
                    except Exception:  # a bug of ours: what was decided is decided, and the others hear of it
                        log.exception("an event could not be delivered")
                case Dismissed():
                    self._post.dismiss(*parcel)
                case Present():
                    self._post.present(*parcel)

    async def due(self, now: float) -> list[str]:
        return [id for id, due in self._due.items() if due <= now]

    async def all(self) -> AsyncIterator[Held]:
        for held in list(self._held.values()):
            yield held

    async def beat(self) -> list[str]:
        return []

    async def bury(self, node: str) -> None:
        """Do nothing: there is one node."""

    async def restore(self) -> None:
        """Do nothing: what is lost here is lost with the process."""
