"""The front desk: real services over a real store in a folder of the test's own, with quick passwords."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from peermeet.auth.tokens import Tokens
from peermeet.config import Settings
from peermeet.core.model import Doors
from peermeet.services import Services, new_code
from peermeet.store import RoomRecord, User
from peermeet.store.sqlite import SqliteStore

SECRET = "the secret of these tests, long enough for HS256 and for HS512 as well"
PASSWORD = "correct horse battery staple"
HERE = "192.0.2.7"  # TEST-NET-1, RFC 5737


def now() -> datetime:
    return datetime.now(UTC)


def settings(folder: Path, **changes: str) -> Settings:
    """Settings as the environment would give them."""
    told = {"data": str(folder), "secret": SECRET, "bcrypt_rounds": "4", **changes}
    return Settings.from_env({f"PEERMEET_{name.upper()}": value for name, value in told.items()})


class Live:
    """The meetings that go on, as far as the services see them: what was asked of them is written down."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []
        self.seated: dict[str, set[str]] = {}  # as hosts, by room

    async def end(self, room_id: str) -> None:
        self.told.append(("end", room_id))

    async def expel(self, user: str, session: str | None = None, but: str | None = None) -> None:
        self.told.append(("expel", user))

    async def forget(self, user: str) -> None:
        self.told.append(("forget", user))

    async def change(self, room_id: str, doors: Doors, closes: float | None) -> None:
        self.told.append(("change", (room_id, doors, closes)))

    async def hosts(self, room_id: str) -> frozenset[str]:
        return frozenset(self.seated.get(room_id, ()))


@dataclass
class Desk:
    services: Services
    store: SqliteStore
    tokens: Tokens

    async def account(self, email: str = "ada@example.org", name: str = "Ada") -> User:
        return await self.who(await self.services.register(name, email, PASSWORD, HERE))

    async def guest(self, name: str = "Gast") -> User:
        return await self.who(await self.services.come_as_guest(name, HERE))

    def session(self, user: User) -> str:
        """A session of somebody's, as signing in opens one."""
        return self.tokens.session(user.id, self.tokens.key(user.password_hash))

    async def who(self, session: str) -> User:
        user = await self.services.who(session)
        assert user is not None
        return user

    async def room(self, owner: str = "nobody", **settings: Any) -> str:
        """A room's code, without asking anybody."""
        code = new_code()
        await self.store.add_room(RoomRecord(code, "Den", owner, now(), **settings))
        return code

    def meets(self) -> Live:
        """Stand in for the signaling server; what it is told."""
        self.services.live = live = Live()
        return live

    def ticket(self, room: str, user: str = "u-ada", name: str = "Ada", **claims: Any) -> str:
        said: dict[str, Any] = {"role": "member", "guest": False} | claims
        return self.tokens.ticket(room=room, user=user, name=name, **said)


@asynccontextmanager
async def open_desk(folder: Path, **changes: str) -> AsyncIterator[Desk]:
    chosen = settings(folder, **changes)
    store = await SqliteStore.open(folder / "peermeet.db")
    await store._run("PRAGMA synchronous = OFF")  # nothing here outlives its test
    tokens = Tokens(SECRET, timedelta(hours=chosen.session_hours), now)
    services = Services(chosen, store, tokens)
    try:
        yield Desk(services, store, tokens)
    finally:
        await services.close()
