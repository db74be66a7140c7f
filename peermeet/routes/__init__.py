"""HTTP: what is asked and answered outside of Reflex and Socket.IO, because a cookie or a secret travels with it.

A noun a file, each with its table; `answers.py` is what they share. Bodies and answers are JSON objects but for one
table (CSV).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.routing import Route

from . import rooms, sessions
from .answers import answering


class Services(sessions.Services, rooms.Services, Protocol):
    """All that the routes need done."""


def routes(services: Callable[[], Services], cookie: str) -> list[Route]:
    """Return the routes. ``services`` is asked at each request: it exists only while the server runs."""
    table = [*sessions.Sessions(services, cookie).table(), *rooms.Rooms(services, cookie).table()]
    return [Route(path, answering(handler), methods=[method]) for method, path, handler in table]
