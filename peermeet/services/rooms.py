"""Rooms as the store knows them: made, set, listed, deleted."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, get_args

from ..core.errors import Refusal
from ..core.model import Doors, Keeping
from ..core.names import clean_title
from ..store import RecentRoom, RoomRecord, User
from .desk import Desk, moment, now

log = logging.getLogger("peermeet")

# Thirteen letters of an alphabet of 32 are 65 random bits, as `secrets` makes them. Neither 0, 1 nor l is among them.
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
RECENT = 20  # rooms that a lobby lists besides one's own
PASSCODE = (4, 64)  # characters: as short as a bank's, for the guesses are counted; as long as somebody types


class LobbyRoom(NamedTuple):
    """A line of somebody's lobby."""

    code: str
    title: str
    mine: bool
    present: int


@dataclass(frozen=True)
class Options:
    """How a room is set, as its owner may see it: that there is a passcode, not which."""

    code: str
    title: str
    lobby: bool
    locked: bool
    capacity: int | None
    passcode: bool
    opens: datetime | None
    closes: datetime | None
    wait_for_host: bool
    one_device: bool
    chat: Keeping
    relay_only: bool


class Rooms(Desk):
    _saving: asyncio.Lock

    async def create_room(self, owner: User, title: object) -> RoomRecord:
        """Make a room. Guests own none: nobody could bring them back to it."""
        if owner.guest:
            raise Refusal("not_signed_in")
        room = RoomRecord(new_code(), clean_title(title), owner.id, now())
        await self._kept(self._store.add_room(room))
        log.info("user %s created room %s", owner.id, room.code)
        self.attendance.wake()
        return room

    async def room(self, code: object) -> RoomRecord:
        """Return a room's record or refuse with ``no_such_room``. How a code is written does not matter."""
        found = await self._kept(self._store.room(tidy_code(code)))
        if found is None:
            raise Refusal("no_such_room")
        return found

    async def own_room(self, user: User, code: object) -> RoomRecord:
        """Return the record of a room of theirs; to all others there is no such room."""
        room = await self.room(code)
        if room.owner != user.id:
            raise Refusal("no_such_room")
        return room

    async def delete_room(self, user: User, code: object) -> None:
        """Delete a room and end the meeting in it."""
        room = await self.room(code)
        if not await self._kept(self._store.delete_room(room.code, user.id)):
            raise Refusal("not_your_room")
        log.info("user %s deleted room %s", user.id, room.code)
        await self.live.end(room.code)
        self.attendance.wake()

    async def lobby(self, user: User) -> list[LobbyRoom]:
        """Return own rooms, newest first, then those visited, latest first."""
        mine = await self._kept(self._store.rooms_of(user.id))
        recent: list[RecentRoom] = await self._kept(self._store.recent_rooms(user.id, RECENT + len(mine)))
        visited = [r.room for r in recent if r.room.owner != user.id][:RECENT]
        return [
            LobbyRoom(room.code, room.title, room.owner == user.id, self.attendance.present(room.code))
            for room in (*mine, *visited)
        ]

    async def options(self, user: User, code: object) -> Options:
        """Return how a room of theirs is set."""
        return _options(await self.own_room(user, code))

    async def save_options(self, user: User, code: object, changes: Mapping[str, object]) -> Options:
        """Set what is named in ``changes`` (see `SETTINGS`); a meeting that goes on follows, but for its capacity.

        Refuses as a whole: ``bad_message``, ``bad_title``, ``bad_capacity``, ``bad_hours``, ``no_relay``; with the
        field.
        """
        unknown = next((name for name in changes if name not in SETTINGS), None)
        if unknown is not None:
            raise Refusal("bad_message")
        read = {name: SETTINGS[name](value, name) for name, value in changes.items()}
        if (read.get("capacity") or 0) > self.settings.capacity:
            raise Refusal("bad_capacity", "capacity")
        if read.get("relay_only") and not self.settings.relays:
            raise Refusal("no_relay", "relay_only")
        async with self._saving:
            room = replace(await self.own_room(user, code), **read)
            if room.opens and room.closes and room.opens >= room.closes:
                raise Refusal("bad_hours", "closes")
            await self._save(room)
        closes = closing_of(room) if "closes" in changes else closing_of(room, now())
        await self.live.change(room.code, doors_of(room), closes)
        log.info("user %s set room %s", user.id, room.code)
        self.attendance.wake()
        return _options(room)

    async def set_passcode(self, user: User, code: object, passcode: object) -> None:
        """Ask for a passcode from now on, or with None for none. Only its bcrypt hash is kept."""
        hashed = None
        if passcode is not None:
            if not isinstance(passcode, str) or not PASSCODE[0] <= len(passcode.strip()) <= PASSCODE[1]:
                raise Refusal("bad_passcode", "passcode")
            await self.own_room(user, code)  # before the work
            await self._throttle.passcode(user.id)
            hashed = await self._passwords.hash(passcode.strip())
        async with self._saving:
            await self._save(replace(await self.own_room(user, code), passcode_hash=hashed))
        log.info("user %s set or cleared the passcode of a room", user.id)

    async def _save(self, room: RoomRecord) -> None:
        if not await self._kept(self._store.save_room(room)):
            raise Refusal("no_such_room")  # deleted meanwhile

    async def _doors_changed(self, code: str, doors: Doors) -> None:
        """Write what a host set in the meeting into the record."""
        async with self._saving:
            room = await self._store.room(code)
            if room is not None and doors_of(room) != doors:
                named = {name: getattr(doors, name) for name in doors.__struct_fields__}
                await self._store.save_room(replace(room, **named))


