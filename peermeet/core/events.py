"""What has happened in a room, in the past tense. Each says who hears it; `room.audience` computes it.

A change carries the participant whole, never a difference: applying one twice does no harm.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .commands import Candidate, Description
from .model import Doors, Exile, Participant, Reason, Room, Source


class Event(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Welcomed(Event, frozen=True, tag="welcomed"):
    """You sit (again), and this is the room as you may see it. Heard by the one who joined or resumed."""

    you: str
    room: Room


class Waiting(Event, frozen=True, tag="waiting"):
    """You knock; the room is told to you as an empty one. ``why`` is ``lobby`` or ``host``."""

    you: str
    room: Room
    why: str


class Knocked(Event, frozen=True, tag="knocked"):
    """Heard by hosts and co-hosts."""

    participant: Participant


class ParticipantJoined(Event, frozen=True, tag="participant_joined"):
    """Heard by everybody else."""

    participant: Participant


class ParticipantChanged(Event, frozen=True, tag="participant_changed"):
    """Presence, publications or attributes are other than before. Heard by everybody, the changed one too."""

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


class Marked(Event, frozen=True, tag="marked"):
    """By what a user is known again. Heard by nobody."""

    user: str
    marks: tuple[str, ...]


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


AnyEvent = (
    Welcomed
    | Waiting
    | Knocked
    | ParticipantJoined
    | ParticipantChanged
    | ParticipantLeft
    | RoomChanged
    | ExilesChanged
    | Marked
    | MuteAsked
    | MessageDeleted
    | Signaled
    | MessageSent
)
