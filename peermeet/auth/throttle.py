"""How often somebody may try. Counting is the `limits` library's; the numbers and their reasons are here."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from ..core.errors import Refusal

# Ten a minute is more than a person mistypes and less than a guesser needs (OWASP ASVS 2.2.1).
SIGN_IN = RateLimitItemPerMinute(10)
# A lecture hall behind one address comes within a minute; bcrypt bounds the rest (about 250 ms of a core each).
NEW_ACCOUNT = RateLimitItemPerMinute(300)
# A ticket is asked for once per join and once per lost seat, by everybody behind one address.
TICKET = RateLimitItemPerMinute(1200)


class Throttle:
    """Moving windows by account and by address, so that guessing one account slows nobody else's."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def attempt(self, email: str, address: str) -> None:
        """Count an attempt to sign in, or refuse with ``too_many_attempts``: the eleventh for one account from
        one address, or after ten failures of one address whatever the accounts."""
        if not await self._limiter.test(SIGN_IN, "failures", address):
            raise Refusal("too_many_attempts")
        if not await self._limiter.hit(SIGN_IN, "attempts", email, address):
            raise Refusal("too_many_attempts")

    async def failed(self, address: str) -> None:
        """Count a wrong password or an unknown email."""
        await self._limiter.hit(SIGN_IN, "failures", address)

    async def account(self, address: str) -> None:
        """Count a new account or guest, or refuse with ``too_many``."""
        if not await self._limiter.hit(NEW_ACCOUNT, "accounts", address):
            raise Refusal("too_many")

    async def ticket(self, address: str) -> None:
        """Count a request for a ticket, or refuse with ``too_many``."""
        if not await self._limiter.hit(TICKET, "tickets", address):
            raise Refusal("too_many")
