"""MongoDB, for those who keep one: pymongo's asynchronous client, one collection for each noun.

Two rules: every promise rests on one document, so no transactions and no replica set are needed; and what
reaches a filter has been through ``text``, ``octets`` or ``utc``. The TTL indexes only sweep, and late: each read
asks for itself whether a time is over.

``engine.py`` has the client and the way of records into documents and back, ``schema.py`` the indexes, ``house.py``
accounts and rooms, ``history.py`` what happens in rooms, ``keys.py`` what is spent.
"""

from __future__ import annotations

from datetime import datetime

from .. import Store
from .engine import translated
from .history import History
from .house import House
from .keys import Spent


class MongoStore(House, History, Spent, Store):
    """A ``Store`` in a MongoDB database. Make it with ``open``, in the process and loop that will use it."""

    @translated
    async def purge(self, now: datetime) -> None:
        await self._forget(now)
        await self._finish_deletions()
