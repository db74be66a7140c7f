"""The embedded default: one SQLite file in the data folder.

Two rules: every write is one statement in autocommit mode, run by one call into the connection's thread, so it
is whole even if whoever asked is cancelled, and on disk when it returns; and input reaches SQL as a parameter
only. Times are kept as milliseconds since 1970.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite

from . import NewerSchema, RecentRoom, RoomRecord, Store, Taken, Unavailable, User, folded, text, utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

# MIGRATIONS[n] leads from schema version n to n + 1. They are added, never changed: files out there have run them.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE users (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL,
            email TEXT, email_lc TEXT UNIQUE, password_hash BLOB
        ) STRICT""",
        "CREATE INDEX guests ON users (created) WHERE email_lc IS NULL",
        """CREATE TABLE rooms (
            code TEXT PRIMARY KEY, title TEXT NOT NULL, owner TEXT NOT NULL, created INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX rooms_of ON rooms (owner, created)",
        """CREATE TABLE visits (
            user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            code TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
            at INTEGER NOT NULL,
            PRIMARY KEY (user, code)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX visits_by_time ON visits (user, at)",
        "CREATE INDEX visits_by_room ON visits (code)",
        "CREATE TABLE revoked_sessions (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE INDEX revoked_until ON revoked_sessions (until)",
        "CREATE TABLE used_tickets (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE INDEX used_until ON used_tickets (until)",
    ),
)


