"""The embedded default: one SQLite file in the data folder.

Two rules: every write is one statement in autocommit mode, or one transaction where it must be several, run by one
call into the connection's thread, so it is whole even if whoever asked is cancelled, and on disk when it returns;
and input reaches SQL as a parameter only. Times are kept as milliseconds since 1970, truths as 0 and 1.

``engine.py`` has the connection and the way of records into rows and back, ``schema.py`` the tables, ``house.py``
accounts and rooms, ``history.py`` what happens in rooms, ``keys.py`` what is spent.
"""

from __future__ import annotations

from .. import Store
from .history import History
from .house import House
from .keys import Spent


class SqliteStore(House, History, Spent, Store):
    """A ``Store`` in one file. Make it with ``open``, in the process and loop that will use it."""
