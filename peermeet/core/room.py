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
    BAN_SECONDS,
    CHAT,
    CHAT_LENGTH,
    CHAT_LINES,
    MAX_ATTRIBUTES,
    VALUE_BYTES,
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
    Join,
    Leave,
    Lift,
    Publish,
    Remove,
    Resume,
    SendMessage,
    SetAttributes,
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
    Knocked,
    Marked,
    MessageDeleted,
    MessageSent,
    MuteAsked,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Signaled,
    Waiting,
    Welcomed,
)
from .model import Exile, Message, Participant, Publication, Room, Silence
from .permissions import DOORKEEPERS, allowed, over


class Envelope(NamedTuple):
    """One event and exactly the participants who hear it."""

    to: tuple[str, ...]
    event: AnyEvent


def step(room: Room, command: AnyCommand) -> tuple[Room, tuple[Envelope, ...]]:
    """Run one command. The caller's duty: keep the new room, then deliver the envelopes in this order."""
    before, envelopes = room, list[Envelope]()
    for event in decide(room, command):
        after = evolve(room, event)
        if to := audience(room, after, event):
            envelopes.append(Envelope(to, event))
        room = after
    for p in room.participants:
        if (telling := _telling(before, room, p, command)) is not None:
            envelopes.append(Envelope((p.id,), telling))
    return room, tuple(envelopes)


def decide(room: Room, command: AnyCommand) -> tuple[AnyEvent, ...]:
    """Return what a command leads to, or raise `Refusal`."""
    match command:
        case Join(by=by, participant=participant):
            return _join(room, command, replace(participant, id=by))
        case End():
            return tuple(ParticipantLeft(p.id, "ended") for p in room.participants)
        case Lift(now=now):
            return _lifted(room, now)
    me = room.find(command.by)
    if me is None:
        raise Refusal("not_joined")
    match command:
        case Resume():
            return _changed(me, presence="online", away_since=None) if me.seated else ()
        case Disconnect(now=now):
            if not me.seated:
                return (ParticipantLeft(me.id, "lost"),)
            return _changed(me, presence="away", away_since=now) if me.presence == "online" else ()
        case Expire(now=now):
            gone = me.away_since is not None and now - me.away_since >= room.grace
            return _leave(room, me, "lost") if gone else ()
    if type(command) not in allowed(me):
        raise Refusal("not_allowed" if me.seated else "not_joined")
    match command:
        case Leave():
            return _leave(room, me, "left")
        case Publish(source=source, stream_id=stream_id, muted=muted):
            kept = (p for p in me.publications if p.source != source)
            return _changed(me, publications=(*kept, Publication(source, stream_id, muted)))
        case Unpublish(source=source):
            return _changed(me, publications=tuple(p for p in me.publications if p.source != source))
        case Signal(to=to, description=description, candidates=candidates):
            if description is None and not candidates:
                raise Refusal("bad_message")
            if to == me.id:
                raise Refusal("no_such_participant")
            return (Signaled(_seated(room, to).id, me.id, description, candidates),)
        case SetAttributes(attributes=attributes):
            return _changed(me, attributes=_merged(me.attributes, attributes))
        case SendMessage():
            return _message(room, me, command)
        case DeleteMessage(id=id):
            return _delete(room, me, id)
    return _govern(room, me, command)


def _govern(room: Room, me: Participant, command: AnyCommand) -> tuple[AnyEvent, ...]:
    """What hosts and co-hosts may ask, their role allowing it."""
    match command:
        case Admit(id=None):
            space = room.capacity - len(_roster(room))
            return tuple(_arrived(p) for p in _knocking(room)[: max(0, space)])
        case Admit(id=str(id)):
            knocker = _knocker(room, id)
            if len(_roster(room)) >= room.capacity:
                raise Refusal("room_full")
            return (_arrived(knocker),)
        case Deny(id=None):
            return tuple(ParticipantLeft(p.id, "denied") for p in _knocking(room))
        case Deny(id=str(id)):
            return (ParticipantLeft(_knocker(room, id).id, "denied"),)
        case Remove(id=id):
            other = _under(room, me, id)
            return _leave(room, other, "removed") + _exiled(room, Exile(other.user, other.name))
        case Ban(id=id, now=now):
            other = _under(room, me, id)
            until = now + BAN_SECONDS if other.guest else None
            return _leave(room, other, "banned") + _exiled(room, Exile(other.user, other.name, True, until))
        case Allow(user=user):
            if all(exile.user != user for exile in room.out):
                raise Refusal("no_such_participant")
            return (ExilesChanged(tuple(exile for exile in room.out if exile.user != user)),)
        case SetRole(id=id, role=role):
            return _appoint(room, _seated(room, id), role)
        case SetRoom():
            named = {k: v for k in command.__struct_fields__ if (v := getattr(command, k)) is not None}
            doors = replace(room.doors, **{k: v for k, v in named.items() if k in room.doors.__struct_fields__})
            return () if doors == room.doors else (RoomChanged(doors),)
        case AskMute(id=id, source=source):
            return (MuteAsked(_under(room, me, id).id, me.id, source),)
        case SilenceSource():
            return _silence(room, me, command)
        case EndMeeting():
            return tuple(ParticipantLeft(p.id, "ended") for p in room.participants)
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
        case Marked(user=user, marks=marks):
            return replace(room, marks={**room.marks, user: marks})
        case MessageSent(topic="chat", to=None) if room.doors.chat != "off":
            return replace(room, history=_kept(room, event))
        case MessageDeleted(id=id):
            return replace(room, history=tuple(m for m in room.history if id is not None and m.id != id))
        case Signaled() | MessageSent() | MuteAsked():
            return room