class SqliteStore(Store):
    """A ``Store`` in one file. Make it with ``open``, in the process and loop that will use it."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: str | Path, patience: float = 5.0) -> SqliteStore:
        """Opens the file, made with its folder if need be, and brings its schema up to date.

        ``patience`` is how many seconds a statement waits for another process's lock. Raises ``NewerSchema``,
        and ``Unavailable`` when the file cannot be made, opened or understood.
        """
        try:
            await asyncio.to_thread(_keep_private, Path(path))
            connection = aiosqlite.connect(path, timeout=patience, isolation_level=None)
            # All that was acknowledged is on disk: a process that ends without close need not wait for the thread.
            connection._thread.daemon = True
            await connection
        except (OSError, sqlite3.Error) as error:
            raise Unavailable from error
        store = cls(connection)
        try:
            await store._write_ahead(patience)
            await store._run("PRAGMA synchronous = FULL")  # in WAL mode NORMAL may lose the last commits
            await store._run("PRAGMA foreign_keys = ON")
            await store._migrate()
        except BaseException:
            await connection.close()
            raise
        return store

    async def close(self) -> None:
        await self._connection.close()

    # users

    async def add_user(self, user: User) -> None:
        text(user.id, user.name)
        email_lc = None
        if user.email is not None:
            text(user.email)
            email_lc = folded(user.email)
        await self._run(
            "INSERT INTO users (id, name, created, email, email_lc, password_hash) VALUES (?, ?, ?, ?, ?, ?)",
            *(user.id, user.name, _number(user.created), user.email, email_lc, user.password_hash),
        )

    async def user(self, id: str) -> User | None:
        text(id)
        return _user(await self._run("SELECT id, name, created, email, password_hash FROM users WHERE id = ?", id))

    async def user_by_email(self, email: str) -> User | None:
        text(email)
        return _user(
            await self._run(
                "SELECT id, name, created, email, password_hash FROM users WHERE email_lc = ?", folded(email)
            )
        )

    async def delete_guests(self, before: datetime) -> int:
        gone = await self._run(
            """DELETE FROM users WHERE email_lc IS NULL AND created < ?
            AND NOT EXISTS (SELECT 1 FROM rooms WHERE owner = users.id) RETURNING 1""",
            _number(before),
        )
        return len(gone)

    # rooms and visits

    async def add_room(self, room: RoomRecord) -> None:
        text(room.code, room.title, room.owner)
        await self._run(
            "INSERT INTO rooms (code, title, owner, created) VALUES (?, ?, ?, ?)",
            *(room.code, room.title, room.owner, _number(room.created)),
        )

    async def room(self, code: str) -> RoomRecord | None:
        text(code)
        rows = await self._run("SELECT code, title, owner, created FROM rooms WHERE code = ?", code)
        return _room(rows[0]) if rows else None

    async def rooms_of(self, owner: str) -> list[RoomRecord]:
        text(owner)
        rows = await self._run(
            "SELECT code, title, owner, created FROM rooms WHERE owner = ? ORDER BY created DESC, code", owner
        )
        return [_room(row) for row in rows]

    async def delete_room(self, code: str, owner: str) -> bool:
        text(code, owner)
        return bool(await self._run("DELETE FROM rooms WHERE code = ? AND owner = ? RETURNING 1", code, owner))

    async def note_visit(self, user: str, code: str, at: datetime) -> None:
        text(user, code)
        await self._run(
            """INSERT INTO visits (user, code, at)
            SELECT users.id, rooms.code, ? FROM users, rooms WHERE users.id = ? AND rooms.code = ?
            ON CONFLICT (user, code) DO UPDATE SET at = max(at, excluded.at)""",
            *(_number(at), user, code),
        )

    async def recent_rooms(self, user: str, limit: int) -> list[RecentRoom]:
        text(user)
        rows = await self._run(
            """SELECT rooms.code, title, owner, created, at FROM visits JOIN rooms ON rooms.code = visits.code
            WHERE user = ? ORDER BY at DESC, rooms.code LIMIT ?""",
            *(user, max(limit, 0)),
        )
        return [RecentRoom(_room(row[:4]), _time(row[4])) for row in rows]

    # sessions and tickets

    async def revoke_session(self, jti: str, until: datetime) -> None:
        text(jti)
        await self._run(
            """INSERT INTO revoked_sessions (jti, until) VALUES (?, ?)
            ON CONFLICT (jti) DO UPDATE SET until = max(until, excluded.until)""",
            *(jti, _number(until)),
        )

    async def is_revoked(self, jti: str, now: datetime) -> bool:
        text(jti)
        sql = "SELECT 1 FROM revoked_sessions WHERE jti = ? AND until > ?"
        return bool(await self._run(sql, jti, _number(now)))

    async def use_ticket(self, jti: str, until: datetime, now: datetime) -> bool:
        text(jti)
        if utc(until) <= utc(now):
            return False  # it may have been used and forgotten
        sql = "INSERT INTO used_tickets (jti, until) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING 1"
        return bool(await self._run(sql, jti, _number(until)))

    async def purge(self, now: datetime) -> None:
        await self._run("DELETE FROM revoked_sessions WHERE until <= ?", _number(now))
        await self._run("DELETE FROM used_tickets WHERE until <= ?", _number(now))

    # the engine

    async def _run(self, sql: str, *values: str | bytes | int | None) -> list[Any]:
        """Runs one statement to its end; an aiosqlite cursor would come back in between."""
        try:
            return list(await self._connection.execute_fetchall(sql, values))
        except sqlite3.IntegrityError as error:
            constraint, _, column = str(error).rpartition(".")  # "UNIQUE constraint failed: users.email_lc"
            if not constraint.startswith("UNIQUE"):
                raise
            raise Taken("email" if column == "email_lc" else column) from error
        except sqlite3.DatabaseError as error:
            raise Unavailable from error

    async def _write_ahead(self, patience: float) -> None:
        """SQLite gives up this one change at once if another process is at it, so the waiting is done here."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                await self._run("PRAGMA journal_mode = WAL")
                return
            except Unavailable as error:
                busy = isinstance(error.__cause__, sqlite3.OperationalError)
                if not busy or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def _migrate(self) -> None:
        await self._run("BEGIN IMMEDIATE")  # of two processes starting at once, one finds the work done
        [(found,)] = await self._run("PRAGMA user_version")
        if found > len(MIGRATIONS):
            raise NewerSchema(found, len(MIGRATIONS))
        for statements in MIGRATIONS[found:]:
            for statement in statements:
                await self._run(statement)
        await self._run(f"PRAGMA user_version = {len(MIGRATIONS)}")  # a pragma takes no parameters
        await self._run("COMMIT")


def _keep_private(path: Path) -> None:
    """Password hashes are for the server's account only. SQLite gives -wal and -shm the mode of the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        # not opened to change its mode: closing it again would drop every lock this process has on the file
        path.chmod(0o600)


def _number(at: datetime) -> int:
    return (utc(at) - EPOCH) // MILLISECOND


def _time(number: int) -> datetime:
    return EPOCH + number * MILLISECOND


def _user(rows: list[Any]) -> User | None:
    for id, name, created, email, password_hash in rows:
        return User(id, name, _time(created), email, password_hash)
    return None


def _room(row: Any) -> RoomRecord:
    code, title, owner, created = row
    return RoomRecord(code, title, owner, _time(created))
