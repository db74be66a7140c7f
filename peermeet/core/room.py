"""The meeting as a state machine. Two rules for this file and those it asks (`doors`, `governing`, `chat`): no clock,
chance or I/O; nothing here awaits.

    decide(room, command)            -> events        may refuse
    evolve(room, event)              -> room          cannot refuse
    audience(before, after, event)   -> ids           exactly who hears it
    view(room, id)                   -> room          as that participant may see it
    step(room, command)              -> room, envelopes    the four together, for a server

The server steps; the user interface evolves what it hears. After every step, what a participant has heard,
evolved, equals its view of the room.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from . import chat, doors, governing
from .commands import (
    MAX_ATTRIBUTES,
    MAX_KNOWN,
    Admit,
    Allow,
    AnyCommand,
    AskMute,
    Ban,
    DeleteMessage,
    Deny,
    Disconnect,
    End,
    EndMeeting,
    Expire,
    Forget,
    Join,
    Leave,
    Lift,
    Publish,
    Remove,
    Resume,
    SendMessage,
    SetAttributes,
    SetDoors,
    SetRole,
    SetRoom,
    Signal,
    SilenceSource,
    Unpublish,
)
from .errors import Refusal
from .events import (
    AnyEvent,
    ExilesChanged,
    HoursChanged,
    Knocked,
    MessageDeleted,
    MessageSent,
    MuteAsked,
    Noted,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Signaled,
    Waiting,
    Welcomed,
    changed,
)
from .model import Known, Participant, Publication, Room
from .permissions import DOORKEEPERS, allowed, doorkeepers, seated


class Envelope(NamedTuple):
    """One event and exactly the participants who hear it."""

    to: tuple[str, ...]
    event: AnyEvent


def step(room: Room, command: AnyCommand) -> tuple[Room, tuple[Envelope, ...]]:
    """Run one command. The caller's duty: keep the new room, then deliver the envelopes in this order."""
    before, happened = room, list[tuple[tuple[str, ...], AnyEvent]]()
    for event in decide(room, command):
        after = evolve(room, event)
        happened.append((audience(room, after, event), event))
        room = after
    told = {p.id: news for p in room.participants if (news := _told_anew(before, room, p, command)) is not None}
    arriving = told.keys() - {p.id for p in before.roster}  # they hear the room whole, and nothing before it
    envelopes = [Envelope(tuple(id for id in to if id not in arriving), event) for to, event in happened]
    envelopes += [Envelope((id,), news) for id, news in told.items()]
    return room, tuple(envelope for envelope in envelopes if envelope.to)


def decide(room: Room, command: AnyCommand) -> tuple[AnyEvent, ...]:
    """Return what a command leads to, or raise `Refusal`."""
    events = _asked(room, command)
    after = reduce(evolve, events, room)
    if after.participants is room.participants and after.doors is room.doors:
        return events  # most commands, and nobody comes or goes for them
    heirs = governing.pass_on(room, after)
    return (*events, *heirs, *doors.let_in(reduce(evolve, heirs, after)))


def _asked(room: Room, command: AnyCommand) -> tuple[AnyEvent, ...]:
    match command:
        case Join():
            return doors.join(room, command)
        case End():
            return _ended(room)
        case Lift(now=now):
            return governing.lift(room, now)
        case SetDoors(doors=new, closes=closes):
            return (*governing.set_doors(room, new), *governing.set_hours(room, closes))
        case Forget(user=user):
            return _forgotten(room, user)
    me = room.find(command.by)
    if me is None:
        raise Refusal("not_joined")
    match command:
        case Resume():
            return changed(me, presence="online", away_since=None) if me.seated else ()
        case Disconnect(now=now):
            if not me.seated:
                return (ParticipantLeft(me.id, "lost"),)
            return changed(me, presence="away", away_since=now) if me.presence == "online" else ()
        case Expire(now=now):
            gone = me.away_since is not None and now - me.away_since >= room.grace
            return (ParticipantLeft(me.id, "lost"),) if gone else ()
    if type(command) not in allowed(me):
        raise Refusal("not_allowed" if me.seated else "not_joined")
    match command:
        case Leave():
            return (ParticipantLeft(me.id, "left"),)
        case Publish(source=source, stream_id=stream_id, muted=muted):
            kept = (p for p in me.publications if p.source != source)
            return changed(me, publications=(*kept, Publication(source, stream_id, muted)))
        case Unpublish(source=source):
            return changed(me, publications=tuple(p for p in me.publications if p.source != source))
        case Signal(to=to, description=description, candidates=candidates):
            if description is None and not candidates:
                raise Refusal("bad_message")
            if to == me.id:
                raise Refusal("no_such_participant")
            return (Signaled(seated(room, to).id, me.id, description, candidates),)
        case SetAttributes(attributes=attributes):
            return changed(me, attributes=_merged(me.attributes, attributes))
        case SendMessage():
            return chat.send(room, me, command)
        case DeleteMessage(id=id):
            return chat.delete(room, me, id)
    return _governed(room, me, command)


def _governed(room: Room, me: Participant, command: AnyCommand) -> tuple[AnyEvent, ...]:
    match command:
        case Admit():
            return doors.admit(room, command)
        case Deny():
            return doors.deny(room, command)
        case Remove():
            return doors.remove(room, me, command)
        case Ban():
            return doors.ban(room, me, command)
        case Allow(user=user):
            return doors.allow(room, user)
        case SetRole():
            return governing.appoint(room, command)
        case SetRoom():
            return governing.set_room(room, command)
        case AskMute():
            return governing.ask_mute(room, me, command)
        case SilenceSource():
            return governing.silence(room, me, command)
        case EndMeeting():
            return _ended(room)
    raise Refusal("unknown_command")