def audience(before: Room, after: Room, event: AnyEvent) -> tuple[str, ...]:
    """Return who hears an event, those away included: the shell knows whose socket is there."""
    match event:
        case Marked():
            return ()
        case Welcomed(you=you) | Waiting(you=you):
            return (you,)
        case Knocked() | ExilesChanged():
            return _doorkeepers(after)
        case ParticipantJoined(participant=p):
            return tuple(q.id for q in _roster(before) if q.id != p.id)
        case ParticipantLeft(id=id, reason=reason):
            left = before.find(id)
            others = _doorkeepers(after) if left and not left.seated else tuple(p.id for p in _roster(after))
            return others if reason in {"left", "lost"} or left is None else (*others, id)
        case Signaled(to=to) | MuteAsked(to=to):
            return (to,)
        case MessageSent(by=by, to=str(to)):
            return (by,) if by == to else (by, to)
        case _:
            return tuple(p.id for p in _roster(after))


def view(room: Room, id: str) -> Room:
    """Return the room as a participant may see it: who knocks and who may not come back is for hosts and co-hosts;
    a knocker sees a room with nobody else in it."""
    me = room.find(id)
    if me is None or not me.seated:
        return Room(room.id, room.capacity, room.grace, (me,) if me else ())
    if me.role in DOORKEEPERS:
        return replace(room, marks={})
    return replace(room, marks={}, out=(), participants=_roster(room))


def _telling(before: Room, after: Room, p: Participant, command: AnyCommand) -> AnyEvent | None:
    """Return what is told to somebody who sits down, comes back, knocks, or may see more than before."""
    was = before.find(p.id)
    back = isinstance(command, Resume) and command.by == p.id
    if not p.seated:
        why = "host" if after.doors.wait_for_host and not _hosts(after) else "lobby"
        return Waiting(p.id, view(after, p.id), why) if was is None or back else None
    came = was is None or not was.seated
    sees_more = was is not None and (was.role in DOORKEEPERS) != (p.role in DOORKEEPERS)
    return Welcomed(p.id, view(after, p.id)) if came or back or sees_more else None


def _join(room: Room, command: Join, who: Participant) -> tuple[AnyEvent, ...]:
    if room.find(who.id) is not None:
        raise Refusal("already_joined")
    _not_exiled(room, who, command.marks, command.now)
    marked: tuple[AnyEvent, ...] = (Marked(who.user, command.marks),) if command.marks else ()
    older = [p for p in room.participants if p.user == who.user and room.doors.one_device]
    replaced = tuple(ParticipantLeft(p.id, "replaced") for p in older)
    sitting = [p for p in _roster(room) if p not in older]
    if who.role != "host":
        if room.doors.locked and not older:
            raise Refusal("room_locked")
        waits = room.doors.wait_for_host and not any(p.role == "host" for p in sitting)
        knocks = room.doors.lobby and not (who.invited or who.role == "cohost" or older)
        if waits or knocks:
            return (*marked, *replaced, Knocked(replace(who, presence="knocking")))
    if len(sitting) >= room.capacity:
        raise Refusal("room_full")
    waiting = [p for p in _knocking(room) if p.user != who.user and (not room.doors.lobby or p.invited)]
    space = room.capacity - len(sitting) - 1
    let_in = waiting[:space] if who.role == "host" and room.doors.wait_for_host else []
    return (*marked, *replaced, ParticipantJoined(who), *(_arrived(p) for p in let_in))


def _not_exiled(room: Room, who: Participant, marks: tuple[str, ...], now: float) -> None:
    for exile in room.out:
        if exile.until is not None and now >= exile.until:
            continue
        known_again = exile.banned and set(marks) & set(room.marks.get(exile.user, ())) and who.guest
        if exile.user == who.user or known_again:
            raise Refusal("banned" if exile.banned else "removed")


