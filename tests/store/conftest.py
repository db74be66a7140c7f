"""The engines, as the contract sees them: something that can be opened, opened again, and made to look newer."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NoReturn, Protocol

import aiosqlite
import pytest
from pymongo import AsyncMongoClient

from peermeet.store import Store
from peermeet.store.mongo import MongoStore
from peermeet.store.sqlite import SqliteStore

from .mongo_server import Command, NoMongo, Server, find


class Engine(Protocol):
    async def open(self) -> Store:
        """A store on the same data as every other of this engine; as another process would have it."""

    async def open_in_vain(self) -> Store:
        """Looks where no data can be."""

    async def set_schema(self, version: int) -> None: ...

    async def close(self) -> None: ...


class SqliteEngine:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "peermeet.sqlite3"
        self._opened: list[Store] = []

    async def open(self) -> Store:
        self._opened.append(await SqliteStore.open(self.path))
        return self._opened[-1]

    async def open_in_vain(self) -> Store:
        self.path.parent.mkdir()
        self.path.write_bytes(b"a letter from my aunt, not a database " * 100)
        return await SqliteStore.open(self.path)

    async def set_schema(self, version: int) -> None:
        async with aiosqlite.connect(self.path) as connection:
            await connection.execute(f"PRAGMA user_version = {version}")

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


class MongoEngine:
    def __init__(self, url: str) -> None:
        self.url = url
        self.database = f"peermeet_test_{secrets.token_hex(8)}"
        self._opened: list[Store] = []

    async def open(self) -> Store:
        self._opened.append(await MongoStore.open(self.url, self.database))
        return self._opened[-1]

    async def open_in_vain(self) -> Store:
        # A server that never says a word. Where nobody listens at all, pymongo 4.20 drops a socket unclosed when its
        # client is closed in the middle of trying again (PYTHON-5867), and a warning is an error here.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            return await MongoStore.open(f"mongodb://127.0.0.1:{silent.getsockname()[1]}/", patience=0.2)

    async def set_schema(self, version: int) -> None:
        async with AsyncMongoClient[dict[str, object]](self.url) as client:
            await client[self.database].meta.update_one({"_id": "schema"}, {"$set": {"version": version}})

    async def close(self) -> None:
        for store in self._opened:
            await store.close()
        async with AsyncMongoClient[dict[str, object]](self.url) as client:
            await client.drop_database(self.database)


@pytest.fixture(scope="session")
def mongo_command() -> Command:
    try:
        return find()
    except NoMongo as reason:
        no_mongo(reason)


@pytest.fixture(scope="session")
def mongo_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if url := os.environ.get("PEERMEET_TEST_MONGO_URL"):
        yield url
        return
    server = Server(request.getfixturevalue("mongo_command"), tmp_path_factory.mktemp("mongo"))
    try:
        server.start()
    except NoMongo as reason:
        no_mongo(reason)
    yield server.url
    server.kill()


def no_mongo(reason: NoMongo) -> NoReturn:
    """A developer may do without; a green CI that never met the protocol would be a lie."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(reason))
    pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "mongo"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    make: dict[str, Callable[[], Engine]] = {
        "sqlite": lambda: SqliteEngine(tmp_path),
        "mongo": lambda: MongoEngine(request.getfixturevalue("mongo_url")),
    }
    engine = make[request.param]()
    yield engine
    await engine.close()


@pytest.fixture
async def store(engine: Engine) -> Store:
    return await engine.open()
