"""What happens in rooms: who was invited and came, who met whom when, and what was written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from .. import Attendance, ChatMessage, Invitation, Meeting, octets, text
from .engine import Engine, Value, moment, number

# Of an invitation by this token, into this room, at this time.
VALID = "token_hash = ? AND room = ? AND NOT revoked AND (expires IS NULL OR expires > ?)"


class History(Engine):
    # invitations

    async def add_invitation(self, invitation: Invitation) -> None:
        await self._add_inside(invitation.room, invitation)

    async def invitations_of(self, room: str) -> list[Invitation]:
        text(room)
        return await self._find(Invitation, "WHERE room = ? ORDER BY created DESC, id", room)

    async def use_invitation(self, token_hash: bytes, room: str, user: str, now: datetime) -> Invitation | None:
        octets(token_hash)
        text(room, user)
        at = number(now)
        await self._run(
            f"""INSERT INTO invitation_uses (invitation, user, first)
            SELECT id, ?, ? FROM invitations WHERE {VALID} AND (uses IS NULL OR used < uses)
            ON CONFLICT DO NOTHING""",  # noqa: S608
            *(user, at, token_hash, room, at),
        )
        # Now this user has come by it, or found it full; that was settled above, once and for all.
        mine = f"WHERE {VALID} AND EXISTS (SELECT 1 FROM invitation_uses WHERE invitation = id AND user = ?)"  # noqa: S608
        return await self._find_one(Invitation, mine, token_hash, room, at, user)

    async def came_by(self, invitation: str) -> list[tuple[str, datetime]]:
        text(invitation)
        sql = "SELECT user, first FROM invitation_uses WHERE invitation = ? ORDER BY first, user"
        return [(user, moment(first)) for user, first in await self._run(sql, invitation)]

    async def revoke_invitation(self, id: str, room: str) -> bool:
        text(id, room)
        sql = "UPDATE invitations SET revoked = 1 WHERE id = ? AND room = ? AND NOT revoked RETURNING 1"
        return bool(await self._run(sql, id, room))

    # meetings

    async def open_meeting(self, meeting: Meeting) -> None:
        await self._add_inside(meeting.room, meeting)

    async def reopen_meeting(self, id: str) -> None:
        text(id)
        await self._run("UPDATE meetings SET ended = NULL WHERE id = ?", id)

    async def close_meeting(self, id: str, at: datetime) -> None:
        text(id)
        await self._run_all(
            ('UPDATE attendance SET "left" = ? WHERE meeting = ? AND "left" IS NULL', number(at), id),
            ("UPDATE meetings SET ended = ? WHERE id = ? AND ended IS NULL", number(at), id),
        )

    async def close_unfinished(self, at: datetime, going_on: Collection[str] = ()) -> None:
        text(*going_on)
        but = f"NOT IN ({', '.join('?' for _ in going_on)})"
        stays = f'UPDATE attendance SET "left" = ? WHERE "left" IS NULL AND came <= ? AND meeting {but}'  # noqa: S608
        meetings = f"UPDATE meetings SET ended = ? WHERE ended IS NULL AND started <= ? AND id {but}"  # noqa: S608
        values: tuple[Value, ...] = (number(at), number(at), *going_on)
        await self._run_all((stays, *values), (meetings, *values))

    async def note_arrival(self, attendance: Attendance) -> None:
        await self._add_inside(attendance.room, attendance)

    async def note_departure(self, id: str, at: datetime) -> None:
        text(id)
        await self._run('UPDATE attendance SET "left" = ? WHERE id = ? AND "left" IS NULL', number(at), id)

    async def meetings_of(self, room: str, limit: int) -> list[Meeting]:
        text(room)
        return await self._find(Meeting, "WHERE room = ? ORDER BY started DESC, id LIMIT ?", room, max(limit, 0))

    async def attendance_of(self, meeting: str) -> list[Attendance]:
        text(meeting)
        return await self._find(Attendance, "WHERE meeting = ? ORDER BY came, id", meeting)

    # how meetings stand

    async def keep_standing(self, room: str, value: bytes, at: datetime, until: datetime) -> None:
        text(room)
        octets(value)
        await self._run(
            """INSERT INTO standings (room, value, at, until) SELECT code, ?, ?, ? FROM rooms WHERE code = ?
            ON CONFLICT (room) DO UPDATE SET value = excluded.value, at = excluded.at, until = excluded.until
            WHERE excluded.at >= at""",
            *(value, number(at), number(until), room),
        )

    async def standing(self, room: str, now: datetime) -> bytes | None:
        text(room)
        found = await self._run("SELECT value FROM standings WHERE room = ? AND until > ?", room, number(now))
        return found[0][0] if found else None

    async def forget_standing(self, room: str) -> None:
        text(room)
        await self._run("DELETE FROM standings WHERE room = ?", room)

    async def hurry_standings(self, until: datetime, going_on: Collection[str] = ()) -> None:
        text(*going_on)
        but = f"NOT IN ({', '.join('?' for _ in going_on)})"
        sql = f"UPDATE standings SET until = ? WHERE until > ? AND room {but}"  # noqa: S608
        await self._run(sql, number(until), number(until), *going_on)

    # chat

    async def add_message(self, message: ChatMessage) -> None:
        await self._add_inside(message.room, message)

    async def messages_of(self, room: str, limit: int, meeting: str | None = None) -> list[ChatMessage]:
        text(room)
        newest = "ORDER BY at DESC, id DESC LIMIT ?"
        if meeting is None:
            found = await self._find(ChatMessage, f"WHERE room = ? {newest}", room, max(limit, 0))
        else:
            text(meeting)
            where = f"WHERE room = ? AND meeting = ? {newest}"
            found = await self._find(ChatMessage, where, room, meeting, max(limit, 0))
        return found[::-1]

    async def delete_message(self, id: str, room: str) -> bool:
        text(id, room)
        return bool(await self._run("DELETE FROM messages WHERE id = ? AND room = ? RETURNING 1", id, room))

    async def delete_messages(self, room: str) -> int:
        text(room)
        return len(await self._run("DELETE FROM messages WHERE room = ? RETURNING 1", room))
