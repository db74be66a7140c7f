"""Accounts, rooms, and who has been where."""

from __future__ import annotations

from datetime import datetime

from .. import RecentRoom, RoomRecord, User, folded, octets, text
from .engine import Engine, assignments, columns, moment, number, record


class House(Engine):
    async def add_user(self, user: User) -> None:
        await self._add(user, email_lc=None if user.email is None else folded(user.email))

    async def user(self, id: str) -> User | None:
        text(id)
        return await self._find_one(User, "WHERE id = ?", id)

    async def user_by_email(self, email: str) -> User | None:
        return await self._find_one(User, "WHERE email_lc = ?", folded(email))

    async def rename_user(self, id: str, name: str) -> bool:
        text(id, name)
        return bool(await self._run("UPDATE users SET name = ? WHERE id = ? RETURNING 1", name, id))

    async def set_password(self, id: str, password_hash: bytes) -> bool:
        text(id)
        octets(password_hash)
        sql = "UPDATE users SET password_hash = ? WHERE id = ? AND email_lc IS NOT NULL RETURNING 1"
        return bool(await self._run(sql, password_hash, id))

    async def delete_user(self, id: str) -> None:
        text(id)
        await self._run_all(
            ("DELETE FROM users WHERE id = ?", id),  # and their visits
            ("DELETE FROM rooms WHERE owner = ?", id),  # and everything in them
            ("DELETE FROM messages WHERE user = ?", id),
            ("DELETE FROM invitation_uses WHERE user = ?", id),
            ("UPDATE attendance SET user = '', name = '' WHERE user = ?", id),
            ("UPDATE invitations SET made_by = '' WHERE made_by = ?", id),
        )

    async def delete_guests(self, before: datetime) -> int:
        gone = await self._run(
            """DELETE FROM users WHERE email_lc IS NULL AND created < ?
            AND NOT EXISTS (SELECT 1 FROM rooms WHERE owner = users.id) RETURNING 1""",
            number(before),
        )
        return len(gone)

    async def add_room(self, room: RoomRecord) -> None:
        await self._add(room)

    async def save_room(self, room: RoomRecord) -> bool:
        text(room.code, room.owner)
        settings, values = assignments(room, without={"code", "owner", "created"})
        sql = f"UPDATE rooms SET {settings} WHERE code = ? AND owner = ? RETURNING 1"  # noqa: S608
        return bool(await self._run(sql, *values, room.code, room.owner))

    async def room(self, code: str) -> RoomRecord | None:
        text(code)
        return await self._find_one(RoomRecord, "WHERE code = ?", code)

    async def rooms_of(self, owner: str) -> list[RoomRecord]:
        text(owner)
        return await self._find(RoomRecord, "WHERE owner = ? ORDER BY created DESC, code", owner)

    async def delete_room(self, code: str, owner: str) -> bool:
        text(code, owner)  # the foreign keys take along what is in it
        return bool(await self._run("DELETE FROM rooms WHERE code = ? AND owner = ? RETURNING 1", code, owner))

    async def note_visit(self, user: str, code: str, at: datetime) -> None:
        text(user, code)
        await self._run(
            """INSERT INTO visits (user, code, at)
            SELECT users.id, rooms.code, ? FROM users, rooms WHERE users.id = ? AND rooms.code = ?
            ON CONFLICT (user, code) DO UPDATE SET at = max(at, excluded.at)""",
            *(number(at), user, code),
        )

    async def recent_rooms(self, user: str, limit: int) -> list[RecentRoom]:
        text(user)
        rows = await self._run(
            f"""SELECT at, {columns(RoomRecord)} FROM visits JOIN rooms ON rooms.code = visits.code
            WHERE user = ? ORDER BY at DESC, rooms.code LIMIT ?""",  # noqa: S608
            *(user, max(limit, 0)),
        )
        return [RecentRoom(record(RoomRecord, row), moment(at)) for at, *row in rows]
