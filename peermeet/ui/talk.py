"""The chat as its panel shows it: lines that know whose they are, and text with its links found. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple, TypedDict
from urllib.parse import urlsplit

APART = 300.0  # seconds after which somebody who goes on writing is named again
# Neither control characters nor those that turn the direction of writing: an address is to be read as it is.
_ADDRESS = re.compile(
    r"https?://[^\s<>\"\u0000-\u001f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+", re.IGNORECASE
)
_CLOSING = {")": "(", "]": "[", "}": "{"}


class Said(NamedTuple):
    """What somebody said: to all, or with ``to`` to one."""

    id: str
    by: str
    user: str
    name: str
    text: str
    at: float
    to: str = ""
    to_name: str = ""
    kept: bool = True  # in the room's history, so that it can be deleted there


class Part(TypedDict):
    """A piece of a line: text, or with ``link`` an address to follow."""

    text: str
    link: str


class Line(TypedDict):
    """A line as the panel shows it. ``first`` of several that one person wrote in a row."""

    id: str
    name: str
    to: str
    mine: bool
    private: bool
    first: bool
    deletable: bool
    at: float
    parts: list[Part]


def lines(said: Iterable[Said], *, you: str, user: str, host: bool) -> list[Line]:
    """Return the lines as one participant sees them."""
    shown: list[Line] = []
    before: Said | None = None
    for one in said:
        in_a_row = before is not None and (before.by, before.to) == (one.by, one.to) and one.at - before.at < APART
        mine = one.by == you or (user != "" and one.user == user)
        shown.append(
            Line(
                id=one.id,
                name=one.name,
                to=one.to_name,
                mine=mine,
                private=one.to != "",
                first=not in_a_row,
                deletable=one.kept and (mine or host),
                at=one.at,
                parts=parts(one.text),
            )
        )
        before = one
    return shown


def parts(text: str) -> list[Part]:
    """Return a text in pieces. Only whole http and https addresses are links, and what they show is where they lead."""
    found: list[Part] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = _trimmed(match[0])
        if not _leads_somewhere(address):
            continue
        if match.start() > end:
            found.append(Part(text=text[end : match.start()], link=""))
        found.append(Part(text=address, link=address))
        end = match.start() + len(address)
    if end < len(text):
        found.append(Part(text=text[end:], link=""))
    return found


def _trimmed(address: str) -> str:
    """Leave out what ends the sentence around an address rather than the address."""
    while address:
        last = address[-1]
        opening = _CLOSING.get(last)
        if last not in ".,;:!?'\u2019\u201d\u2026*_" and (
            opening is None or address.count(opening) >= address.count(last)
        ):
            break
        address = address[:-1]
    return address


def _leads_somewhere(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # a bracket that is none of an IPv6 address, a port that is no number
        return False
