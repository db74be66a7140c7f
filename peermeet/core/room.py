"""The meeting as a state machine. Two rules for this file: no clock, chance or I/O; nothing here awaits.

    decide(room, command)            -> events        may refuse
    evolve(room, event)              -> room          cannot refuse
    audience(before, after, event)   -> ids           exactly who hears it
    view(room, id)                   -> room          as that participant may see it
    step(room, command)              -> room, envelopes    the four together, for a server

The server steps; the user interface evolves what it hears. After every step, what a participant has heard,
evolved, equals its view of the room.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from .commands import (
    MAX_ATTRIBUTES,
    VALUE_BYTES,
    AnyCommand,
    Disconnect,
    End,
    Expire,
    Join,
    Leave,
    Publish,
    Resume,
    SendMessage,
    SetAttributes,
    Signal,
    Unpublish,
)
from .errors import Refusal
from .events import (
    AnyEvent,
    MessageSent,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    Signaled,
    Welcomed,
)
from .model import Participant, Publication, Room
from .permissions import ALLOWED


class Envelope(NamedTuple):
    """One event and exactly the participants who hear it."""

    to: tuple[str, ...]
    event: AnyEvent


def step(room: Room, command: AnyCommand) -> tuple[Room, tuple[Envelope, ...]]:
    """Run one command. The caller's duty: keep the new room, then deliver the envelopes in this order."""
    envelopes: list[Envelope] = []
    for event in decide(room, command):
        after = evolve(room, event)
        if to := audience(room, after, event):
            envelopes.append(Envelope(to, event))
        room = after
    if isinstance(command, Join | Resume):
        envelopes.append(Envelope((command.by,), Welcomed(you=command.by, room=view(room, command.by))))
    return room, tuple(envelopes)


def decide(room: Room, command: AnyCommand) -> tuple[AnyEvent, ...]:
    """Return what a command leads to, or raise `Refusal`."""
    match command:
        case Join(by=by, participant=participant):
            if room.find(by) is not None:
                raise Refusal("already_joined")
            if len(room.participants) >= room.capacity:
                raise Refusal("room_full")
            return (ParticipantJoined(replace(participant, id=by)),)
        case End():
            return tuple(ParticipantLeft(p.id, "ended") for p in room.participants)
    me = room.find(command.by)
    if me is None:
        raise Refusal("not_joined")
    match command:
        case Resume():
            return _changed(me, presence="online", away_since=None)
        case Disconnect(now=now):
            return _changed(me, presence="away", away_since=now) if me.presence == "online" else ()
        case Expire(now=now):
            over = me.away_since is not None and now - me.away_since >= room.grace
            return (ParticipantLeft(me.id, "lost"),) if over else ()
    if type(command) not in ALLOWED[me.role]:
        raise Refusal("not_allowed")
    match command:
        case Leave():
            return (ParticipantLeft(me.id, "left"),)
        case Publish(source=source, stream_id=stream_id, muted=muted):
            kept = (p for p in me.publications if p.source != source)
            return _changed(me, publications=(*kept, Publication(source, stream_id, muted)))
        case Unpublish(source=source):
            return _changed(me, publications=tuple(p for p in me.publications if p.source != source))
        case Signal(to=to, description=description, candidates=candidates):
            if description is None and not candidates:
                raise Refusal("bad_message")
            if to == me.id or room.find(to) is None:
                raise Refusal("no_such_participant")
            return (Signaled(to, me.id, description, candidates),)
        case SetAttributes(attributes=attributes):
            return _changed(me, attributes=_merged(me.attributes, attributes))
        case SendMessage(topic=topic, data=data, to=recipient):
            if recipient is not None and room.find(recipient) is None:
                raise Refusal("no_such_participant")
            _bounded(data)
            return (MessageSent(me.id, topic, data, recipient),)
    raise Refusal("unknown_command")


def evolve(room: Room, event: AnyEvent) -> Room:
    """Return the room after an event. Applying an event twice gives the same room."""
    match event:
        case Welcomed(room=welcomed):
            return welcomed
        case ParticipantJoined(participant=p) | ParticipantChanged(participant=p):
            if room.find(p.id) is None:
                return replace(room, participants=(*room.participants, p))
            return replace(room, participants=tuple(p if q.id == p.id else q for q in room.participants))
        case ParticipantLeft(id=id):
            return replace(room, participants=tuple(p for p in room.participants if p.id != id))
        case Signaled() | MessageSent():
            return room


def audience(before: Room, after: Room, event: AnyEvent) -> tuple[str, ...]:
    """Return who hears an event, those away included: the shell knows whose socket is there."""
    match event:
        case Welcomed(you=you):
            return (you,)
        case ParticipantJoined():
            return tuple(p.id for p in before.participants)
        case ParticipantLeft(reason="ended"):
            return tuple(p.id for p in before.participants)
        case Signaled(to=to):
            return (to,)
        case MessageSent(by=by, to=str(to)):
            return (by,) if by == to else (by, to)
        case _:
            return tuple(p.id for p in after.participants)


def view(room: Room, id: str) -> Room:
    """Return the room as a participant may see it: all of it, since everybody here is seated."""
    return room


def _changed(me: Participant, **changes: object) -> tuple[ParticipantChanged, ...]:
    after = replace(me, **changes)
    # Compared as they travel: to Python 1, 1.0 and True are equal, to those who hear them they are not.
    same = msgspec.json.encode(after) == msgspec.json.encode(me)
    return () if same else (ParticipantChanged(after),)


def _merged(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    merged = {key: value for key, value in {**old, **new}.items() if value is not None}
    if len(merged) > MAX_ATTRIBUTES:
        raise Refusal("too_large")
    for value in new.values():
        _bounded(value)
    return merged


def _bounded(value: object) -> None:
    if len(msgspec.json.encode(value)) > VALUE_BYTES:
        raise Refusal("too_large")
