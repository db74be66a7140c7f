"""The imperative shell without sockets: rooms, one lock a room, seats, time. It decides nothing.

Its only way out is ``deliver(room, participants, event)``. Between a command and its delivery the room's lock is
held, so everybody hears events in the core's order.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from ..core.commands import AnyCommand, Disconnect, End, Expire, FromBrowser, Join, Resume
from ..core.errors import Refusal
from ..core.events import AnyEvent
from ..core.model import Participant, Room, Ticket
from ..core.room import decide, step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = logging.getLogger("peermeet.signaling")

Deliver = Callable[[str, tuple[str, ...], AnyEvent], Awaitable[None]]
Observe = Callable[[Room, AnyEvent], None]


class Seat(NamedTuple):
    """A place in a room. The resume key brings its owner back on another socket."""

    room: str
    participant: str
    resume: str


Take = Callable[[Seat], None]


class Hub:
    """All live meetings of this process. ``observe`` hears all that happens, with the room after it."""

    def __init__(
        self,
        deliver: Deliver,
        *,
        clock: Callable[[], float],
        new_key: Callable[[], str],
        capacity: int,
        grace: float,
        observe: Observe = lambda room, event: None,
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._new_key = new_key
        self._capacity = capacity
        self._grace = grace
        self._observe = observe
        self._rooms: dict[str, Room] = {}
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}  # with how many hold or want it
        self._seats: dict[str, Seat] = {}  # by resume key
        self._keys: dict[tuple[str, str], str] = {}  # resume key by room and participant

    def room(self, id: str) -> Room | None:
        """Return the live meeting, or None while nobody sits there."""
        return self._rooms.get(id)

    def seat(self, resume: str) -> Seat | None:
        """Return whose seat a resume key stands for."""
        return self._seats.get(resume)

    async def join(self, ticket: Ticket, device: str, take: Take) -> None:
        """Seat whoever the ticket names. The same user on the same page takes their own seat back.

        ``take`` is handed the seat before anything is delivered to it; not at all if joining is refused.
        """
        id = participant_id(ticket.room, ticket.user, device)
        async with self._lock(ticket.room):
            room = self._rooms.get(ticket.room) or Room(ticket.room, self._capacity, self._grace)
            if room.find(id) is not None:
                await self._step(room, Resume(id), take)
            else:
                who = Participant(id, ticket.user, ticket.name, ticket.role, ticket.guest)
                await self._step(room, Join(id, who), take)

    async def resume(self, seat: Seat, take: Take) -> None:
        """Seat somebody again whose socket was lost, or refuse with ``seat_gone``."""
        async with self._lock(seat.room):
            room = self._rooms.get(seat.room)
            if room is None or self._seats.get(seat.resume) != seat:
                raise Refusal("seat_gone")
            await self._step(room, Resume(seat.participant), take)

    async def submit(self, room_id: str, command: FromBrowser) -> None:
        """Run a browser's command, or raise its `Refusal`."""
        async with self._lock(room_id):
            room = self._rooms.get(room_id)
            if room is None:
                raise Refusal("not_joined")
            await self._step(room, command)

    async def disconnect(self, seat: Seat) -> None:
        """Mark somebody away whose socket was lost."""
        await self._quietly(seat.room, Disconnect(seat.participant, self._clock()))

    async def end(self, room_id: str) -> None:
        """Give up every seat of a room whose record is gone."""
        await self._quietly(room_id, End(""))

    async def tick(self) -> None:
        """Give up the seats whose grace is over. To be called about once a second."""
        now = self._clock()
        for room in list(self._rooms.values()):
            for p in room.participants:
                if p.away_since is not None and now - p.away_since >= room.grace:
                    await self._quietly(room.id, Expire(p.id, now))

    async def _quietly(self, room_id: str, command: AnyCommand) -> None:
        async with self._lock(room_id):
            if (room := self._rooms.get(room_id)) is not None:
                try:
                    await self._step(room, command)
                except Refusal as refusal:  # the seat went in the meantime
                    log.debug("room %s: %s: %s", room_id, type(command).__name__, refusal.code)

    async def _step(self, room: Room, command: AnyCommand, take: Take | None = None) -> None:
        after, envelopes = step(room, command)
        self._keep(room, after)
        if take is not None:
            take(self._seats[self._keys[room.id, command.by]])
        for event in decide(room, command):  # pure: may be asked again; envelopes lack what nobody is left to hear
            self._observe(after, event)
        for to, event in envelopes:
            await self._deliver(room.id, to, event)

    def _keep(self, before: Room, after: Room) -> None:
        if after.participants:
            self._rooms[after.id] = after
        else:
            self._rooms.pop(after.id, None)
        sat, sits = ({p.id: p for p in room.participants} for room in (before, after))
        for id in sat.keys() - sits.keys():
            log.info("room %s: %s left", after.id, id)
            self._seats.pop(self._keys.pop((after.id, id)), None)
        for id in sits.keys() - sat.keys():
            log.info("room %s: %s joined (%d now)", after.id, id, len(sits))
            key = self._keys[after.id, id] = self._new_key()
            self._seats[key] = Seat(after.id, id, key)
        for id in sits.keys() & sat.keys():
            if sits[id].presence != sat[id].presence:
                log.info("room %s: %s %s", after.id, id, sits[id].presence)

    @asynccontextmanager
    async def _lock(self, room_id: str) -> AsyncIterator[None]:
        lock, waiting = self._locks.get(room_id) or (asyncio.Lock(), 0)
        self._locks[room_id] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            _, waiting = self._locks[room_id]
            if waiting == 1:
                del self._locks[room_id]
            else:
                self._locks[room_id] = (lock, waiting - 1)


def participant_id(room: str, user: str, device: str) -> str:
    """Return the id of a seat. It follows from who sits where, so that a page that joins again after the server
    was restarted is known to its peers, and nobody can take an id that belongs to another user."""
    digest = hashlib.sha256("\0".join((room, user, device)).encode()).hexdigest()
    return f"p-{digest[:16]}"
