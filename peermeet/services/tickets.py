"""The door of a room before signaling: who gets a ticket, what it says, and how a room is opened."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from ..auth.addresses import tells_apart
from ..auth.throttle import invitation_from, passcode_of, room_code_from
from ..auth.tokens import TICKET_LIFE
from ..core.commands import CHAT_LINES
from ..core.errors import Refusal
from ..core.model import Message, Role, Room, Ticket
from ..core.standing import Standing, resumed
from ..store import Invitation, RoomRecord, User
from .accounts import Accounts
from .desk import now
from .rooms import Rooms, closing_of, doors_of

log = logging.getLogger("peermeet")

# Whoever has said a passcode need not say it again for as long as the longest meeting: every lost seat takes another
# ticket, and after a restart everybody rejoins by themselves.
REMEMBERED = timedelta(hours=12)


class Door(NamedTuple):
    """What somebody may know of a room before they have a ticket. ``passcode``: they must say it."""

    code: str
    title: str
    mine: bool
    passcode: bool
    opens: datetime | None
    closes: datetime | None


class Tickets(Accounts, Rooms):
    async def door(self, user: User | None, code: object) -> Door:
        """Return what a page may say at the door of a room."""
        room = await self.room(code)
        mine = user is not None and room.owner == user.id
        known = mine or room.passcode_hash is None or (user is not None and await self._has_said(room, user))
        return Door(room.code, room.title, mine, not known, room.opens, room.closes)

    async def ticket(
        self,
        user: User,
        code: object,
        address: str,
        *,
        passcode: object = None,
        invitation: object = None,
        device: str | None = None,
        session: str | None = None,
    ) -> str:
        """Return a ticket for a room, and remember the visit.

        The owner comes as host at any time. All others come by an invitation, or as members who know the passcode if
        there is one, while the room is open. Refuses: ``no_such_room``, ``bad_invitation``, ``not_open_yet``,
        ``closed``, ``wrong_passcode``, ``too_many_attempts``, ``too_many``.
        """
        await self._throttle.ticket(address)
        room = await self._find(code, address)
        role, invited = await self._comes_as(room, user, invitation, address)
        if role != "host":
            _open_at(room, now())
        if room.owner != user.id and invited is None:
            await self._check_passcode(room, user, passcode, address)
        await self._kept(self._store.note_visit(user.id, room.code, now()))
        marks = []
        if tells_apart(address, self.settings.trusted_proxies):
            marks.append(self._tokens.mark(room.code, "address", address))
        if device:
            marks.append(self._tokens.mark(room.code, "device", device))
        life = TICKET_LIFE
        if role != "host" and room.closes is not None:
            life = min(life, room.closes - now())
        return self._tokens.ticket(
            room=room.code,
            user=user.id,
            name=user.name,
            role=role,
            guest=user.guest,
            invitation=invited.id if invited else None,
            marks=tuple(marks),
            session=self._tokens.read_session(session),
            life=life,
        )

    async def admit(self, ticket: object) -> Ticket:
        """Return a ticket that was good, once; or refuse."""
        read = self._tokens.read_ticket(ticket)
        at = now()
        if not await self._kept(self._store.use_ticket(read.id, at + 2 * TICKET_LIFE, at)):
            raise Refusal("ticket_used")
        if await self._gone(read.user):
            raise Refusal("bad_ticket")
        if read.session and await self._alive(read.session, read.user, read.key) is None:
            raise Refusal("bad_ticket")
        return read

    async def open_room(self, code: str) -> Room:
        """Return the meeting that begins in a room, or goes on after its server was lost, as its record and its memory
        have it; or refuse."""
        record = await self.room(code)
        await self.recorder.settled()
        history: tuple[Message, ...] = ()
        if record.chat == "forever":
            lines = await self._kept(self._store.messages_of(code, CHAT_LINES))
            history = tuple(Message(m.id, "", m.user, m.name, m.text, m.at.timestamp()) for m in lines)
        room = Room(
            code,
            min(record.capacity or self.settings.capacity, self.settings.capacity),
            self.settings.grace,
            doors=doors_of(record),
            owner=record.owner,
            history=history,
            closes=closing_of(record, now()),
            relays=self.settings.relays,
        )
        stood = await self._kept(self._store.standing(code, now()))
        return resumed(room, msgspec.json.decode(stood, type=Standing)) if stood else room

    async def _find(self, code: object, address: str) -> RoomRecord:
        guess = room_code_from(address)
        await self._kept(self._throttle.check(*guess))
        try:
            return await self.room(code)
        except Refusal as refusal:
            if refusal.code == "no_such_room":
                await self._kept(self._throttle.failed(*guess))
            raise

    async def _comes_as(
        self, room: RoomRecord, user: User, invitation: object, address: str
    ) -> tuple[Role, Invitation | None]:
        if room.owner == user.id:
            return "host", None
        if invitation is None or invitation == "":
            return "member", None
        invited = await self._invited(room, user, invitation, address)
        return msgspec.convert(invited.role, Role), invited

    async def _invited(self, room: RoomRecord, user: User, token: object, address: str) -> Invitation:
        guess = invitation_from(address)
        await self._kept(self._throttle.check(*guess))
        found = None
        if isinstance(token, str) and token.isascii() and len(token) <= 64:
            asked = self._store.use_invitation(hash_of(token), room.code, user.id, now())
            found = await self._kept(asked)
        if found is None:
            await self._kept(self._throttle.failed(*guess))
            raise Refusal("bad_invitation", "invitation")
        return found

    async def _check_passcode(self, room: RoomRecord, user: User, passcode: object, address: str) -> None:
        if room.passcode_hash is None or await self._has_said(room, user):
            return
        if not isinstance(passcode, str) or passcode == "" or len(passcode) > 1000:
            raise Refusal("wrong_passcode", "passcode")  # it was not said: no guess
        guess = passcode_of(room.code, address)
        async with self._comparing:
            await self._kept(self._throttle.check(*guess))
            if not await self._passwords.verify(passcode.strip(), room.passcode_hash):
                await self._kept(self._throttle.failed(*guess))
                log.info("room %s: a wrong passcode", room.code)
                raise Refusal("wrong_passcode", "passcode")
        await self._kept(self._store.note_attempt(_said(room, user), now(), now() + REMEMBERED))

    async def _has_said(self, room: RoomRecord, user: User) -> bool:
        return await self._kept(self._store.attempts(_said(room, user), now() - REMEMBERED)) > 0


def hash_of(token: str) -> bytes:
    """Return what is kept of an invitation's token; it has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(b"peermeet invitation 1\0" + token.encode()).digest()


def _open_at(room: RoomRecord, at: datetime) -> None:
    if room.opens is not None and at < room.opens:
        raise Refusal("not_open_yet")
    if room.closes is not None and room.closes - at < timedelta(seconds=1):
        raise Refusal("closed")


def _said(room: RoomRecord, user: User) -> str:
    """Return under which key it is kept that somebody said the passcode that the room has now."""
    parts = (room.code, user.id, hashlib.sha256(room.passcode_hash or b"").hexdigest())
    return "passcode said " + hashlib.sha256("\0".join(parts).encode()).hexdigest()
