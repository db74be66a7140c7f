"""What only SQLite has: a file, its modes, its lock, and a power cord."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from peermeet.store import RoomRecord, Unavailable
from peermeet.store.sqlite import SqliteStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = RoomRecord("abc", "Stand-up", "ada", NOW)

# Says each room once it is acknowledged, until somebody kills it.
WRITER = """
import asyncio, itertools, sys
from datetime import UTC, datetime
from peermeet.store import RoomRecord
from peermeet.store.sqlite import SqliteStore

async def write():
    store = await SqliteStore.open(sys.argv[1])
    for n in itertools.count():
        await store.add_room(RoomRecord(str(n), "title", "ada", datetime.now(UTC)))
        print(n, flush=True)

asyncio.run(write())
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
async def test_only_the_servers_account_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data" / "peermeet.sqlite3"
    before = os.umask(0)
    try:
        store = await SqliteStore.open(path)
        await store.add_room(ROOM)
    finally:
        os.umask(before)
    files = {file.name: mode(file) for file in path.parent.iterdir()}
    assert files == {"peermeet.sqlite3" + suffix: 0o600 for suffix in ("", "-wal", "-shm")}
    assert mode(path.parent) == 0o700
    await store.close()

    path.chmod(0o644)  # restored from a backup, say
    await (await SqliteStore.open(path)).close()
    assert mode(path) == 0o600


async def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir(mode=0o755)
    before = mode(folder)
    await (await SqliteStore.open(folder / "peermeet.sqlite3")).close()
    assert mode(folder) == before != 0o700


async def test_a_lock_that_lasts_is_unavailable_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "peermeet.sqlite3"
    store = await SqliteStore.open(path, patience=0.05)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as unavailable:
            await store.add_room(ROOM)
        assert isinstance(unavailable.value.__cause__, sqlite3.OperationalError)
        assert await store.room("abc") is None  # reading goes on
        with pytest.raises(Unavailable):
            await SqliteStore.open(path, patience=0.05)
    await store.add_room(ROOM)
    assert await store.room("abc") == ROOM
    await store.close()


async def test_where_no_folder_can_be_made_it_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        await SqliteStore.open(tmp_path / "file" / "peermeet.sqlite3")
    with pytest.raises(Unavailable):
        await SqliteStore.open(tmp_path)


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "peermeet.sqlite3"
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WRITER, str(path)), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    acknowledged = [(await writer.stdout.readline()).decode().strip() for _ in range(50)]
    writer.kill()
    acknowledged += (await writer.stdout.read()).decode().split()
    await writer.wait()
    store = await SqliteStore.open(path)
    assert [code for code in acknowledged if await store.room(code) is None] == []
    await store.close()


async def test_a_process_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    forgetful = WRITER.replace("itertools.count()", "range(1)")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", forgetful, str(tmp_path / "peermeet.sqlite3")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
