"""The imperative shell without sockets: rooms, one lock a room, seats, time. It decides nothing.

A command is run on the meeting as it was last seen; if somebody else has changed it meanwhile, on what it is now. What
comes of it is kept and delivered in one breath (`rooms.py`), so everybody hears events in the core's order.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from ..core import wire
from ..core.commands import (
    AnyCommand,
    Disconnect,
    End,
    EndMeeting,
    Expire,
    Forget,
    FromBrowser,
    Join,
    Leave,
    Lift,
    Resume,
    SetDoors,
)
from ..core.errors import Refusal
from ..core.events import AnyEvent
from ..core.model import Doors, Participant, Room, Ticket
from ..core.room import Envelope, decide, step
from .rooms import Dismissed, Held, Parcel, Place, Present, Rooms, Stale, Told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = logging.getLogger("peermeet.signaling")

TRIES = 50  # at one command: each that fails is another's that did not


class Seat(NamedTuple):
    """A place in a room, or at its door. The resume key brings its owner back on another socket."""

    room: str
    participant: str
    resume: str


class Happening(NamedTuple):
    """What is observed: the room as it is afterwards, and what happened; None: the meeting is over. ``at`` is when,
    ``meeting`` its id; ``stay`` and ``invitation`` are of whoever joined or left."""

    room: Room
    event: AnyEvent | None
    at: float
    meeting: str
    stay: str = ""
    invitation: str | None = None


class Taking(NamedTuple):
    """With which socket a seat is taken, by which invitation, and in which session: None in the same as before."""

    socket: str
    invitation: str | None = None
    session: str | None = None


Open = Callable[[str], Awaitable[Room]]
Observe = Callable[[Happening], None]


class Hub:
    """All live meetings, wherever ``rooms`` keeps them.

    ``open_room`` makes a room as its record has it when the first one comes, or refuses. ``observe`` hears what this
    process brought about. ``clock`` is Unix time, ``new_key`` gives words that nobody guesses. A socket is a word to
    the hub; ``rooms`` knows how to reach it.
    """

    def __init__(
        self,
        rooms: Rooms,
        open_room: Open,
        *,
        clock: Callable[[], float],
        new_key: Callable[[], str],
        observe: Observe = lambda happening: None,
    ) -> None:
        self._rooms = rooms
        self._open_room = open_room
        self._clock = clock
        self._new_key = new_key
        self._observe = observe
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}  # with how many hold or want it

    async def room(self, id: str) -> Room | None:
        """Return the live meeting, or None while nobody is there."""
        held = await self._rooms.get(id)
        return held.room if held and held.room.participants else None

    def all(self) -> AsyncIterator[Held]:
        """Return every live meeting."""
        return self._rooms.all()

    async def seat(self, resume: object) -> Seat | None:
        """Return whose seat a resume key stands for."""
        if not isinstance(resume, str) or resume.count(".") != 2 or not resume.isascii() or len(resume) > 200:
            return None
        room, participant, _ = resume.split(".")
        seat = Seat(room, participant, resume)
        return seat if _sits(await self._rooms.get(room), seat) else None

    async def sitting(self, seat: Seat) -> tuple[Room, Participant] | None:
        """Return the room and who has that seat now, or knocks under its name; None if it was given up."""
        held = await self._rooms.get(seat.room)
        who = held.room.find(seat.participant) if held and _sits(held, seat) else None
        return (held.room, who) if held and who else None

    async def join(self, ticket: Ticket, device: str, socket: str) -> Seat:
        """Seat whoever the ticket names, or let them knock. The same user on the same page takes their own seat
        back."""
        id = participant_id(ticket.room, ticket.user, device)
        who = Participant(
            id, ticket.user, ticket.name, ticket.role, ticket.guest, invited=ticket.invitation is not None
        )

        def ask(held: Held) -> AnyCommand:
            return Resume(id) if held.room.find(id) is not None else Join(id, who, ticket.marks, self._clock())

        held = await self._run(ticket.room, ask, Taking(socket, ticket.invitation, ticket.session), opening=True)
        return Seat(ticket.room, id, held.places[id].resume)

    async def resume(self, seat: Seat, socket: str) -> None:
        """Seat somebody again whose socket was lost, or refuse with ``seat_gone``."""

        def ask(held: Held) -> AnyCommand:
            if not _sits(held, seat):
                raise Refusal("seat_gone")
            return Resume(seat.participant)

        try:
            await self._run(seat.room, ask, Taking(socket))
        except Refusal as refusal:
            raise Refusal("seat_gone") if refusal.code == "not_joined" else refusal from None

    async def hear(self, seat: Seat, message: object) -> None:
        """Run what a browser asks for in the name of its seat, now, or raise its `Refusal`."""
        await self.submit(seat.room, wire.parse(message, seat.participant, self._clock(), self._new_key()))

    async def submit(self, room_id: str, command: FromBrowser) -> None:
        """Run a browser's command, or raise its `Refusal`."""
        await self._run(room_id, lambda held: command)

    async def disconnect(self, seat: Seat, socket: str) -> None:
        """Mark somebody away whose socket was lost, unless another one hears for their seat by now; who only knocked is
        gone."""

        def ask(held: Held) -> AnyCommand:
            place = held.places.get(seat.participant)
            if place is None or place.socket != socket:
                raise Refusal("seat_gone")
            return Disconnect(seat.participant, self._clock())

        await self._quietly(seat.room, ask)

    async def end(self, room_id: str) -> None:
        """Give up every seat of a room: its record is gone, or it closes."""
        await self._quietly(room_id, lambda held: End(""))

    async def expel(self, user: str, session: str | None = None, but: str | None = None) -> None:
        """Give up every seat of somebody; or those that were taken in one session, or in any but one."""
        async for held in self._rooms.all():
            for p in held.room.participants:
                taken_in = held.places[p.id].session
                if p.user == user and session in {None, taken_in} and taken_in != but:
                    await self._quietly(held.room.id, _always(Leave(p.id)))

    async def forget(self, user: str) -> None:
        """Give up every seat of somebody whose account is gone, and what rooms know of them."""
        async for held in self._rooms.all():
            await self._quietly(held.room.id, lambda held: Forget("", user))

    async def change(self, room_id: str, doors: Doors, closes: float | None) -> None:
        """Set a live meeting's doors and hours as its record has them now: they were changed from outside."""
        await self._quietly(room_id, lambda held: SetDoors("", doors, closes))

    async def hosts(self, room_id: str) -> frozenset[str]:
        """Return the users who are host in a room now."""
        room = await self.room(room_id)
        return frozenset(p.user for p in room.hosts) if room else frozenset()

    async def tick(self) -> None:
        """Do what time itself does: give up seats whose grace is over, lift what has lasted its time, end what closes,
        forget where nobody is any more. To be called about once a second."""
        now = self._clock()
        for node in await self._rooms.beat():
            log.warning("a node is dead: its people are away until they are back on another")
            await self.lose(node)
            await self._rooms.bury(node)
        for id in await self._rooms.due(now):
            if (held := await self._rooms.get(id)) is None:
                continue
            for p in held.room.participants:
                if p.away_since is not None and now - p.away_since >= held.room.grace:
                    await self._quietly(id, _always(Expire(p.id, now)))
            if held.room.closes and held.room.closes <= now:
                log.info("room %s closes", id)
                await self.end(id)
            await self._quietly(id, _always(Lift("", now)))
            await self._give_up(id, now)

    async def lose(self, node: str, alive: Callable[[str], bool] = lambda socket: False) -> None:
        """Mark everybody away who was heard for by a socket of that node which is not ``alive``."""
        async for held in self._rooms.all():
            for id, place in held.places.items():
                if place.node == node and place.socket and not alive(place.socket):
                    await self.disconnect(Seat(held.room.id, id, place.resume), place.socket)

    async def repair(self, sockets: dict[str, Seat]) -> list[str]:
        """After a time in which nothing could be heard: put back what is lost of this node's meetings, and tell each
        of its sockets everything anew. Returns those whose seat is gone."""
        await self._rooms.restore()
        await self.lose(self._rooms.node, sockets.__contains__)
        gone = []
        for socket, seat in sockets.items():
            try:
                await self.resume(seat, socket)
            except Refusal as refusal:
                if refusal.code == "unavailable":
                    raise
                gone.append(socket)
        return gone

    async def _quietly(self, room_id: str, ask: Callable[[Held], AnyCommand]) -> None:
        try:
            await self._run(room_id, ask)
        except Refusal as refusal:
            if refusal.code == "unavailable":
                raise
            log.debug("room %s: %s", room_id, refusal.code)  # it went in the meantime

    async def _run(
        self,
        id: str,
        ask: Callable[[Held], AnyCommand],
        taking: Taking | None = None,
        *,
        opening: bool = False,
    ) -> Held:
        """Run the command that ``ask`` makes of the meeting, and return what has become of it."""
        async with self._lock(id):
            before, certain = self._rooms.seen(id)
            if before is None and not certain:
                before, certain = await self._rooms.get(id), True
            for _ in range(TRIES):
                try:
                    held = before or await self._opened(id, opening=opening)
                    command = ask(held)
                    room, envelopes = step(held.room, command)
                except Refusal:
                    if certain:
                        raise
                    before, certain = await self._rooms.get(id), True
                    continue
                after, parcels = self._after(held, room, envelopes, command, taking)
                if after is before and not parcels and not certain:  # perhaps there was something to do after all
                    before, certain = await self._rooms.get(id), True
                    continue
                try:
                    await self._rooms.commit(id, before, after, parcels)
                except Stale as stale:
                    before, certain = stale.held, True
                    continue
                now = after or replace(held, room=room)
                self._tell_observers(held, now, command)
                if after is None:
                    self._observe(Happening(room, None, self._clock(), held.meeting))
                return now
            raise Refusal("unavailable")

    async def _opened(self, id: str, *, opening: bool) -> Held:
        if not opening:
            raise Refusal("not_joined")
        return Held(await self._open_room(id), self._new_key())

    def _after(
        self,
        held: Held,
        room: Room,
        envelopes: Iterable[Envelope],
        command: AnyCommand,
        taking: Taking | None,
    ) -> tuple[Held | None, list[Parcel]]:
        """Return the meeting after a command, None if it is over, and what is delivered."""
        places = held.places
        dismissed = [Dismissed(places[id].socket) for id in places if room.find(id) is None and places[id].socket]
        if room.participants is not held.room.participants or taking:
            places = self._placed(held, room, command, taking)
            if taking and (older := held.places.get(command.by)) and older.socket not in {"", taking.socket}:
                dismissed.append(Dismissed(older.socket))
        reachable = places if places is held.places else {**held.places, **places}
        parcels: list[Parcel] = []
        for to, event in envelopes:
            sockets = tuple(place.socket for id in to if (place := reachable.get(id)) and place.socket)
            if sockets:
                parcels.append(Told(sockets, event))
        parcels += dismissed
        if len(room.roster) != len(held.room.roster):
            parcels.append(Present(room.id, len(room.roster)))
        if not room.participants and isinstance(command, End | EndMeeting):
            return None, parcels
        emptied = None if room.participants else held.emptied if held.emptied is not None else self._clock()
        if room is held.room and places is held.places and emptied == held.emptied:
            return held, parcels
        return Held(room, held.meeting, places, emptied), parcels

    def _placed(self, held: Held, room: Room, command: AnyCommand, taking: Taking | None) -> dict[str, Place]:
        places = {p.id: held.places.get(p.id) or self._place(room.id, p.id, taking) for p in room.participants}
        if taking and command.by in places:
            place = replace(places[command.by], node=self._rooms.node, socket=taking.socket)
            places[command.by] = place if taking.session is None else replace(place, session=taking.session)
        elif isinstance(command, Disconnect) and command.by in places:
            places[command.by] = replace(places[command.by], node="", socket="")
        return held.places if places == held.places else places

    def _place(self, room: str, participant: str, taking: Taking | None) -> Place:
        resume = f"{room}.{participant}.{self._new_key()}"
        return Place(resume, self._new_key(), taking.invitation if taking else None)

    def _tell_observers(self, before: Held, after: Held, command: AnyCommand) -> None:
        _log(before, after)
        for event in decide(before.room, command):  # pure: may be asked again; envelopes lack what nobody can hear
            who = getattr(event, "participant", None)
            id = who.id if isinstance(who, Participant) else getattr(event, "id", None)
            place = after.places.get(id or "") or before.places.get(id or "") or Place("", "")
            self._observe(Happening(after.room, event, self._clock(), after.meeting, place.stay, place.invitation))

    async def _give_up(self, id: str, now: float) -> None:
        """Forget a meeting in which nobody has been for its grace."""
        async with self._lock(id):
            held = await self._rooms.get(id)
            if held is None or held.emptied is None or now - held.emptied < held.room.grace:
                return
            try:
                await self._rooms.commit(id, held, None, ())
            except Stale:
                return
            self._observe(Happening(held.room, None, held.emptied, held.meeting))

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


def _always(command: AnyCommand) -> Callable[[Held], AnyCommand]:
    return lambda held: command


def _sits(held: Held | None, seat: Seat) -> bool:
    place = held.places.get(seat.participant) if held else None
    return place is not None and hmac.compare_digest(place.resume, seat.resume)


def _log(before: Held, after: Held) -> None:
    if before.room.participants is after.room.participants:
        return
    sat, sits = ({p.id: p for p in held.room.participants} for held in (before, after))
    for id in sat.keys() - sits.keys():
        log.info("room %s: %s left", after.room.id, id)
    for id in sits.keys() - sat.keys():
        doing = "joined" if sits[id].seated else "knocks"
        log.info("room %s: %s %s (%d now)", after.room.id, id, doing, len(sits))
    for id in sits.keys() & sat.keys():
        if sits[id].presence != sat[id].presence:
            log.info("room %s: %s %s", after.room.id, id, sits[id].presence)
