"""What has happened in a room, in the past tense. Each says who hears it; `room.audience` computes it.

A change carries the participant whole, never a difference: applying one twice does no harm.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .commands import Candidate, Description
from .model import Participant, Reason, Room


class Event(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class Welcomed(Event, frozen=True, tag="welcomed"):
    """You sit (again), and this is the room as you may see it. Heard by the one who joined or resumed."""

    you: str
    room: Room


class ParticipantJoined(Event, frozen=True, tag="participant_joined"):
    """Heard by everybody else."""

    participant: Participant


class ParticipantChanged(Event, frozen=True, tag="participant_changed"):
    """Presence, publications or attributes are other than before. Heard by everybody, the changed one too."""

    participant: Participant


class ParticipantLeft(Event, frozen=True, tag="participant_left"):
    """The seat is given up. Heard by everybody else; when the room ended, by the one who lost it too."""

    id: str
    reason: Reason


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


AnyEvent = Welcomed | ParticipantJoined | ParticipantChanged | ParticipantLeft | Signaled | MessageSent
