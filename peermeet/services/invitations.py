"""Invitations: links into a room of one's own. The token is shown once and kept as a hash."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime
from typing import NamedTuple, get_args

from ..core.errors import Refusal
from ..core.model import Role
from ..store import Invitation, User
from .desk import moment, now
from .rooms import Rooms
from .tickets import hash_of

log = logging.getLogger("peermeet")

MOST = 500  # ever made for one room: more than a year's weekly ones, and a page can still list them
LISTED = 200  # of those who came by one
MOST_USES = 10_000


class NewInvitation(NamedTuple):
    """A fresh invitation. ``token`` is shown now and never again."""

    id: str
    token: str


class InvitationLine(NamedTuple):
    """An invitation as the owner sees it listed. ``good``: it still lets somebody in."""

    id: str
    role: str
    created: datetime
    expires: datetime | None
    uses: int | None
    used: int
    revoked: bool
    good: bool


class Came(NamedTuple):
    """Somebody who was let in by an invitation, and when first. ``name`` is "" once the account is deleted."""

    name: str
    first: datetime


class Invitations(Rooms):
    async def invite(
        self, user: User, code: object, role: object = "member", expires: object = None, uses: object = None
    ) -> NewInvitation:
        """Make a link into a room of theirs: as which role, until when (a time or ISO 8601), for how many people.

        Refuses: ``no_such_room``, ``bad_message``, ``bad_hours``, ``too_many``.
        """
        room = await self.own_room(user, code)
        if not isinstance(role, str) or role not in get_args(Role):
            raise Refusal("bad_message", "role")
        until = moment(expires, "expires")
        if until is not None and until <= now():
            raise Refusal("bad_hours", "expires")
        if isinstance(uses, str) and uses.isascii() and uses.isdecimal() and len(uses) < 6:
            uses = int(uses)  # as a form says it
        if uses == "":
            uses = None
        if uses is not None and (not isinstance(uses, int) or isinstance(uses, bool) or not 1 <= uses <= MOST_USES):
            raise Refusal("bad_message", "uses")
        if len(await self._kept(self._store.invitations_of(room.code))) >= MOST:
            raise Refusal("too_many")
        token = secrets.token_urlsafe(32)
        made = Invitation(secrets.token_hex(12), hash_of(token), room.code, role, user.id, now(), until, uses)
        await self._kept(self._store.add_invitation(made))
        log.info("user %s invited to room %s", user.id, room.code)
        return NewInvitation(made.id, token)

    async def invitations(self, user: User, code: object) -> list[InvitationLine]:
        """Return all that were made for a room of theirs, newest first."""
        room = await self.own_room(user, code)
        at = now()
        return [
            InvitationLine(i.id, i.role, i.created, i.expires, i.uses, i.used, i.revoked, _good(i, at))
            for i in await self._kept(self._store.invitations_of(room.code))
        ]

    async def came_by(self, user: User, code: object, invitation: object) -> list[Came]:
        """Return who was let in by an invitation to a room of theirs, the first of them."""
        made = await self._own(user, code, invitation)
        came = await self._kept(self._store.came_by(made.id))
        people = [(await self._kept(self._store.user(id)), first) for id, first in came[:LISTED]]
        return [Came(person.name if person else "", first) for person, first in people]

    async def revoke_invitation(self, user: User, code: object, invitation: object) -> None:
        """End an invitation to a room of theirs, also for those who came by it; who is seated stays."""
        made = await self._own(user, code, invitation)
        await self._kept(self._store.revoke_invitation(made.id, made.room))
        log.info("user %s revoked an invitation to room %s", user.id, made.room)

    async def _own(self, user: User, code: object, invitation: object) -> Invitation:
        room = await self.own_room(user, code)
        for made in await self._kept(self._store.invitations_of(room.code)):
            if made.id == invitation:
                return made
        raise Refusal("bad_invitation")


def _good(invitation: Invitation, at: datetime) -> bool:
    left = invitation.uses is None or invitation.used < invitation.uses
    return not invitation.revoked and left and (invitation.expires is None or invitation.expires > at)
