"""Rooms and the people for them, made through the store before the server starts, with sessions and tickets made with
its secret: neither costs bcrypt, and the server itself is no other than everybody's."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from peermeet.auth.tokens import Tokens
from peermeet.core.model import Role
from peermeet.services import COOKIE, new_code
from peermeet.store import RoomRecord, User
from peermeet.store.sqlite import SqliteStore

NO_PASSWORD = b"no hash of any password"
PER_ADDRESS = 48  # people behind one address: fewer sockets than the server allows one, and twelve rooms of four


class Person(NamedTuple):
    """Somebody with a place in one room; ``owner`` owns it, and comes as its host."""

    user: str
    name: str
    owner: bool
    session: str
    source: str


class Town:
    """All rooms, by code, each with those who meet there."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.rooms: dict[str, list[Person]] = {}
        self.tokens = Tokens(secret, timedelta(hours=24), lambda: datetime.now(UTC))

    @classmethod
    async def found(cls, data: Path, rooms: int, size: int) -> Town:
        """Make so many rooms of so many people in a data folder."""
        town = cls(secrets.token_urlsafe(48))
        store = await SqliteStore.open(data / "peermeet.db")
        at = datetime.now(UTC)
        try:
            for room in range(rooms):
                people = [town.person(room * size + n, owner=n == 0) for n in range(size)]
                for n, person in enumerate(people):
                    email = f"{person.user}@example.org" if n == 0 else None
                    await store.add_user(User(person.user, person.name, at, email, NO_PASSWORD if email else None))
                code = new_code()
                await store.add_room(RoomRecord(code, f"Room {room}", people[0].user, at))
                town.rooms[code] = people
        finally:
            await store.close()
        return town

    def cookie(self, person: Person) -> str:
        """Return the header of somebody's browser."""
        return f"{COOKIE}={person.session}"

    def ticket(self, person: Person, room: str, address: str) -> str:
        """Return a ticket as the server would make it."""
        marks = (self.tokens.mark(room, "address", address), self.tokens.mark(room, "device", person.user))
        role: Role = "host" if person.owner else "member"
        guest = not person.owner
        return self.tokens.ticket(
            room=room,
            user=person.user,
            name=person.name,
            role=role,
            guest=guest,
            marks=marks,
            session=self.tokens.read_session(person.session),
        )

    def person(self, number: int, *, owner: bool) -> Person:
        """Return somebody new, who is signed in; owners have an account, all others are guests."""
        user = secrets.token_hex(12)
        behind = number // PER_ADDRESS
        source = f"127.1.{behind // 250}.{behind % 250 + 1}"
        session = self.tokens.session(user, self.tokens.key(NO_PASSWORD if owner else None))
        return Person(user, f"Somebody {number}", owner, session, source)
