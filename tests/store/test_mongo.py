"""What only MongoDB has: a server that can go away and come back, and promises kept in several steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from peermeet.store import RoomRecord, Unavailable, User
from peermeet.store.mongo import MongoStore

from .conftest import MongoEngine
from .mongo_server import Command, Server
from .samples import BOB, GUEST, INVITATION, STANDUP, a_busy_room, everything_in, room

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_killed_server_is_unavailable_and_comes_back_with_everything(
    mongo_command: Command, tmp_path: Path
) -> None:
    server = Server(mongo_command, tmp_path)
    server.start()
    try:
        store = await MongoStore.open(server.url, patience=2)
        rooms = [RoomRecord(str(n), "Room", "ada", NOW) for n in range(20)]
        for room in rooms:
            await store.add_room(room)
        server.kill()
        with pytest.raises(Unavailable) as unavailable:
            await store.add_room(RoomRecord("later", "Room", "ada", NOW))
        assert "127.0.0.1" not in str(unavailable.value)
        server.start()
        assert len(await store.rooms_of("ada")) == len(rooms)
        await store.close()
    finally:
        server.kill()


async def test_visits_left_behind_by_a_crash_take_no_place(mongo_url: str) -> None:
    engine = MongoEngine(mongo_url)
    store = await engine.open()
    await store.add_user(User("bob", "Bob", NOW))
    for n, code in enumerate(("kept", "gone")):
        await store.add_room(RoomRecord(code, "Room", "ada", NOW))
        await store.note_visit("bob", code, NOW + timedelta(minutes=n))
    async with AsyncMongoClient[dict[str, object]](mongo_url) as client:
        await client[engine.database].rooms.delete_one({"_id": "gone"})
    assert [recent.room.code for recent in await store.recent_rooms("bob", 1)] == ["kept"]
    await engine.close()


# What PeerMeet wrote before there was anything in a room.
OLD_ROOM = {"_id": "abc", "title": "Stand-up", "owner": "ada", "created": NOW}
OLD_USER = {"_id": "ada", "name": "Ada", "created": NOW, "email": "Ada@x.org", "email_lc": "ada@x.org"}


async def test_documents_of_schema_1_are_read_with_defaults_and_saved_anew(mongo_url: str) -> None:
    engine = MongoEngine(mongo_url)
    async with AsyncMongoClient[dict[str, object]](mongo_url) as client:
        db = client[engine.database]
        await db.rooms.insert_one(OLD_ROOM)
        await db.users.insert_one(OLD_USER)
        await db.meta.insert_one({"_id": "schema", "version": 1})
        store = await engine.open()
        assert await db.meta.find_one() == {"_id": "schema", "version": 3}
    old = RoomRecord("abc", "Stand-up", "ada", NOW)
    assert await store.room("abc") == old
    assert await store.rooms_of("ada") == [old]
    assert await store.user_by_email("ada@x.org") == User("ada", "Ada", NOW, "Ada@x.org")
    await store.note_visit("ada", "abc", NOW)
    assert [recent.room for recent in await store.recent_rooms("ada", 9)] == [old]
    assert await store.save_room(replace(old, lobby=True))
    assert await store.room("abc") == replace(old, lobby=True)
    await engine.close()


class Crash(BaseException):
    """The server's end, seen from inside."""


# Where a deletion of an account may be cut short, step by step.
STEPS = ["_users", "_rooms", "_visits", "_meetings", "_messages", "_uses", "_attendance", "_invitations", "_deletions"]


@pytest.mark.parametrize("step", STEPS)
async def test_a_deletion_cut_short_leaves_no_account_half_usable(
    mongo_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MongoEngine(mongo_url)
    store = await engine.open()
    assert isinstance(store, MongoStore)
    await a_busy_room(store, room("adas"), by=" ada")
    await a_busy_room(store, room("bobs", BOB), by=" bob")

    class Broken:
        """Every way to delete or change ends the server; looking is as ever."""

        def __init__(self, whole: object) -> None:
            self._whole = whole

        def __getattr__(self, name: str) -> object:
            if name in ("delete_one", "delete_many", "update_many"):
                raise Crash
            return getattr(self._whole, name)

    with monkeypatch.context() as patch:
        patch.setattr(store, step, Broken(getattr(store, step)))
        with pytest.raises(Crash):
            await store.delete_user(BOB.id)
    # all of the account, or none of it
    assert (await store.user(BOB.id), await store.user_by_email("bob@example.org")) == (
        (BOB, BOB) if step == "_users" else (None, None)
    )
    if step == "_users":
        assert await store.room("bobs") is not None
        assert len(await everything_in(store, "bobs", " bob")) == 10 - 1

    after = await engine.open()
    await after.purge(NOW)
    assert await after.user(BOB.id) is None
    assert await after.rooms_of(BOB.id) == []
    assert await after.recent_rooms(BOB.id, 9) == []
    assert await everything_in(after, "bobs", " bob") == []
    assert [stay.name for stay in await after.attendance_of("m-1 ada")] == ["", "Guest"]
    assert [message.user for message in await after.messages_of("adas", 9)] == [GUEST.id]
    assert [user for user, _ in await after.came_by("i-1 ada")] == [GUEST.id]
    async with AsyncMongoClient[dict[str, object]](mongo_url) as client:
        for name in await client[engine.database].list_collection_names():
            left = [str(one) async for one in client[engine.database][name].find()]
            assert not [one for one in left if BOB.id in one or "bobs" in one], name
        assert await client[engine.database].deletions.find_one() is None
    await engine.close()


async def test_a_deletion_that_was_not_allowed_is_not_finished_later(mongo_url: str) -> None:
    """Written down, and then the room changed hands, or it is another one by now."""
    engine = MongoEngine(mongo_url)
    store = await engine.open()
    await a_busy_room(store)
    before = await everything_in(store, STANDUP.code)
    async with AsyncMongoClient[dict[str, object]](mongo_url) as client:
        await client[engine.database].deletions.insert_one({"room": STANDUP.code, "owner": BOB.id})
    await store.purge(NOW)
    assert await store.room(STANDUP.code) == STANDUP
    assert await everything_in(store, STANDUP.code) == before
    await engine.close()


async def test_a_count_left_behind_by_a_crash_catches_up(mongo_url: str) -> None:
    engine = MongoEngine(mongo_url)
    store = await engine.open()
    await store.add_room(STANDUP)
    await store.add_invitation(replace(INVITATION, uses=2))
    for user in ("u1", "u2"):
        assert await store.use_invitation(INVITATION.token_hash, STANDUP.code, user, NOW)
    async with AsyncMongoClient[dict[str, object]](mongo_url) as client:
        await client[engine.database].invitations.update_one({}, {"$set": {"used": 1}})
    assert await store.use_invitation(INVITATION.token_hash, STANDUP.code, "u3", NOW) is None
    used = await store.use_invitation(INVITATION.token_hash, STANDUP.code, "u2", NOW)
    assert used == replace(INVITATION, uses=2, used=2)
    await engine.close()
