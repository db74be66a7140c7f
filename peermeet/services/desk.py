"""What every noun of the services stands on: the store, keys and counters, and the meetings that go on now."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from ..auth.passwords import Passwords
from ..auth.throttle import Throttle
from ..auth.tokens import Tokens
from ..config import Settings
from ..core.errors import Refusal
from ..core.model import Doors
from ..store import Store, Unavailable
from .present import Attendance
from .recorder import Recorder

T = TypeVar("T")
log = logging.getLogger("peermeet")


class Live(Protocol):
    """The meetings that go on now, as far as the services reach into them."""

    async def end(self, room_id: str) -> None: ...
    async def forget(self, user: str) -> None: ...
    async def change(self, room_id: str, doors: Doors, closes: float | None) -> None: ...
    async def hosts(self, room_id: str) -> frozenset[str]: ...
    async def expel(self, user: str, session: str | None = None, but: str | None = None) -> None: ...


class NobodyMeets:
    """Stands in while there is no signaling server."""

    async def end(self, room_id: str) -> None:
        """Do nothing."""

    async def expel(self, user: str, session: str | None = None, but: str | None = None) -> None:
        """Do nothing."""

    async def forget(self, user: str) -> None:
        """Do nothing."""

    async def change(self, room_id: str, doors: Doors, closes: float | None) -> None:
        """Do nothing."""

    async def hosts(self, room_id: str) -> frozenset[str]:
        """Return nobody."""
        return frozenset()


class Desk:
    """``live`` is set by `app.py` once there is a signaling server."""

    live: Live = NobodyMeets()

    def __init__(self, settings: Settings, store: Store, tokens: Tokens) -> None:
        self.settings = settings
        self.attendance = Attendance()
        self.recorder = Recorder(store, self._doors_changed, now, alone=settings.redis_url is None)
        self._store = store
        self._tokens = tokens
        self._passwords = Passwords(settings.bcrypt_rounds)
        self._throttle = Throttle(store, now, settings.redis_url)
        # As many as are compared at once: of a burst, those that wait hear how the first ones ended.
        self._comparing = asyncio.Semaphore(os.cpu_count() or 1)
        self._chores: set[asyncio.Task[None]] = set()

    async def _doors_changed(self, code: str, doors: Doors) -> None:
        raise NotImplementedError

    @staticmethod
    async def _kept(asked: Awaitable[T]) -> T:
        """Return what the store answers, or refuse with ``unavailable``."""
        try:
            return await asked
        except Unavailable as error:
            log.error("the store does not answer: %s", type(error.__cause__).__name__)
            raise Refusal("unavailable") from None


def now() -> datetime:
    return datetime.now(UTC)


def moment(value: object, field: str) -> datetime | None:
    """Return a time that somebody set: nothing, an aware time, or ISO 8601 with its zone; refuse all else."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= 40:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Refusal("bad_hours", field) from None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise Refusal("bad_hours", field)
    try:
        return value.astimezone(UTC)
    except OverflowError:  # at the edges of the calendar
        raise Refusal("bad_hours", field) from None
