"""MongoDB, for those who keep one: pymongo's asynchronous client, one collection for each noun.

Two rules: every promise rests on one document, so no transactions and no replica set are needed; and what
reaches a filter has been through ``text`` or ``utc``. The TTL indexes only sweep, and late: each read asks for
itself whether a time is over.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, PyMongoError

from . import NewerSchema, RecentRoom, RoomRecord, Store, Taken, Unavailable, User, folded, text, utc

Document = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")

SCHEMA = 1
# The server sweeps by its own clock, and a used ticket swept too early could be used again: its clock and ours
# may disagree by this many seconds.
SWEEP_LATE = 3600
BATCH = 1000  # guests deleted with one command; a thousand ids stay far below a command's 16 MB


def _translated(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Whatever the driver could not do becomes ``Unavailable``; it has tried again by itself before."""

    @wraps(method)
    async def translating(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except PyMongoError as error:
            raise Unavailable from error

    return translating


class MongoStore(Store):
    """A ``Store`` in a MongoDB database. Make it with ``open``, in the process and loop that will use it."""

    def __init__(self, client: AsyncMongoClient[Document], database: str | None) -> None:
        self._client = client
        db = client[database] if database else client.get_default_database("peermeet")
        self._meta = db["meta"]
        self._users = db["users"]
        self._rooms = db["rooms"]
        self._visits = db["visits"]
        self._revoked = db["revoked_sessions"]
        self._used = db["used_tickets"]

    @classmethod
    @_translated
    async def open(cls, url: str, database: str | None = None, patience: float = 5.0) -> MongoStore:
        """Connects and makes the indexes. Without ``database`` it is the one in the URL's path, or ``peermeet``.

        ``patience`` is how many seconds an answer may take, all tries together. Raises ``NewerSchema``, and
        ``Unavailable`` when no server is found.
        """
        client: AsyncMongoClient[Document] = AsyncMongoClient(
            url,
            tz_aware=True,
            tzinfo=UTC,
            uuidRepresentation="standard",
            w="majority",
            journal=True,
            serverSelectionTimeoutMS=round(patience * 1000),
            timeoutMS=round(patience * 1000),  # of a server that was found and then is silent
        )
        try:
            store = cls(client, database)
            await store._migrate()
        except BaseException:
            await client.close()
            raise
        return store

    async def close(self) -> None:
        await self._client.close()

    # users

    @_translated
    async def add_user(self, user: User) -> None:
        text(user.id, user.name)
        document: Document = {"_id": user.id, "name": user.name, "created": utc(user.created)}
        if user.email is not None:  # left out for guests: the unique index knows only those who have one
            text(user.email)
            document |= {"email": user.email, "email_lc": folded(user.email)}
        if user.password_hash is not None:
            document["password_hash"] = user.password_hash
        await _insert(self._users, document, {"_id": "id", "email_lc": "email"})

    @_translated
    async def user(self, id: str) -> User | None:
        text(id)
        return _user(await self._users.find_one({"_id": id}))

    @_translated
    async def user_by_email(self, email: str) -> User | None:
        text(email)
        return _user(await self._users.find_one({"email_lc": folded(email)}))

    @_translated
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

    # rooms and visits

    @_translated
    async def add_room(self, room: RoomRecord) -> None:
        text(room.code, room.title, room.owner)
        document = {"_id": room.code, "title": room.title, "owner": room.owner, "created": utc(room.created)}
        await _insert(self._rooms, document, {"_id": "code"})

    @_translated
    async def room(self, code: str) -> RoomRecord | None:
        text(code)
        document = await self._rooms.find_one({"_id": code})
        return _room(document) if document else None

    @_translated
    async def rooms_of(self, owner: str) -> list[RoomRecord]:
        text(owner)
        async with self._rooms.find({"owner": owner}, sort=[("created", -1), ("_id", 1)]) as rooms:
            return [_room(room) async for room in rooms]

    @_translated
    async def delete_room(self, code: str, owner: str) -> bool:
        text(code, owner)
        deleted = await self._rooms.delete_one({"_id": code, "owner": owner})
        if deleted.deleted_count:  # visits left behind by a crash right here are seen by nobody
            await self._visits.delete_many({"code": code})
        return bool(deleted.deleted_count)

    @_translated
    async def note_visit(self, user: str, code: str, at: datetime) -> None:
        text(user, code)
        if await self._users.find_one({"_id": user}) and await self._rooms.find_one({"_id": code}):
            await _at_least(self._visits, {"user": user, "code": code}, {"at": utc(at)})

    @_translated
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
            return [RecentRoom(_room(visit["room"]), visit["at"]) async for visit in visits]

    # sessions and tickets

    @_translated
    async def revoke_session(self, jti: str, until: datetime) -> None:
        text(jti)
        await _at_least(self._revoked, {"_id": jti}, {"until": utc(until)})

    @_translated
    async def is_revoked(self, jti: str, now: datetime) -> bool:
        text(jti)
        return await self._revoked.find_one({"_id": jti, "until": {"$gt": utc(now)}}) is not None

    @_translated
    async def use_ticket(self, jti: str, until: datetime, now: datetime) -> bool:
        text(jti)
        if utc(until) <= utc(now):
            return False  # it may have been used and forgotten
        try:
            await self._used.insert_one({"_id": jti, "until": utc(until)})
        except DuplicateKeyError:
            return False
        return True

    @_translated
    async def purge(self, now: datetime) -> None:
        await self._revoked.delete_many({"until": {"$lte": utc(now)}})
        await self._used.delete_many({"until": {"$lte": utc(now)}})

    # the engine

    async def _migrate(self) -> None:
        """Every step may be run again and by several processes at once, so it needs no lock."""
        schema = await self._meta.find_one({"_id": "schema"})
        if schema and schema["version"] > SCHEMA:
            raise NewerSchema(schema["version"], SCHEMA)
        await self._users.create_index("email_lc", unique=True, sparse=True)
        await self._users.create_index("created")
        await self._rooms.create_index([("owner", 1), ("created", -1)])
        await self._visits.create_index([("user", 1), ("code", 1)], unique=True)
        await self._visits.create_index([("user", 1), ("at", -1)])
        await self._visits.create_index("code")
        await self._revoked.create_index("until", expireAfterSeconds=SWEEP_LATE)
        await self._used.create_index("until", expireAfterSeconds=SWEEP_LATE)
        await _at_least(self._meta, {"_id": "schema"}, {"version": SCHEMA})


async def _insert(collection: AsyncCollection[Document], document: Document, fields: Mapping[str, str]) -> None:
    """Inserts, or raises ``Taken`` with the word that ``fields`` has for the key in the way."""
    try:
        await collection.insert_one(document)
    except DuplicateKeyError as error:
        [key] = (error.details or {})["keyPattern"]
        raise Taken(fields[key]) from error


async def _at_least(collection: AsyncCollection[Document], which: Document, values: Document) -> None:
    """Sets the values unless higher ones are there."""
    try:
        await collection.update_one(which, {"$max": values}, upsert=True)
    except DuplicateKeyError:  # two inserted at once; the one that lost finds a document to update now
        await collection.update_one(which, {"$max": values})


def _user(document: Document | None) -> User | None:
    if document is None:
        return None
    return User(
        document["_id"],
        document["name"],
        document["created"],
        document.get("email"),
        document.get("password_hash"),
    )


def _room(document: Document) -> RoomRecord:
    return RoomRecord(document["_id"], document["title"], document["owner"], document["created"])
