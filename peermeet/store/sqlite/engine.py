"""The connection: opening the file, running statements, and records as rows. No word of the product's."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import aiosqlite

from .. import (
    Attendance,
    ChatMessage,
    Invitation,
    Meeting,
    NewerSchema,
    RoomRecord,
    Taken,
    Unavailable,
    User,
    kept,
    utc,
)
from ..values import Record, bare, shape
from .schema import MIGRATIONS

R = TypeVar("R", bound=Record)
Value = str | bytes | int | None

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

# Columns are called as the record's fields are.
TABLES: dict[type[Record], str] = {
    User: "users",
    RoomRecord: "rooms",
    Invitation: "invitations",
    Meeting: "meetings",
    Attendance: "attendance",
    ChatMessage: "messages",
}


class Engine:
    """One connection and its thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, path: str | Path, patience: float = 5.0) -> Self:
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

    async def _run(self, sql: str, *values: Value) -> list[Any]:
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

    async def _run_all(self, *statements: tuple[str, *tuple[Value, ...]]) -> None:
        """Runs all or none of the statements.

        In one call into the thread: between two, another task's statement would come into the transaction.
        """

        def run(connection: sqlite3.Connection) -> None:
            with connection:  # commits, or rolls back what failed
                connection.execute("BEGIN IMMEDIATE")
                for sql, *values in statements:
                    connection.execute(sql, values)

        try:
            await self._connection._execute(run, self._connection._conn)  # type: ignore[no-untyped-call]
        except sqlite3.DatabaseError as error:
            raise Unavailable from error

    async def _find(self, kind: type[R], rest: str, *values: Value) -> list[R]:
        """The records of a kind; ``rest`` is the statement from its ``WHERE`` on."""
        sql = f"SELECT {columns(kind)} FROM {TABLES[kind]} {rest}"  # noqa: S608 - names of our own
        return [record(kind, row) for row in await self._run(sql, *values)]

    async def _find_one(self, kind: type[R], rest: str, *values: Value) -> R | None:
        return next(iter(await self._find(kind, rest, *values)), None)

    async def _add(self, one: Record, **more: Value) -> None:
        """Keeps a record, with columns that are no fields. Raises ``Taken``."""
        row = {name: _value(value) for name, value in kept(one).items()} | more
        await self._run(f"INSERT INTO {_into(one, *row)} VALUES ({_marks(row)})", *row.values())  # noqa: S608

    async def _add_inside(self, room: str, one: Record) -> None:
        """Keeps a record of what is in a room, if there is such a room. Raises ``Taken``."""
        row = {name: _value(value) for name, value in kept(one).items()}
        await self._run(
            f"""INSERT INTO {_into(one, *row)} SELECT {_marks(row)}
            WHERE EXISTS (SELECT 1 FROM rooms WHERE code = ?)""",  # noqa: S608
            *(*row.values(), room),
        )

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


def columns(kind: type[Record]) -> str:
    """The columns of a kind of record, as ``record`` wants them."""
    return ", ".join(f"{TABLES[kind]}.{_quoted(name)}" for name in shape(kind))


def record(kind: type[R], row: tuple[Any, ...]) -> R:
    made: dict[str, Any] = {}
    for (name, wanted), value in zip(shape(kind).items(), row, strict=True):
        if value is not None and bare(wanted) is datetime:
            made[name] = moment(value)
        else:
            made[name] = bool(value) if wanted is bool else value
    return kind(**made)


def number(at: datetime) -> int:
    return (utc(at) - EPOCH) // MILLISECOND


def moment(number: int) -> datetime:
    return EPOCH + number * MILLISECOND


def assignments(one: Record, without: set[str]) -> tuple[str, list[Value]]:
    """The record's fields for an ``UPDATE ... SET``, and their values."""
    row = {name: _value(value) for name, value in kept(one).items() if name not in without}
    return ", ".join(f"{_quoted(name)} = ?" for name in row), list(row.values())


def _value(value: Any) -> Value:
    if isinstance(value, datetime):
        return number(value)
    return int(value) if isinstance(value, bool) else value


def _quoted(name: str) -> str:
    return f'"{name}"'  # ``left`` is a word of SQL's too


def _into(one: Record, *names: str) -> str:
    return f"{TABLES[type(one)]} ({', '.join(map(_quoted, names))})"


def _marks(row: dict[str, Value]) -> str:
    return ", ".join("?" for _ in row)


def _keep_private(path: Path) -> None:
    """Password hashes are for the server's account only. SQLite gives -wal and -shm the mode of the file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        # not opened to change its mode: closing it again would drop every lock this process has on the file
        path.chmod(0o600)
