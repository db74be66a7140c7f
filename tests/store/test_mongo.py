"""What only MongoDB has: a server that can go away and come back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from peermeet.store import RoomRecord, Unavailable
from peermeet.store.mongo import MongoStore

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