def doors_of(room: RoomRecord) -> Doors:
    """Return the doors of a room as its record has them."""
    return Doors(**{name: getattr(room, name) for name in Doors.__struct_fields__})


def closing_of(room: RoomRecord, after: datetime | None = None) -> float | None:
    """Return when a room closes, by Unix time; with ``after`` not if that is past: the owner may be there at any
    time."""
    if room.closes is None or (after is not None and room.closes <= after):
        return None
    return room.closes.timestamp()


def new_code() -> str:
    """Return a new room code: ``xxxx-xxxxx-xxxx``, 65 random bits."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(13))
    return f"{letters[:4]}-{letters[4:9]}-{letters[9:]}"


def tidy_code(code: object) -> str:
    """Return a code as it was made: people type capitals and forget hyphens."""
    if not isinstance(code, str) or len(code) > 64:
        raise Refusal("no_such_room")
    letters = code.strip().lower().replace("-", "")
    if len(letters) != 13 or not letters.isascii() or not letters.isalnum():
        raise Refusal("no_such_room")
    return f"{letters[:4]}-{letters[4:9]}-{letters[9:]}"


def _options(room: RoomRecord) -> Options:
    same = {name: getattr(room, name) for name in Options.__dataclass_fields__ if name != "passcode"}
    return Options(passcode=room.passcode_hash is not None, **same)


def _flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise Refusal("bad_message", field)
    return value


def _keeping(value: object, field: str) -> object:
    if not isinstance(value, str) or value not in get_args(Keeping):
        raise Refusal("bad_message", field)
    return value


def _capacity(value: object, field: str) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 4:
        value = int(value)  # as a form says it
    if not isinstance(value, int) or isinstance(value, bool) or value < 2:
        raise Refusal("bad_capacity", field)
    return value


# What an owner may set, and how what a page says becomes a value or a refusal.
SETTINGS: dict[str, Callable[[object, str], Any]] = {
    "title": clean_title,
    "lobby": _flag,
    "locked": _flag,
    "wait_for_host": _flag,
    "one_device": _flag,
    "relay_only": _flag,
    "chat": _keeping,
    "capacity": _capacity,
    "opens": moment,
    "closes": moment,
}