def evolve(room: Room, event: AnyEvent) -> Room:
    """Return the room after an event. Applying an event twice gives the same room."""
    match event:
        case Welcomed(room=told) | Waiting(room=told):
            return told
        case ParticipantJoined(participant=p):
            known = room.find(p.id)
            if known is not None and known.seated:
                return _swapped(room, p)
            others = tuple(q for q in room.participants if q.id != p.id)  # who knocked sits at the end of the roster
            return replace(room, participants=(*others, p))
        case Knocked(participant=p) | ParticipantChanged(participant=p):
            if room.find(p.id) is None:
                return replace(room, participants=(*room.participants, p))
            return _swapped(room, p)
        case ParticipantLeft(id=id):
            return replace(room, participants=tuple(p for p in room.participants if p.id != id))
        case RoomChanged(doors=doors):
            return replace(room, doors=doors, history=() if doors.chat == "off" else room.history)
        case ExilesChanged(out=out):
            return replace(room, out=out)
        case MessageSent():
            return replace(room, history=chat.kept(room, event))
        case MessageDeleted(id=id):
            return replace(room, history=tuple(m for m in room.history if id is not None and m.id != id))
        case Noted(user=user, known=known):
            return replace(room, known=_remembered(room, user, known))
        case HoursChanged(closes=closes):
            return replace(room, closes=closes)
        case Signaled() | MuteAsked():
            return room


def audience(before: Room, after: Room, event: AnyEvent) -> tuple[str, ...]:
    """Return who hears an event, those away included: the shell knows whose socket is there."""
    match event:
        case Noted() | HoursChanged():
            return ()
        case Welcomed(you=you) | Waiting(you=you):
            return (you,)
        case Knocked() | ExilesChanged():
            return doorkeepers(after)
        case ParticipantJoined(participant=p):
            return tuple(q.id for q in before.roster if q.id != p.id)
        case ParticipantLeft(id=id, reason=reason):
            left = before.find(id)
            others = doorkeepers(after) if left and not left.seated else tuple(p.id for p in after.roster)
            return others if left is None or reason in {"left", "lost"} else (*others, id)
        case Signaled(to=to) | MuteAsked(to=to):
            return (to,)
        case MessageSent(by=by, to=str(to)):
            return (by,) if by == to else (by, to)
        case ParticipantChanged() | RoomChanged() | MessageDeleted() | MessageSent():
            return tuple(p.id for p in after.roster)


def view(room: Room, id: str) -> Room:
    """Return the room as a participant may see it: who knocks and who may not come back is for hosts and co-hosts;
    a knocker sees a room with nobody else in it and nothing of how it is set."""
    me = room.find(id)
    if me is None or not me.seated:
        return Room(room.id, participants=(me,) if me else ())
    told = replace(room, known=msgspec.UNSET, closes=msgspec.UNSET, relays=msgspec.UNSET)
    return told if me.role in DOORKEEPERS else replace(told, out=(), participants=room.roster)


def _told_anew(before: Room, after: Room, p: Participant, command: AnyCommand) -> Welcomed | Waiting | None:
    """Return what is told to somebody who comes, comes back, waits for something else, or sees more or less of the
    room than before."""
    was = before.find(p.id)
    back = isinstance(command, Resume) and command.by == p.id
    if not p.seated:
        why = doors.why(after, p)
        news = was is None or back or doors.why(before, was) != why
        return Waiting(p.id, view(after, p.id), why) if news else None
    came = was is None or not was.seated
    sees_other = was is not None and (was.role in DOORKEEPERS) != (p.role in DOORKEEPERS)
    return Welcomed(p.id, view(after, p.id)) if came or back or sees_other else None


def _ended(room: Room) -> tuple[AnyEvent, ...]:
    return tuple(ParticipantLeft(p.id, "ended") for p in room.participants)


def _forgotten(room: Room, user: str) -> tuple[AnyEvent, ...]:
    gone = tuple(ParticipantLeft(p.id, "left") for p in room.participants if p.user == user)
    lines = tuple(MessageDeleted(m.id) for m in room.history if m.user == user)
    out = tuple(exile for exile in room.out if exile.user != user)
    known = (Noted(user, Known()),) if user in (room.known or {}) else ()
    exiles = (ExilesChanged(out),) if out != room.out else ()
    return (*gone, *lines, *exiles, *known)


def _swapped(room: Room, p: Participant) -> Room:
    return replace(room, participants=tuple(p if q.id == p.id else q for q in room.participants))


def _remembered(room: Room, user: str, known: Known) -> dict[str, Known]:
    """Return what the room knows, the newest last; of those who are gone and of no further concern only so many."""
    all_known = {u: k for u, k in (room.known or {}).items() if u != user}
    if known != Known():
        all_known[user] = known
    concerned = {user} | {p.user for p in room.participants} | {exile.user for exile in room.out}
    gone = [u for u, k in all_known.items() if u not in concerned and k.role is None and not k.silenced]
    forgotten = set(gone[:-MAX_KNOWN])
    return {u: k for u, k in all_known.items() if u not in forgotten}


def _merged(old: dict[str, object], new: dict[str, object]) -> dict[str, object]:
    merged = {key: value for key, value in {**old, **new}.items() if value is not None}
    if len(merged) > MAX_ATTRIBUTES:
        raise Refusal("too_large")
    for value in new.values():
        chat.bounded(value)
    return merged
