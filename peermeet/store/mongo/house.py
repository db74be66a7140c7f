"""Accounts, rooms, who has been where, and how what is theirs goes with them.

A deletion touches many documents, and the server may die between any two. So it is written down first (in
``deletions``), done in an order in which nothing half deleted can be used, every step fit to be run again, and
crossed out last; ``purge`` finishes what is still written there. The account or the room itself goes before what
hangs on it: from that moment nobody signs in or enters, and what is left over is reachable by nobody. The other
way round a crash would leave an account that works and has lost half of what is its own.
"""

from __future__ import annotations

from datetime import datetime

from .. import RecentRoom, RoomRecord, User, folded, octets, text, utc
from .engine import Document, Engine, at_least, document, insert, record, records, translated

BATCH = 1000  # guests deleted with one command; a thousand ids stay far below a command's 16 MB


class House(Engine):
    @translated
    async def add_user(self, user: User) -> None:
        one = document(user)
        if user.email is not None:  # left out for guests: the unique index knows only those who have one
            one["email_lc"] = folded(user.email)
        await insert(self._users, one)

    @translated
    async def user(self, id: str) -> User | None:
        text(id)
        return _user(await self._users.find_one({"_id": id}))

    @translated
    async def user_by_email(self, email: str) -> User | None:
        return _user(await self._users.find_one({"email_lc": folded(email)}))

    @translated
    async def rename_user(self, id: str, name: str) -> bool:
        text(id, name)
        return bool((await self._users.update_one({"_id": id}, {"$set": {"name": name}})).matched_count)

    @translated
    async def set_password(self, id: str, password_hash: bytes) -> bool:
        text(id)
        octets(password_hash)
        account = {"_id": id, "email_lc": {"$exists": True}}
        changed = await self._users.update_one(account, {"$set": {"password_hash": password_hash}})
        return bool(changed.matched_count)

    @translated
    async def delete_user(self, id: str) -> None:
        text(id)
        written = await self._deletions.insert_one({"user": id})
        await self._remove_user(id)
        await self._deletions.delete_one({"_id": written.inserted_id})

    @translated
    async def delete_guests(self, before: datetime) -> int:
        guests = await self._users.aggregate(
            [
                {"$match": {"email_lc": {"$exists": False}, "created": {"$lt": utc(before)}}},
                {"$lookup": {"from": "rooms", "localField": "_id", "foreignField": "owner", "as": "rooms"}},
                {"$match": {"rooms": {"$size": 0}}},
                {"$project": {"_id": True}},
            ]
        )
        gone = 0
        async with guests:
            while batch := [guest["_id"] for guest in await guests.to_list(BATCH)]:
                await self._visits.delete_many({"user": {"$in": batch}})
                gone += (await self._users.delete_many({"_id": {"$in": batch}})).deleted_count
        return gone

    @translated
    async def add_room(self, room: RoomRecord) -> None:
        await insert(self._rooms, document(room), id="code")

    @translated
    async def save_room(self, room: RoomRecord) -> bool:
        settings = document(room)
        own = {"_id": settings.pop("_id"), "owner": settings.pop("owner")}
        del settings["created"]
        return bool((await self._rooms.update_one(own, {"$set": settings})).matched_count)

    @translated
    async def room(self, code: str) -> RoomRecord | None:
        text(code)
        found = await self._rooms.find_one({"_id": code})
        return record(RoomRecord, found) if found else None

    @translated
    async def rooms_of(self, owner: str) -> list[RoomRecord]:
        text(owner)
        async with self._rooms.find({"owner": owner}, sort=[("created", -1), ("_id", 1)]) as rooms:
            return records(RoomRecord, await rooms.to_list())

    @translated
    async def delete_room(self, code: str, owner: str) -> bool:
        text(code, owner)
        if await self._rooms.find_one({"_id": code, "owner": owner}) is None:
            return False
        return await self._delete_room(code, owner)

    @translated
    async def note_visit(self, user: str, code: str, at: datetime) -> None:
        text(user, code)
        last = {"at": utc(at)}
        if await self._users.find_one({"_id": user}) and await self._rooms.find_one({"_id": code}):
            await at_least(self._visits, {"user": user, "code": code}, last)

    @translated
    async def recent_rooms(self, user: str, limit: int) -> list[RecentRoom]:
        text(user)
        if limit < 1:
            return []  # MongoDB refuses such a $limit
        visits = await self._visits.aggregate(
            [
                {"$match": {"user": user}},
                {"$sort": {"at": -1, "code": 1}},
                {"$lookup": {"from": "rooms", "localField": "code", "foreignField": "_id", "as": "room"}},
                {"$unwind": "$room"},
                {"$limit": limit},
            ]
        )
        async with visits:
            return [RecentRoom(record(RoomRecord, visit["room"]), visit["at"]) async for visit in visits]

    # deleting, in steps that may be run again

    async def _finish_deletions(self) -> None:
        async with self._deletions.find({}) as deletions:
            for unfinished in await deletions.to_list():
                if "user" in unfinished:
                    await self._remove_user(unfinished["user"])
                else:
                    await self._remove_room(unfinished["room"], unfinished["owner"])
                await self._deletions.delete_one({"_id": unfinished["_id"]})

    async def _delete_room(self, code: str, owner: str) -> bool:
        written = await self._deletions.insert_one({"room": code, "owner": owner})
        deleted = await self._remove_room(code, owner)
        await self._deletions.delete_one({"_id": written.inserted_id})
        return deleted

    async def _remove_user(self, id: str) -> None:
        await self._users.delete_one({"_id": id})
        async with self._rooms.find({"owner": id}, {"_id": True}) as rooms:
            for room in await rooms.to_list():
                await self._delete_room(room["_id"], id)  # written down too: once it is gone its owner is forgotten
        await self._visits.delete_many({"user": id})
        await self._messages.delete_many({"user": id})
        await self._uses.delete_many({"user": id})
        await self._attendance.update_many({"user": id}, {"$set": {"user": "", "name": ""}})
        await self._invitations.update_many({"made_by": id}, {"$set": {"made_by": ""}})

    async def _remove_room(self, code: str, owner: str) -> bool:
        deleted = await self._rooms.delete_one({"_id": code, "owner": owner})
        if await self._rooms.find_one({"_id": code}):
            return False  # somebody else's
        await self._visits.delete_many({"code": code})
        for collection in (self._invitations, self._uses, self._meetings, self._attendance, self._messages):
            await collection.delete_many({"room": code})
        await self._standings.delete_one({"_id": code})
        return bool(deleted.deleted_count)


def _user(found: Document | None) -> User | None:
    return record(User, found) if found else None
