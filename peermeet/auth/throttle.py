"""How often somebody may try.

Wrong guesses at what has a lock are counted in the store, so that a restart forgives nothing; how often new things may
be asked for is the `limits` library's, in memory, or in Redis where several processes share one. The numbers and their
reasons are here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from ..core.errors import Refusal

# A lecture hall behind one address comes within a minute; bcrypt bounds the rest (about 250 ms of a core each).
NEW_ACCOUNT = RateLimitItemPerMinute(300)
# A ticket is asked for once per join and once per lost seat, by everybody behind one address.
TICKET = RateLimitItemPerMinute(1200)
# A passcode is set once for a meeting; each costs as much of a core as a password.
PASSCODE = RateLimitItemPerMinute(20)


class Memory(Protocol):
    """As much of the store as counting takes."""

    async def note_attempt(self, key: str, at: datetime, until: datetime) -> None: ...
    async def attempts(self, key: str, since: datetime) -> int: ...


class Tally(NamedTuple):
    """Wrong guesses that are counted together: so many within so long, then no more of them."""

    key: str
    most: int
    within: timedelta


def sign_in_from(email: str, address: str) -> tuple[Tally, ...]:
    """Wrong passwords. Ten a minute are more than a person mistypes and less than a guesser needs (OWASP ASVS 2.2.1);
    fifty an hour for one account bound the patient one. Neither is counted for an account alone: else anybody could
    lock its owner out."""
    return (
        _tally("password from", address, most=10, within=timedelta(minutes=1)),
        _tally("password of", email.lower(), address, most=50, within=timedelta(hours=1)),
    )


def passcode_of(room: str, address: str) -> tuple[Tally, ...]:
    """Wrong passcodes. Of one address as many as a class mistypes; of a room, from anywhere, a hundred an hour: four
    digits last four days on average. The owner and whoever is invited need none and are not locked out."""
    return (
        _tally("passcode from", address, most=20, within=timedelta(minutes=10)),
        _tally("passcode of", room, most=100, within=timedelta(hours=1)),
    )


def invitation_from(address: str) -> tuple[Tally, ...]:
    """Invitations that are none: an old link that a class was sent. Nobody guesses 256 bits."""
    return (_tally("invitation from", address, most=60, within=timedelta(minutes=10)),)


def room_code_from(address: str) -> tuple[Tally, ...]:
    """Rooms that are none: a deleted one's link that many still have. Nobody guesses 65 bits at this pace."""
    return (_tally("room from", address, most=100, within=timedelta(minutes=10)),)


class Throttle:
    """Moving windows by account and by address, so that guessing one account slows nobody else's."""

    def __init__(self, memory: Memory, clock: Callable[[], datetime], redis_url: str | None = None) -> None:
        self._memory = memory
        self._clock = clock
        self._pool = _pool(redis_url) if redis_url else None
        self._limiter = MovingWindowRateLimiter(_shared(self._pool) if self._pool else MemoryStorage())

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def check(self, *tallies: Tally) -> None:
        """Refuse with ``too_many_attempts`` if there were too many wrong guesses."""
        for tally in tallies:
            if await self._memory.attempts(tally.key, self._clock() - tally.within) >= tally.most:
                raise Refusal("too_many_attempts")

    async def failed(self, *tallies: Tally) -> None:
        """Count a wrong guess."""
        at = self._clock()
        for tally in tallies:
            await self._memory.note_attempt(tally.key, at, at + tally.within)

    async def account(self, address: str) -> None:
        """Count a new account or guest, or refuse with ``too_many``."""
        await self._hit(NEW_ACCOUNT, "accounts", address)

    async def ticket(self, address: str) -> None:
        """Count a request for a ticket, or refuse with ``too_many``."""
        await self._hit(TICKET, "tickets", address)

    async def passcode(self, user: str) -> None:
        """Count a passcode that somebody sets, or refuse with ``too_many``."""
        await self._hit(PASSCODE, "passcodes", user)

    async def _hit(self, rate: RateLimitItemPerMinute, what: str, who: str) -> None:
        try:
            within = await self._limiter.hit(rate, what, who)
        except StorageError:
            raise Refusal("unavailable") from None
        if not within:
            raise Refusal("too_many")


def _pool(redis_url: str) -> ConnectionPool:
    patience = 2.0  # seconds; on one network an answer takes a thousandth of that
    return ConnectionPool.from_url(redis_url, socket_timeout=patience, socket_connect_timeout=patience)


def _shared(pool: ConnectionPool) -> RedisStorage:
    more: dict[str, Any] = {"connection_pool": pool}
    return RedisStorage(
        "async+redis://", wrap_exceptions=True, implementation="redispy", key_prefix="peermeet:limits", **more
    )


def _tally(what: str, *who: str, most: int, within: timedelta) -> Tally:
    # Hashed: neither emails nor addresses are to be read where they are only counted.
    digest = hashlib.sha256("\0".join(who).encode("utf-8", "surrogatepass")).hexdigest()
    return Tally(f"{what} {digest[:32]}", most, within)
