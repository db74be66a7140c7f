"""Who may send which command. A table, read in seconds; what depends on the room stands in `room.decide`."""

from __future__ import annotations

from .commands import Command, Leave, Publish, SendMessage, SetAttributes, Signal, Unpublish
from .model import Role

EVERYBODY: frozenset[type[Command]] = frozenset({Leave, Publish, Unpublish, Signal, SetAttributes, SendMessage})

ALLOWED: dict[Role, frozenset[type[Command]]] = {
    "host": EVERYBODY,
    "member": EVERYBODY,
}