def _leave(room: Room, who: Participant, reason: str) -> tuple[AnyEvent, ...]:
    """Give a seat up; if it was the last host's, the room passes on."""
    left: tuple[AnyEvent, ...] = (ParticipantLeft(who.id, reason),)  # type: ignore[arg-type]
    others = [p for p in _roster(room) if p.id != who.id]
    if who.role != "host" or not who.seated or any(p.role == "host" for p in others):
        return left
    heirs = [p for p in others if p.role == "cohost"] or [p for p in others if p.role == "member" and not p.guest]
    return (*left, ParticipantChanged(replace(heirs[0], role="host"))) if heirs else left


def _exiled(room: Room, exile: Exile) -> tuple[AnyEvent, ...]:
    return (ExilesChanged((*(e for e in room.out if e.user != exile.user), exile)),)


def _appoint(room: Room, other: Participant, role: str) -> tuple[AnyEvent, ...]:
    last_host = other.role == "host" and _hosts(room) == (other.id,)
    if role != "host" and (other.user == room.owner or last_host):
        raise Refusal("not_allowed")
    publications = () if role == "listener" else other.publications
    return _changed(other, role=role, publications=publications)


def _silence(room: Room, me: Participant, command: SilenceSource) -> tuple[AnyEvent, ...]:
    if command.id is not None:
        targets = [_under(room, me, command.id)]
    else:
        targets = [p for p in _roster(room) if p.id != me.id and over(me, p, room.owner) and p.role != "host"]
    until = command.now + command.seconds if command.seconds is not None else None
    events: list[AnyEvent] = []
    for p in targets:
        kept = tuple(s for s in p.silenced if s.source != command.source)
        events += _changed(p, silenced=(*kept, Silence(command.source, until)) if command.on else kept)
    return tuple(events)


def _lifted(room: Room, now: float) -> tuple[AnyEvent, ...]:
    events: list[AnyEvent] = []
    for p in room.participants:
        events += _changed(p, silenced=tuple(s for s in p.silenced if s.until is None or s.until > now))
    out = tuple(e for e in room.out if e.until is None or e.until > now)
    return (*events, ExilesChanged(out)) if out != room.out else tuple(events)


def _message(room: Room, me: Participant, command: SendMessage) -> tuple[AnyEvent, ...]:
    if command.to is not None:
        _seated(room, command.to)
    _bounded(command.data)
    if command.topic == CHAT:
        text = command.data.get("text") if isinstance(command.data, dict) else None
        if not isinstance(text, str) or not text.strip() or len(command.data) != 1:
            raise Refusal("bad_message")
        if len(text) > CHAT_LENGTH:
            raise Refusal("too_large")
    return (MessageSent(me.id, command.topic, command.data, command.to, command.stamp, command.now),)


def _kept(room: Room, event: MessageSent) -> tuple[Message, ...]:
    if any(m.id == event.id for m in room.history):
        return room.history
    by = room.find(event.by)
    line = Message(event.id, event.by, by.user if by else "", by.name if by else "", event.data["text"], event.at)
    return (*room.history, line)[-CHAT_LINES:]


def _delete(room: Room, me: Participant, id: str | None) -> tuple[AnyEvent, ...]:
    mine = any(m.id == id and m.user == me.user for m in room.history)
    if me.role != "host" and not mine:
        raise Refusal("not_allowed")
    if id is not None and all(m.id != id for m in room.history):
        raise Refusal("no_such_message")
    return (MessageDeleted(id),)


def _roster(room: Room) -> tuple[Participant, ...]:
    return tuple(p for p in room.participants if p.seated)


def _knocking(room: Room) -> tuple[Participant, ...]:
    return tuple(p for p in room.participants if not p.seated)


def _hosts(room: Room) -> tuple[str, ...]:
    return tuple(p.id for p in _roster(room) if p.role == "host")


def _doorkeepers(room: Room) -> tuple[str, ...]:
    return tuple(p.id for p in _roster(room) if p.role in DOORKEEPERS)


def _seated(room: Room, id: str) -> Participant:
    found = room.find(id)
    if found is None or not found.seated:
        raise Refusal("no_such_participant")
    return found


def _knocker(room: Room, id: str) -> Participant:
    found = room.find(id)
    if found is None or found.seated:
        raise Refusal("no_such_participant")
    return found


def _under(room: Room, me: Participant, id: str) -> Participant:
    """Return somebody seated on whom ``me`` may act."""
    other = _seated(room, id)
    if other.id == me.id or not over(me, other, room.owner):
        raise Refusal("not_allowed")
    return other


def _arrived(knocker: Participant) -> ParticipantJoined:
    return ParticipantJoined(replace(knocker, presence="online", away_since=None))


def _swapped(room: Room, p: Participant) -> Room:
    return replace(room, participants=tuple(p if q.id == p.id else q for q in room.participants))


def _changed(me: Participant, **changes: object) -> tuple[AnyEvent, ...]:
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
