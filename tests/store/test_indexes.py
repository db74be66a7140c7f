"""No question a store is asked may read a whole table: the engines themselves say how they would go about it."""

from __future__ import annotations

import inspect
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from peermeet.store import Store
from peermeet.store.mongo import MongoStore
from peermeet.store.sqlite import SqliteStore

from .conftest import MongoEngine
from .samples import CALLS

# Read front to back on purpose: a list of what is to be done, empty but for a crash.
READ_WHOLE = {"deletions"}


def test_nothing_that_can_be_asked_is_left_out() -> None:
    asked = {name for name, member in inspect.getmembers(Store, inspect.isfunction) if not name.startswith("_")}
    assert {name.split()[0] for name in CALLS} == asked - {"close"}


async def test_sqlite_searches_and_never_scans(tmp_path: Path) -> None:
    path = tmp_path / "peermeet.sqlite3"
    store = await SqliteStore.open(path)
    statements: list[str] = []
    await store._connection.set_trace_callback(statements.append)
    plans: dict[str, list[str]] = {}
    for name, call in CALLS.items():
        statements.clear()
        await call(store)
        asked = [sql for sql in statements if re.match(r"SELECT|INSERT|UPDATE|DELETE", sql)]
        assert asked, name
        with closing(sqlite3.connect(path)) as other:
            plans[name] = [row[3] for sql in asked for row in other.execute(f"EXPLAIN QUERY PLAN {sql}")]
    await store.close()
    # SCAN CONSTANT ROW is how a SELECT without a table is read
    scans = {name: plan for name, plan in plans.items() if re.search(r"SCAN (?!CONSTANT ROW)", "\n".join(plan))}
    assert scans == {}
    for name in ("meetings_of", "messages_of", "messages_of a meeting"):  # with a limit: what is over is never read
        assert "TEMP B-TREE" not in "".join(plans[name])
        assert re.search(r"SEARCH \w+ USING INDEX", "".join(plans[name]))


async def test_sqlite_finds_what_goes_with_a_room_or_an_account_by_index(tmp_path: Path) -> None:
    """A plan does not speak of foreign keys; without an index each of them scans its table at every deletion."""
    path = tmp_path / "peermeet.sqlite3"
    await (await SqliteStore.open(path)).close()
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        keys = {(table, row[3]) for table in tables for row in db.execute(f"PRAGMA foreign_key_list ({table})")}
        leading = {
            (table, db.execute(f"PRAGMA index_info ({index[1]})").fetchone()[2])
            for table in tables
            for index in db.execute(f"PRAGMA index_list ({table})")
        }
    assert len(keys) == 8
    assert keys - leading == set()


class Filters(CommandListener):
    """Notes which documents were asked for, as a find would ask for them.

    A write finds its documents as a find with its filter does; SecantusDB explains only the latter.
    """

    def __init__(self) -> None:
        self.finds: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        command = event.command
        collection = command.get(event.command_name)
        match event.command_name:
            case "find" | "aggregate":
                kept = ("find", "filter", "sort", "limit", "aggregate", "pipeline", "cursor")
                self.finds.append({name: command[name] for name in kept if name in command})
            case "findAndModify":
                self.finds.append({"find": collection, "filter": command["query"]})
            case "update" | "delete":
                for one in command[f"{event.command_name}s"]:
                    self.finds.append({"find": collection, "filter": one["q"]})

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...

    def filter_of(self, find: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = find["filter"] if "find" in find else find["pipeline"][0]["$match"]
        return found


async def test_mongo_searches_and_never_scans(mongo_url: str) -> None:
    """Each filter has the first field of an index in it, and the server says that it goes by one.

    SecantusDB says so only of a filter that asks for nothing but what an index holds, and scans for every other;
    MongoDB takes the index and filters what it finds. So to SecantusDB not all are put.
    """
    engine = MongoEngine(mongo_url)
    await engine.open()  # makes the indexes
    filters = Filters()
    store = MongoStore(AsyncMongoClient(mongo_url, tz_aware=True, event_listeners=[filters]), engine.database)
    looked_at, scans, explained = set(), [], 0
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        database = client[engine.database]

        async def plan(find: dict[str, Any]) -> str:
            return str(await database.command("explain", find, verbosity="queryPlanner"))

        by_hand = await plan({"find": "rooms", "filter": {"title": "Stand-up"}})
        assert "COLLSCAN" in by_hand  # or nothing would be seen here
        for name, call in CALLS.items():
            filters.finds.clear()
            await call(store)
            for find in filters.finds:
                looked_at.add(name)
                collection = find.get("find") or find["aggregate"]
                if collection in READ_WHOLE:
                    continue
                fields = set(filters.filter_of(find))
                indexes = (await database[collection].index_information()).values()
                keys = [[field for field, _ in index["key"]] for index in indexes]
                assert fields & {key[0] for key in keys}, (name, find)
                if "secantus" not in by_hand or fields in [set(key[:n]) for key in keys for n in range(len(key) + 1)]:
                    explained += 1
                    if "COLLSCAN" in await plan(find):
                        scans.append((name, find))
    await store.close()
    await engine.close()
    assert scans == []
    assert explained > 40
    # what makes something looks at nothing of its own kind
    assert set(CALLS) - looked_at == {"add_user", "add_room", "use_ticket", "note_attempt"}
