"""What only MongoDB has: a server that can go away and come back, and deletions in two steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient

from peermeet.store import RoomRecord, Unavailable, User
from peermeet.store.mongo import MongoStore

from .conftest import MongoEngine
from .mongo_server import Command, Server

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
