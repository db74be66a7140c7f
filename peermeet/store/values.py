"""How values are held to their types before they get near an engine, in the same way for each of them.

No engine and no record of its own. ``kept`` is the way of a whole record, ``text``, ``octets`` and ``utc`` that of
a single argument.
"""

from __future__ import annotations

from dataclasses import Field, fields
from datetime import UTC, datetime
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Literal, Protocol, get_args, get_origin, get_type_hints


class Record(Protocol):
    """Any dataclass of ``records``."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def text(*values: object) -> None:
    """Refuses what is not text: ``{"$ne": None}`` from a request must never become part of a filter."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"text is wanted here, not {type(value).__name__}")
        value.encode()  # a lone surrogate fails here, in the same way for every engine


def octets(*values: object) -> None:
    """Refuses what is not ``bytes``. Hashes are looked up too, so they are no safer than text."""
    for value in values:
        if not isinstance(value, bytes):
            raise TypeError(f"bytes are wanted here, not {type(value).__name__}")


def utc(at: datetime) -> datetime:
    """The time as every engine keeps it. Without a zone it would be somebody's guess, so it is refused."""
    if not isinstance(at, datetime):
        raise TypeError(f"a time is wanted here, not {type(at).__name__}")
    if at.utcoffset() is None:
        raise ValueError("a time needs its zone")
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def folded(email: str) -> str:
    """The form in which emails are compared. Lower case and no further: ``casefold`` would take straße for
    strasse, and these are two mailboxes."""
    text(email)
    return email.lower()


def kept(record: Record) -> dict[str, Any]:
    """The record's fields as every engine keeps them, each held to its annotation."""
    return {name: _kept(getattr(record, name), wanted) for name, wanted in shape(type(record)).items()}


@cache
def shape(kind: type[Record]) -> dict[str, Any]:
    """The type of each field of a kind of record, as its annotation says, in the order of the record."""
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


@cache
def bare(wanted: Any) -> Any:
    """The type without its ``| None``."""
    if isinstance(wanted, UnionType):
        [wanted] = set(get_args(wanted)) - {type(None)}
    return wanted


def _kept(value: Any, wanted: Any) -> Any:
    if value is None and isinstance(wanted, UnionType):
        return None
    wanted = bare(wanted)
    if wanted is datetime:
        return utc(value)
    if wanted is bytes:
        octets(value)
    elif wanted is str or get_origin(wanted) is Literal:
        text(value)
        if wanted is not str and value not in get_args(wanted):
            raise ValueError(f"one of {', '.join(get_args(wanted))} is wanted here")
    elif type(value) is not wanted:  # True is an int to Python, and not to MongoDB
        raise TypeError(f"{wanted.__name__} is wanted here, not {type(value).__name__}")
    elif not -(2**63) <= value < 2**63:
        raise ValueError("a number of at most 64 bits is wanted here")
    return value
