"""The imperative shell without sockets: rooms, one lock a room, seats, time. It decides nothing.

Its ways out are ``deliver(room, participants, event)`` and ``dismiss(seat)``. Between a command and its delivery the
room's lock is held, so everybody hears events in the core's order.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from ..core import wire
from ..core.commands import AnyCommand, Disconnect, End, Expire, FromBrowser, Join, Leave, Lift, Resume
from ..core.errors import Refusal
from ..core.events import AnyEvent, RoomChanged
from ..core.model import Doors, Participant, Room, Ticket
from ..core.room import audience, decide, evolve, step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = logging.getLogger("peermeet.signaling")


class Seat(NamedTuple):
    """A place in a room, or at its door. The resume key brings its owner back on another socket. ``session`` is the one
    that it was taken in, and ends with it."""

    room: str
    participant: str
    resume: str
    invitation: str | None = None
    session: str = ""


class Happening(NamedTuple):
    """What is observed: the room as it is afterwards, what happened, and by which invitation the one came who
    joined."""

    room: Room
    event: AnyEvent
    invitation: str | None = None


Open = Callable[[str], Awaitable[Room]]
Deliver = Callable[[str, tuple[str, ...], AnyEvent], Awaitable[None]]
Observe = Callable[[Happening], None]
Take = Callable[[Seat], None]


class Hub:
    """All live meetings of this process.

    ``open_room`` makes a room as its record has it when the first one comes, or refuses. ``dismiss`` is told of every
    seat that is given up, after everybody has heard why. ``observe`` hears all that happens. ``clock`` is Unix time.
    """

    def __init__(
        self,
        open_room: Open,
        deliver: Deliver,
        *,
        clock: Callable[[], float],
        new_key: Callable[[], str],
        dismiss: Callable[[Seat], None] = lambda seat: None,
        observe: Observe = lambda happening: None,
    ) -> None:
        self._open_room = open_room
        self._deliver = deliver
        self._clock = clock
        self._new_key = new_key
        self._dismiss = dismiss
        self._observe = observe
        self._rooms: dict[str, Room] = {}
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}  # with how many hold or want it
        self._seats: dict[str, Seat] = {}  # by resume key
        self._keys: dict[tuple[str, str], str] = {}  # resume key by room and participant

    def room(self, id: str) -> Room | None:
        """Return the live meeting, or None while nobody is there."""
        return self._rooms.get(id)

    def seat(self, resume: str) -> Seat | None:
        """Return whose seat a resume key stands for."""
        return self._seats.get(resume)

    def who(self, seat: Seat) -> Participant | None:
        """Return who has that seat now, or knocks under its name; None if it was given up."""
        room = self._rooms.get(seat.room)
        return room.find(seat.participant) if room and self._seats.get(seat.resume) == seat else None

    async def join(self, ticket: Ticket, device: str, take: Take) -> None:
        """Seat whoever the ticket names, or let them knock. The same user on the same page takes their own seat back.

        ``take`` is handed the seat before anything is delivered to it; not at all if joining is refused.
        """
        id = participant_id(ticket.room, ticket.user, device)
        async with self._lock(ticket.room):
            room = self._rooms.get(ticket.room) or await self._open_room(ticket.room)
            if room.find(id) is not None:
                key = self._keys[room.id, id]
                self._seats[key] = self._seats[key]._replace(session=ticket.session)
                await self._step(room, Resume(id), take)
            else:
                invited = ticket.invitation is not None
                who = Participant(id, ticket.user, ticket.name, ticket.role, ticket.guest, invited=invited)
                await self._step(room, Join(id, who, ticket.marks, self._clock()), take, ticket)

    async def resume(self, seat: Seat, take: Take) -> None:
        """Seat somebody again whose socket was lost, or refuse with ``seat_gone``."""
        async with self._lock(seat.room):
            room = self._rooms.get(seat.room)
            if room is None or self._seats.get(seat.resume) != seat:
                raise Refusal("seat_gone")
            await self._step(room, Resume(seat.participant), take)

    async def hear(self, seat: Seat, message: object) -> None:
        """Run what a browser asks for in the name of its seat, now, or raise its `Refusal`."""
        await self.submit(seat.room, wire.parse(message, seat.participant, self._clock(), self._new_key()))

    async def submit(self, room_id: str, command: FromBrowser) -> None:
        """Run a browser's command, or raise its `Refusal`."""
        async with self._lock(room_id):
            room = self._rooms.get(room_id)
            if room is None:
                raise Refusal("not_joined")
            await self._step(room, command)

    async def disconnect(self, seat: Seat) -> None:
        """Mark somebody away whose socket was lost; who only knocked is gone."""
        await self._quietly(seat.room, Disconnect(seat.participant, self._clock()))

    async def end(self, room_id: str) -> None:
        """Give up every seat of a room: its record is gone, or it closes."""
        await self._quietly(room_id, End(""))

    async def expel(self, user: str, session: str | None = None, but: str | None = None) -> None:
        """Give up every seat of somebody; or those that were taken in one session, or in any but one."""
        for room in list(self._rooms.values()):
            for p in room.participants:
                taken_in = self._seats[self._keys[room.id, p.id]].session
                if p.user == user and session in {None, taken_in} and taken_in != but:
                    await self._quietly(room.id, Leave(p.id))

    async def change(self, room_id: str, doors: Doors) -> None:
        """Set a live meeting's doors as its record has them now: they were changed from outside."""
        async with self._lock(room_id):
            room = self._rooms.get(room_id)
            if room is not None and room.doors != doors:
                event = RoomChanged(doors)
                after = self._rooms[room_id] = evolve(room, event)
                self._observe(Happening(after, event))
                await self._deliver(room_id, audience(room, after, event), event)

    async def tick(self) -> None:
        """Give up the seats whose grace is over, and lift what has lasted its time. To be called about once a
        second."""
        now = self._clock()
        for room in list(self._rooms.values()):
            for p in room.participants:
                if p.away_since is not None and now - p.away_since >= room.grace:
                    await self._quietly(room.id, Expire(p.id, now))
            if any(until <= now for until in _ends(room)):
                await self._quietly(room.id, Lift("", now))

    async def _quietly(self, room_id: str, command: AnyCommand) -> None:
        async with self._lock(room_id):
            if (room := self._rooms.get(room_id)) is not None:
                try:
                    await self._step(room, command)
                except Refusal as refusal:  # the seat went in the meantime
                    log.debug("room %s: %s: %s", room_id, type(command).__name__, refusal.code)

    async def _step(
        self, room: Room, command: AnyCommand, take: Take | None = None, ticket: Ticket | None = None
    ) -> None:
        after, envelopes = step(room, command)
        given_up = self._keep(room, after, ticket)
        try:
            if take is not None:
                take(self._seats[self._keys[room.id, command.by]])
            for event in decide(room, command):  # pure: may be asked again; envelopes lack what nobody can hear
                self._observe(Happening(after, event, self._came_by(after.id, event)))
            for to, event in envelopes:
                await self._deliver(room.id, to, event)
        finally:
            for seat in given_up:
                self._dismiss(seat)

    def _keep(self, before: Room, after: Room, ticket: Ticket | None) -> list[Seat]:
        """Remember the room and who has which seat; return the seats that were given up."""
        if after.participants:
            self._rooms[after.id] = after
        else:
            self._rooms.pop(after.id, None)
        sat, sits = ({p.id: p for p in room.participants} for room in (before, after))
        given_up = []
        for id in sat.keys() - sits.keys():
            log.info("room %s: %s left", after.id, id)
            if (seat := self._seats.pop(self._keys.pop((after.id, id)), None)) is not None:
                given_up.append(seat)
        for id in sits.keys() - sat.keys():
            doing = "joined" if sits[id].seated else "knocks"
            log.info("room %s: %s %s (%d now)", after.id, id, doing, len(sits))
            key = self._keys[after.id, id] = self._new_key()
            invitation, session = (ticket.invitation, ticket.session) if ticket else (None, "")
            self._seats[key] = Seat(after.id, id, key, invitation, session)
        for id in sits.keys() & sat.keys():
            if sits[id].presence != sat[id].presence:
                log.info("room %s: %s %s", after.id, id, sits[id].presence)
        return given_up

    def _came_by(self, room_id: str, event: AnyEvent) -> str | None:
        who = getattr(event, "participant", None)
        key = self._keys.get((room_id, who.id)) if isinstance(who, Participant) else None
        return self._seats[key].invitation if key else None

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


def _ends(room: Room) -> list[float]:
    """Return when the silences and exiles of a room end that end by themselves."""
    silences = (silence.until for p in room.participants for silence in p.silenced)
    return [until for until in (*silences, *(exile.until for exile in room.out)) if until is not None]
