"""What has happened in a room, in the past tense. Each says who hears it; `room.audience` computes it.

A change carries the participant whole, never a difference: applying one twice does no harm.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from .commands import Candidate, Description
from .model import Doors, Exile, Known, Participant, Reason, Room, Source, Why


class Event(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Welcomed(Event, frozen=True, tag="welcomed"):
    """You sit (again), and this is the room as you may see it. Heard by the one who joined, was admitted, resumed, or
    whose role lets them see more or less of it than before."""

    you: str
    room: Room


class Waiting(Event, frozen=True, tag="waiting"):
    """You knock; the room is told to you with nobody else in it. Heard by the one who knocks, again when they wait for
    something else now."""

    you: str
    room: Room
    why: Why


class Knocked(Event, frozen=True, tag="knocked"):
    """Somebody waits at the door. Heard by hosts and co-hosts."""

    participant: Participant


class ParticipantJoined(Event, frozen=True, tag="participant_joined"):
    """Somebody sits down. Heard by everybody else seated."""

    participant: Participant


class ParticipantChanged(Event, frozen=True, tag="participant_changed"):
    """Presence, role, publications, silences or attributes are other than before. Heard by everybody seated, the
    changed one too."""

    participant: Participant


class ParticipantLeft(Event, frozen=True, tag="participant_left"):
    """The seat is given up. Heard by everybody else, and by the one who lost it unless they left by themselves or
    were lost. Of somebody who only knocked, by hosts and that one."""

    id: str
    reason: Reason


class RoomChanged(Event, frozen=True, tag="room_changed"):
    """The doors are other than before. Heard by everybody seated."""

    doors: Doors


class ExilesChanged(Event, frozen=True, tag="exiles_changed"):
    """Who may not come back. Heard by hosts and co-hosts."""

    out: tuple[Exile, ...]


class Noted(Event, frozen=True, tag="noted"):
    """What the room knows of a user from now on. Heard by nobody."""

    user: str
    known: Known


class HoursChanged(Event, frozen=True, tag="hours_changed"):
    """When the room closes from now on. Heard by nobody."""

    closes: float | None


class MuteAsked(Event, frozen=True, tag="mute_asked"):
    """A host asks you to switch a source off. Heard by the one who is asked."""

    to: str
    by: str
    source: Source


class MessageDeleted(Event, frozen=True, tag="message_deleted"):
    """A line of the chat is gone; with no ``id``, all. Heard by everybody seated."""

    id: str | None = None


class Signaled(Event, frozen=True, tag="signaled", omit_defaults=True):
    """Heard by the one it is for."""

    to: str
    by: str
    description: Description | None = None
    candidates: tuple[Candidate, ...] = ()


class MessageSent(Event, frozen=True, tag="message_sent", omit_defaults=True):
    """Heard by everybody, the sender too (one order for all); with ``to``, by sender and addressee alone."""

    by: str
    topic: str
    data: Any = None
    to: str | None = None
    id: str = ""
    at: float = 0.0


Told = (
    Welcomed
    | Waiting
    | Knocked
    | ParticipantJoined
    | ParticipantChanged
    | ParticipantLeft
    | RoomChanged
    | ExilesChanged
    | MuteAsked
    | MessageDeleted
    | Signaled
    | MessageSent
)
AnyEvent = Told | Noted | HoursChanged


def changed(p: Participant, **changes: object) -> tuple[ParticipantChanged, ...]:
    """Return the event that tells of changes to somebody; none, if nobody could tell the difference."""
    after = replace(p, **changes)
    # Compared as they travel: to Python 1, 1.0 and True are equal, to those who hear them they are not.
    same = msgspec.json.encode(after) == msgspec.json.encode(p)
    return () if same else (ParticipantChanged(after),)


def noted(room: Room, user: str, **changes: object) -> tuple[Noted, ...]:
    """Return the event by which the room remembers something of a user; none, if it knows it already."""
    known = replace(room.knows(user), **changes)
    return () if known == room.knows(user) else (Noted(user, known),)
