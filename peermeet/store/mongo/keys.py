"""What is spent: sessions ended early, tickets used once, and tries at what has a lock."""

from __future__ import annotations

from datetime import datetime

from pymongo.errors import DuplicateKeyError

from .. import text, utc
from .engine import Engine, at_least, translated


class Spent(Engine):
    @translated
    async def revoke_session(self, jti: str, until: datetime) -> None:
        text(jti)
        await at_least(self._revoked, {"_id": jti}, {"until": utc(until)})

    @translated
    async def is_revoked(self, jti: str, now: datetime) -> bool:
        text(jti)
        return await self._revoked.find_one({"_id": jti, "until": {"$gt": utc(now)}}) is not None

    @translated
    async def use_ticket(self, jti: str, until: datetime, now: datetime) -> bool:
        text(jti)
        if utc(until) <= utc(now):
            return False  # it may have been used and forgotten
        try:
            await self._used.insert_one({"_id": jti, "until": utc(until)})
        except DuplicateKeyError:
            return False
        return True

    @translated
    async def note_attempt(self, key: str, at: datetime, until: datetime) -> None:
        text(key)
        await self._attempts.insert_one({"key": key, "at": utc(at), "until": utc(until)})

    @translated
    async def attempts(self, key: str, since: datetime) -> int:
        text(key)
        return await self._attempts.count_documents({"key": key, "at": {"$gte": utc(since)}})

    @translated
    async def clear_attempts(self, key: str) -> None:
        text(key)
        await self._attempts.delete_many({"key": key})

    async def _forget(self, now: datetime) -> None:
        for collection in (self._revoked, self._used, self._attempts, self._standings):
            await collection.delete_many({"until": {"$lte": utc(now)}})
