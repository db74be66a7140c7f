"""What happens in rooms: who was invited and came, who met whom when, and what was written."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from .. import Attendance, ChatMessage, Invitation, Meeting, octets, text, utc
from .engine import Document, Engine, record, records, translated


class History(Engine):
    # invitations

    @translated
    async def add_invitation(self, invitation: Invitation) -> None:
        await self._insert_inside(invitation.room, self._invitations, invitation)

    @translated
    async def invitations_of(self, room: str) -> list[Invitation]:
        text(room)
        async with self._invitations.find({"room": room}, sort=[("created", -1), ("_id", 1)]) as found:
            return records(Invitation, await found.to_list())

    @translated
    async def use_invitation(self, token_hash: bytes, room: str, user: str, now: datetime) -> Invitation | None:
        """Each person who comes takes a numbered place, and no place has two documents, nor has a person. So
        the place's own document lets somebody in; ``used`` follows, and one left behind by a crash catches up."""
        octets(token_hash)
        text(room, user)
        open_still: Document = {"$or": [{"expires": None}, {"expires": {"$gt": utc(now)}}]}
        invitation = await self._invitations.find_one(
            {"token_hash": token_hash, "room": room, "revoked": False, **open_still}
        )
        if invitation is None:
            return None
        mine = {"invitation": invitation["_id"], "user": user}
        place, taken = invitation["used"] + 1, None
        while not (use := await self._uses.find_one(mine)):
            if invitation["uses"] is not None and place > invitation["uses"]:
                return None
            try:
                new = {**mine, "room": room, "place": place, "first": utc(now)}
                taken = (await self._uses.insert_one(new)).inserted_id
            except DuplicateKeyError:  # somebody took the place, or this user came twice at once
                place += 1
        used = await self._invitations.find_one_and_update(
            {"_id": invitation["_id"], "revoked": False},
            {"$max": {"used": use["place"]}},
            return_document=ReturnDocument.AFTER,
        )
        if used is None:  # revoked or gone with its room meanwhile
            if taken is not None:
                await self._uses.delete_one({"_id": taken})
            return None
        return record(Invitation, used)

    @translated
    async def came_by(self, invitation: str) -> list[tuple[str, datetime]]:
        text(invitation)
        async with self._uses.find({"invitation": invitation}, sort=[("first", 1), ("user", 1)]) as uses:
            return [(use["user"], use["first"]) async for use in uses]

    @translated
    async def revoke_invitation(self, id: str, room: str) -> bool:
        text(id, room)
        going_on = {"_id": id, "room": room, "revoked": False}
        return bool((await self._invitations.update_one(going_on, {"$set": {"revoked": True}})).matched_count)

    # meetings: stays end before their meeting does, so that a crash in between leaves it to ``close_unfinished``

    @translated
    async def open_meeting(self, meeting: Meeting) -> None:
        await self._insert_inside(meeting.room, self._meetings, meeting)

    @translated
    async def reopen_meeting(self, id: str) -> None:
        text(id)
        await self._meetings.update_one({"_id": id}, {"$set": {"ended": None}})

    @translated
    async def close_meeting(self, id: str, at: datetime) -> None:
        text(id)
        await self._attendance.update_many({"meeting": id, "left": None}, {"$set": {"left": utc(at)}})
        await self._meetings.update_one({"_id": id, "ended": None}, {"$set": {"ended": utc(at)}})

    @translated
    async def close_unfinished(self, at: datetime, going_on: Collection[str] = ()) -> None:
        text(*going_on)
        begun, but = {"$lte": utc(at)}, {"$nin": list(going_on)}
        await self._attendance.update_many({"left": None, "came": begun, "meeting": but}, {"$set": {"left": utc(at)}})
        await self._meetings.update_many({"ended": None, "started": begun, "_id": but}, {"$set": {"ended": utc(at)}})

    @translated
    async def note_arrival(self, attendance: Attendance) -> None:
        await self._insert_inside(attendance.room, self._attendance, attendance)

    @translated
    async def note_departure(self, id: str, at: datetime) -> None:
        text(id)
        await self._attendance.update_one({"_id": id, "left": None}, {"$set": {"left": utc(at)}})

    @translated
    async def meetings_of(self, room: str, limit: int) -> list[Meeting]:
        text(room)
        if limit < 1:
            return []  # to MongoDB 0 is no limit
        newest = [("started", -1), ("_id", 1)]
        async with self._meetings.find({"room": room}, sort=newest, limit=limit) as found:
            return records(Meeting, await found.to_list())

    @translated
    async def attendance_of(self, meeting: str) -> list[Attendance]:
        text(meeting)
        async with self._attendance.find({"meeting": meeting}, sort=[("came", 1), ("_id", 1)]) as found:
            return records(Attendance, await found.to_list())

    # how meetings stand

    @translated
    async def keep_standing(self, room: str, value: bytes, at: datetime, until: datetime) -> None:
        text(room)
        octets(value)
        if await self._rooms.find_one({"_id": room}, {"_id": True}) is None:
            return
        new = {"value": value, "at": utc(at), "until": utc(until)}
        try:
            await self._standings.update_one({"_id": room, "at": {"$lte": utc(at)}}, {"$set": new}, upsert=True)
        except DuplicateKeyError:
            return  # there is a later one
        if await self._rooms.find_one({"_id": room}, {"_id": True}) is None:  # gone meanwhile: see `_insert_inside`
            await self._standings.delete_one({"_id": room})

    @translated
    async def standing(self, room: str, now: datetime) -> bytes | None:
        text(room)
        found = await self._standings.find_one({"_id": room, "until": {"$gt": utc(now)}})
        return bytes(found["value"]) if found else None

    @translated
    async def forget_standing(self, room: str) -> None:
        text(room)
        await self._standings.delete_one({"_id": room})

    @translated
    async def hurry_standings(self, until: datetime, going_on: Collection[str] = ()) -> None:
        text(*going_on)
        longer: Document = {"until": {"$gt": utc(until)}, "_id": {"$nin": list(going_on)}}
        await self._standings.update_many(longer, {"$set": {"until": utc(until)}})

    # chat

    @translated
    async def add_message(self, message: ChatMessage) -> None:
        await self._insert_inside(message.room, self._messages, message)

    @translated
    async def messages_of(self, room: str, limit: int, meeting: str | None = None) -> list[ChatMessage]:
        text(room)
        which: Document = {"room": room}
        if meeting is not None:
            text(meeting)
            which["meeting"] = meeting
        if limit < 1:
            return []
        async with self._messages.find(which, sort=[("at", -1), ("_id", -1)], limit=limit) as found:
            return records(ChatMessage, await found.to_list())[::-1]

    @translated
    async def delete_message(self, id: str, room: str) -> bool:
        text(id, room)
        return bool((await self._messages.delete_one({"_id": id, "room": room})).deleted_count)

    @translated
    async def delete_messages(self, room: str) -> int:
        text(room)
        return (await self._messages.delete_many({"room": room})).deleted_count
