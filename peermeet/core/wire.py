"""The border: whatever a browser sends becomes a command here, or a refusal. Nothing else looks at raw input."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .commands import FromBrowser
from .errors import Refusal
from .events import AnyEvent, Told

DEPTH = 16  # levels of nesting; our own messages use four
EVENT_DEPTH = DEPTH + 3  # an attribute stands three levels deeper in `Welcomed` than in its command
STAMPED = frozenset({"by", "now", "stamp"})  # what the shell says, and nobody else
LARGEST = 2**53  # beyond it JavaScript's numbers are no integers any more


class JoinRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="join"):
    """The first command on every socket. ``device`` is a random word that the page made when it loaded:
    with the ticket's user it makes the seat, so that the same page finds the same seat again."""

    room: Annotated[str, Meta(min_length=1, max_length=64)]
    device: Annotated[str, Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+\Z")]


def parse_join(message: object) -> JoinRequest:
    """Return the request to join, or raise `Refusal`: ``not_joined`` if it asks for something else."""
    if not isinstance(message, dict) or not _shallow(message, DEPTH):
        raise Refusal("bad_message")
    kind = message.get("type")
    if not isinstance(kind, str) or (kind != "join" and kind not in TYPES):
        raise Refusal("unknown_command")
    if kind != "join":
        raise Refusal("not_joined")
    try:
        return msgspec.convert(message, JoinRequest)
    except (msgspec.ValidationError, RecursionError):
        raise Refusal("bad_message") from None


def parse(message: object, by: str, now: float = 0.0, stamp: str = "") -> FromBrowser:
    """Return the command that ``message`` asks for in the name of ``by``.

    Raises `Refusal`: ``bad_message`` for a wrong shape, a wrong type, an over-long string or a ``by`` of its
    own; ``unknown_command`` for a type that browsers cannot send. Nothing else, whatever arrives.
    """
    if not isinstance(message, dict) or not STAMPED.isdisjoint(message) or not _shallow(message, DEPTH):
        raise Refusal("bad_message")
    kind = message.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Refusal("unknown_command")
    try:
        said = {k: v for k, v in (("now", now), ("stamp", stamp)) if k in TYPES[kind].__struct_fields__}
        command: FromBrowser = msgspec.convert({**message, **said, "by": by}, FromBrowser)
        return command
    except (msgspec.ValidationError, RecursionError):
        raise Refusal("bad_message") from None


def parse_event(message: object) -> Told:
    """Return an event as the user interface hears it from its tab; raises `Refusal` as `parse` does."""
    if not isinstance(message, dict) or not _shallow(message, EVENT_DEPTH):
        raise Refusal("bad_message")
    try:
        event: Told = msgspec.convert(message, Told)
        return event
    except (msgspec.ValidationError, RecursionError):
        raise Refusal("bad_message") from None


def build(event: AnyEvent) -> dict[str, Any]:
    """Return an event as plain data, as it travels."""
    data: dict[str, Any] = msgspec.to_builtins(event)
    return data


def _shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        words = all(isinstance(k, str) and _shallow(k, 0) for k in value)
        return depth > 0 and words and all(_shallow(v, depth - 1) for v in value.values())
    if isinstance(value, list | tuple):
        return depth > 0 and all(_shallow(v, depth - 1) for v in value)
    if isinstance(value, float):
        return value - value == 0.0  # JSON has neither infinity nor NaN
    if isinstance(value, str):
        return not any("\ud800" <= c <= "\udfff" for c in value) if not value.isascii() else True
    return value is None or (isinstance(value, int) and -LARGEST <= value <= LARGEST)


TYPES: dict[str, type[msgspec.Struct]] = {kind.__struct_config__.tag: kind for kind in FromBrowser.__args__}
