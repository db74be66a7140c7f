"""The client: connecting, and records as documents. No word of the product's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC
from functools import wraps
from typing import Any, ParamSpec, Self, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, PyMongoError

from .. import NewerSchema, RoomRecord, Taken, Unavailable, kept
from ..values import Record, shape
from .schema import INDEXES, SCHEMA

Document = dict[str, Any]
Collection = AsyncCollection[Document]
P = ParamSpec("P")
R = TypeVar("R", bound=Record)
T = TypeVar("T")


def translated(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Whatever the driver could not do becomes ``Unavailable``; it has tried again by itself before."""

    @wraps(method)
    async def translating(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except PyMongoError as error:
            raise Unavailable from error

    return translating


class Engine:
    """One client and the collections of one database."""

    def __init__(self, client: AsyncMongoClient[Document], database: str | None) -> None:
        self._client = client
        self._db = db = client[database] if database else client.get_default_database("peermeet")
        self._meta = db["meta"]
        self._users = db["users"]
        self._rooms = db["rooms"]
        self._visits = db["visits"]
        self._invitations = db["invitations"]
        self._uses = db["invitation_uses"]
        self._meetings = db["meetings"]
        self._attendance = db["attendance"]
        self._standings = db["standings"]
        self._messages = db["messages"]
        self._deletions = db["deletions"]
        self._revoked = db["revoked_sessions"]
        self._used = db["used_tickets"]
        self._attempts = db["attempts"]

    @classmethod
    @translated
    async def open(cls, url: str, database: str | None = None, patience: float = 5.0) -> Self:
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

    async def _migrate(self) -> None:
        """Every step may be run again and by several processes at once, so it needs no lock."""
        schema = await self._meta.find_one({"_id": "schema"})
        if schema and schema["version"] > SCHEMA:
            raise NewerSchema(schema["version"], SCHEMA)
        for name, indexes in INDEXES.items():
            await self._db[name].create_indexes(indexes)
        await at_least(self._meta, {"_id": "schema"}, {"version": SCHEMA})

    async def _insert_inside(self, room: str, collection: Collection, one: Record) -> None:
        """Keeps a record of what is in a room, if there is such a room. Raises ``Taken``.

        Looking first would leave a moment in which the room goes. Who deletes one takes away the room, then
        what is in it: what came too late for that sees here that the room has gone.
        """
        inside = document(one)
        await insert(collection, inside)
        if await self._rooms.find_one({"_id": room}, {"_id": True}) is None:
            await collection.delete_one({"_id": inside["_id"]})


def key(kind: type[Record]) -> str:
    """The field that is called ``_id`` in a document."""
    return "code" if kind is RoomRecord else "id"


def document(one: Record) -> Document:
    fields = kept(one)
    return {"_id": fields.pop(key(type(one))), **fields}


def record(kind: type[R], found: Mapping[str, Any]) -> R:
    """The record of a document; what an older PeerMeet did not write has its default."""
    made = {name: found[name] for name in shape(kind) if name in found}
    return kind(**{key(kind): found["_id"]}, **made)


def records(kind: type[R], found: list[Document]) -> list[R]:
    return [record(kind, one) for one in found]


async def insert(collection: Collection, one: Document, id: str = "id") -> None:
    """Inserts, or raises ``Taken`` with the product's word for the key in the way; ``id`` is the one for ``_id``."""
    try:
        await collection.insert_one(one)
    except DuplicateKeyError as error:
        [key] = (error.details or {})["keyPattern"]
        raise Taken({"_id": id, "email_lc": "email"}.get(key, key)) from error


async def at_least(collection: Collection, which: Document, values: Document) -> None:
    """Sets the values unless higher ones are there."""
    try:
        await collection.update_one(which, {"$max": values}, upsert=True)
    except DuplicateKeyError:  # two inserted at once; the one that lost finds a document to update now
        await collection.update_one(which, {"$max": values})
