"""What only SQLite has: a file, its modes, its lock, and a power cord."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from peermeet.store import RecentRoom, RoomRecord, Unavailable, User
from peermeet.store.sqlite import SqliteStore

from .samples import BOB, a_busy_room, everything_in, room

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


# What version 1 made, word by word, with somebody in it.
SCHEMA_1 = """
CREATE TABLE users (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL,
    email TEXT, email_lc TEXT UNIQUE, password_hash BLOB
) STRICT;
CREATE INDEX guests ON users (created) WHERE email_lc IS NULL;
CREATE TABLE rooms (
    code TEXT PRIMARY KEY, title TEXT NOT NULL, owner TEXT NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE INDEX rooms_of ON rooms (owner, created);
CREATE TABLE visits (
    user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    code TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    PRIMARY KEY (user, code)
) STRICT, WITHOUT ROWID;
CREATE INDEX visits_by_time ON visits (user, at);
CREATE INDEX visits_by_room ON visits (code);
CREATE TABLE revoked_sessions (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_until ON revoked_sessions (until);
CREATE TABLE used_tickets (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX used_until ON used_tickets (until);
INSERT INTO users VALUES ('ada', 'Ada', 1767225600000, 'Ada@x.org', 'ada@x.org', x'00ff');
INSERT INTO users VALUES ('guest', 'Guest', 1767225600000, NULL, NULL, NULL);
INSERT INTO rooms VALUES ('abc', 'Stand-up', 'ada', 1767225600000);
INSERT INTO visits VALUES ('guest', 'abc', 1767225600001);
INSERT INTO revoked_sessions VALUES ('j', 1767225600001);
INSERT INTO used_tickets VALUES ('t', 1767225600001);
PRAGMA user_version = 1;
"""


async def test_a_file_of_version_1_is_brought_up_to_date(tmp_path: Path) -> None:
    path, fresh = tmp_path / "old.sqlite3", tmp_path / "fresh.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(SCHEMA_1)
    stores = await asyncio.gather(*(SqliteStore.open(path) for _ in range(3)))  # one of them does it
    store = stores[0]
    assert await store.user_by_email("ada@x.org") == User("ada", "Ada", NOW, "Ada@x.org", b"\x00\xff")
    assert await store.user("guest") == User("guest", "Guest", NOW)
    assert await store.room("abc") == ROOM
    assert await store.recent_rooms("guest", 9) == [RecentRoom(ROOM, NOW + timedelta(milliseconds=1))]
    assert await store.is_revoked("j", NOW)
    assert not await store.use_ticket("t", NOW + timedelta(milliseconds=1), NOW)
    assert await store.save_room(replace(ROOM, capacity=4, locked=True))
    assert await store.room("abc") == replace(ROOM, capacity=4, locked=True)
    await a_busy_room(store, room("new"))
    for one in (*stores, await SqliteStore.open(fresh)):
        await one.close()

    def tables(file: Path) -> list[object]:
        with closing(sqlite3.connect(file)) as db:
            made = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2").fetchall()
            words = [(*row[:3], " ".join((row[3] or "").split())) for row in made]
            return [*words, db.execute("PRAGMA user_version").fetchone()]

    assert tables(path)[-1] == (3,)
    assert tables(path) == tables(fresh)


async def test_a_deletion_that_fails_in_the_middle_has_not_begun(tmp_path: Path) -> None:
    path = tmp_path / "peermeet.sqlite3"
    store = await SqliteStore.open(path)
    await a_busy_room(store, room("adas"), by=" ada")
    await a_busy_room(store, room("bobs", BOB), by=" bob")
    before = [await everything_in(store, f"{name}s", f" {name}") for name in ("ada", "bob")]
    with closing(sqlite3.connect(path)) as other:
        # the fifth of the six statements
        other.executescript("CREATE TRIGGER stop BEFORE UPDATE ON attendance BEGIN SELECT raise(ABORT, 'enough'); END")
        with pytest.raises(Unavailable) as unavailable:
            await store.delete_user(BOB.id)
        assert "enough" in str(unavailable.value.__cause__)
        assert [await everything_in(store, f"{name}s", f" {name}") for name in ("ada", "bob")] == before
        assert await store.user_by_email("bob@example.org") == BOB
        other.executescript("DROP TRIGGER stop")
    await store.delete_user(BOB.id)
    assert await store.user(BOB.id) is None
    await store.close()


async def test_who_is_cancelled_while_deleting_leaves_no_open_transaction(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "peermeet.sqlite3")
    await a_busy_room(store, room("bobs", BOB), by=" bob")
    deleting = asyncio.create_task(store.delete_user(BOB.id))
    await asyncio.sleep(0)  # it has asked, and not been answered
    deleting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deleting
    assert await store.user(BOB.id) is None
    assert await everything_in(store, "bobs", " bob") == []
    await store.add_room(ROOM)
    with closing(sqlite3.connect(tmp_path / "peermeet.sqlite3")) as other:
        assert other.execute("SELECT count(*) FROM rooms").fetchone() == (1,)
    await store.close()
