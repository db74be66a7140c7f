"""How a meeting stands: what hosts decided and what was said. It outlives the room, so that a meeting whose server was
lost goes on as it was. Pure."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from .model import Exile, Known, Message, Room


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a room knows of people, who may not come back, and the chat so far."""

    known: dict[str, Known] = {}
    out: tuple[Exile, ...] = ()
    history: tuple[Message, ...] = ()


def standing(room: Room) -> Standing:
    """Return how a meeting stands. Who inherited the room is noted here as its host: nothing else says so."""
    known = dict(room.known or {})
    for p in room.hosts:
        if p.user != room.owner and room.knows(p.user).role is None:
            known[p.user] = replace(room.knows(p.user), role="host")
    return Standing(known, room.out, room.history)


def resumed(room: Room, stood: Standing) -> Room:
    """Return a room that is opened anew as the meeting in it stood."""
    history = () if room.doors.chat == "off" else stood.history or room.history
    return replace(room, known=stood.known, out=stood.out, history=history)
