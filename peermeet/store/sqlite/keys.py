"""What is spent: sessions ended early, tickets used once, and tries at what has a lock."""

from __future__ import annotations

from datetime import datetime

from .. import text, utc
from .engine import Engine, number


class Spent(Engine):
    async def revoke_session(self, jti: str, until: datetime) -> None:
        text(jti)
        await self._run(
            """INSERT INTO revoked_sessions (jti, until) VALUES (?, ?)
            ON CONFLICT (jti) DO UPDATE SET until = max(until, excluded.until)""",
            *(jti, number(until)),
        )

    async def is_revoked(self, jti: str, now: datetime) -> bool:
        text(jti)
        sql = "SELECT 1 FROM revoked_sessions WHERE jti = ? AND until > ?"
        return bool(await self._run(sql, jti, number(now)))

    async def use_ticket(self, jti: str, until: datetime, now: datetime) -> bool:
        text(jti)
        if utc(until) <= utc(now):
            return False  # it may have been used and forgotten
        sql = "INSERT INTO used_tickets (jti, until) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1"
        return bool(await self._run(sql, jti, number(until)))

    async def note_attempt(self, key: str, at: datetime, until: datetime) -> None:
        text(key)
        await self._run("INSERT INTO attempts (key, at, until) VALUES (?, ?, ?)", key, number(at), number(until))

    async def attempts(self, key: str, since: datetime) -> int:
        text(key)
        [(count,)] = await self._run("SELECT count(*) FROM attempts WHERE key = ? AND at >= ?", key, number(since))
        return int(count)

    async def clear_attempts(self, key: str) -> None:
        text(key)
        await self._run("DELETE FROM attempts WHERE key = ?", key)

    async def purge(self, now: datetime) -> None:
        await self._run("DELETE FROM revoked_sessions WHERE until <= ?", number(now))
        await self._run("DELETE FROM used_tickets WHERE until <= ?", number(now))
        await self._run("DELETE FROM attempts WHERE until <= ?", number(now))
        await self._run("DELETE FROM standings WHERE until <= ?", number(now))
