"""Invitations: links into a room. The token is shown once and kept as a hash.

A room's owner makes them, and so does who sits in the meeting as a host. But such a host is one for a meeting, and a
link outlives it: theirs makes nobody more than a member and ends within a day. With `set_role` they could appoint a
host for this meeting; with a link that does so they would appoint one for every meeting to come.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple, get_args

from ..core.errors import Refusal
from ..core.model import Role
from ..store import Invitation, RoomRecord, User
from .desk import moment, now
from .rooms import Rooms
from .tickets import hash_of

log = logging.getLogger("peermeet")

MOST = 500  # ever made for one room by its owner: more than a year's weekly ones, and a page can still list them
MOST_OF_HOSTS = 200  # by all its other hosts, of whom none is to use up what is the owner's
LISTED = 200  # of those who came by one
MOST_USES = 10_000
# Of hosts who are not the owner, see above. A day: who is invited comes to this meeting, or to its second half.
ROLES_OF_HOSTS: frozenset[Role] = frozenset({"member", "listener"})
LIFE_OF_HOSTS = timedelta(days=1)


class NewInvitation(NamedTuple):
    """A fresh invitation. ``token`` is shown now and never again."""

    id: str
    token: str


class InvitationLine(NamedTuple):
    """An invitation as it is listed. ``number`` counts those of a room from the first on; ``by`` is the host who made
    it, None if it was the owner, "" once the account is deleted. ``good``: it still lets somebody in."""

    id: str
    number: int
    by: str | None
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
        """Make a link into a room whose host they are: as which role, until when (a time or ISO 8601), for how many
        people. Of a host who is not the owner it ends within `LIFE_OF_HOSTS`, whatever was asked for.

        Refuses: ``no_such_room``, ``bad_message``, ``bad_hours``, ``not_allowed``, ``too_many``.
        """
        room = await self._hosted(user, code)
        if not isinstance(role, str) or role not in get_args(Role):
            raise Refusal("bad_message", "role")
        until = moment(expires, "expires")
        if until is not None and until <= now():
            raise Refusal("bad_hours", "expires")
        if room.owner != user.id:
            if role not in ROLES_OF_HOSTS:
                raise Refusal("not_allowed", "role")
            last = now() + LIFE_OF_HOSTS
            until = min(until or last, last)
        there_are = await self._kept(self._store.invitations_of(room.code))
        of_owner = [i for i in there_are if i.made_by == room.owner]
        if len(of_owner) >= MOST if room.owner == user.id else len(there_are) - len(of_owner) >= MOST_OF_HOSTS:
            raise Refusal("too_many")
        token = secrets.token_urlsafe(32)
        made = Invitation(
            secrets.token_hex(12), hash_of(token), room.code, role, user.id, now(), until, _uses(uses, "uses")
        )
        await self._kept(self._store.add_invitation(made))
        log.info("user %s invited to room %s", user.id, room.code)
        return NewInvitation(made.id, token)

    async def invitations(self, user: User, code: object) -> list[InvitationLine]:
        """Return those that were made for a room whose host they are, newest first; all of them to the owner."""
        room = await self._hosted(user, code)
        made = await self._kept(self._store.invitations_of(room.code))
        at, names = now(), await self._names({i.made_by for i in made} - {room.owner})
        return [
            InvitationLine(
                *(i.id, len(made) - place, names.get(i.made_by), i.role),
                *(i.created, i.expires, i.uses, i.used, i.revoked, _good(i, at)),
            )
            for place, i in enumerate(made)
            if _may_see(user, room, i)
        ]

    async def came_by(self, user: User, code: object, invitation: object) -> list[Came]:
        """Return who was let in by an invitation to a room whose host they are, the first of them."""
        made = await self._seen(user, code, invitation)
        came = (await self._kept(self._store.came_by(made.id)))[:LISTED]
        names = await self._names({id for id, _ in came})
        return [Came(names[id], first) for id, first in came]

    async def revoke_invitation(self, user: User, code: object, invitation: object) -> None:
        """End an invitation to a room whose host they are, also for those who came by it; who is seated stays."""
        made = await self._seen(user, code, invitation)
        await self._kept(self._store.revoke_invitation(made.id, made.room))
        log.info("user %s revoked an invitation to room %s", user.id, made.room)

    async def _hosted(self, user: User, code: object) -> RoomRecord:
        """Return the record of a room whose owner they are, or where they sit as a host now; to all others there is no
        such room."""
        room = await self.room(code)
        if room.owner != user.id and user.id not in await self.live.hosts(room.code):
            raise Refusal("no_such_room")
        return room

    async def _seen(self, user: User, code: object, invitation: object) -> Invitation:
        room = await self._hosted(user, code)
        for made in await self._kept(self._store.invitations_of(room.code)):
            if made.id == invitation and _may_see(user, room, made):
                return made
        raise Refusal("bad_invitation")

    async def _names(self, users: set[str]) -> dict[str, str]:
        """Return what these users are called; "" for those who are gone."""
        found = {id: await self._kept(self._store.user(id)) for id in users}
        return {id: user.name if user else "" for id, user in found.items()}


def _may_see(user: User, room: RoomRecord, made: Invitation) -> bool:
    """Tell whether an invitation is theirs to see and to revoke: hosts act on each other's, and not on the owner's."""
    return user.id == room.owner or made.made_by != room.owner


def _uses(value: object, field: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6:
        value = int(value)  # as a form says it
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_USES:
        raise Refusal("bad_message", field)
    return value


def _good(invitation: Invitation, at: datetime) -> bool:
    left = invitation.uses is None or invitation.used < invitation.uses
    return not invitation.revoked and left and (invitation.expires is None or invitation.expires > at)
