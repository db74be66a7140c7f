"""Who comes in, who waits, who stays out. Pure, as `room.py` is, which asks it.

A person is a user, whatever number of tabs they have: who was admitted is admitted in every tab, who was removed is
out of every seat.
"""

from __future__ import annotations

from msgspec.structs import replace

from .commands import BAN_SECONDS, MAX_KNOCKING, Admit, Ban, Deny, Join, Remove
from .errors import Refusal
from .events import AnyEvent, ExilesChanged, Knocked, ParticipantJoined, ParticipantLeft, noted
from .model import Exile, Participant, Room, Why
from .permissions import doorkeepers, over, under


def join(room: Room, command: Join) -> tuple[AnyEvent, ...]:
    """Seat somebody, have them knock, or refuse them."""
    if room.find(command.by) is not None:
        raise Refusal("already_joined")
    who = _as_known(room, replace(command.participant, id=command.by, presence="online"))
    _not_exiled(room, who, command.marks, command.now)
    if room.doors.locked and who.role != "host" and not room.knows(who.user).admitted:
        raise Refusal("room_locked")
    older = tuple(p for p in room.participants if p.user == who.user and room.doors.one_device)
    replaced = tuple(ParticipantLeft(p.id, "replaced") for p in older)
    marks = {"marks": command.marks} if command.marks else {}
    if _kept_waiting(room, who) is not None:
        if len(room.knocking) >= MAX_KNOCKING:
            raise Refusal("too_many")
        return (*noted(room, who.user, **marks), *replaced, Knocked(replace(who, presence="knocking", silenced=())))
    if len(room.roster) - sum(p.seated for p in older) >= room.capacity:
        raise Refusal("room_full")
    return (*replaced, *_seat(room, who, **marks))


def admit(room: Room, command: Admit) -> tuple[AnyEvent, ...]:
    """Seat who knocks, as far as there is room."""
    who = room.knocking if command.id is None else (_knocker(room, command.id),)
    space = _space(room)
    if who and not space:
        raise Refusal("room_full")
    return tuple(event for p in who[:space] for event in _seat(room, p))


def deny(room: Room, command: Deny) -> tuple[AnyEvent, ...]:
    who = room.knocking if command.id is None else (_knocker(room, command.id),)
    return tuple(ParticipantLeft(p.id, "denied") for p in who)


def let_in(room: Room) -> tuple[AnyEvent, ...]:
    """Seat those for whom no door is closed any more, in order of arrival: a host came, the lobby was opened, a seat
    became free."""
    locked = room.doors.locked
    ready = (p for p in room.knocking if not locked or room.knows(p.user).admitted)
    through = [p for p in ready if _kept_waiting(room, p) is None]
    return tuple(event for p in through[: _space(room)] for event in _seat(room, p))


def why(room: Room, knocker: Participant) -> Why:
    """Return what somebody who knocks waits for."""
    return _kept_waiting(room, knocker) or "full"


def remove(room: Room, me: Participant, command: Remove) -> tuple[AnyEvent, ...]:
    other = under(room, me, command.id)
    return _exile(room, Exile(other.user, other.name), "removed")


def ban(room: Room, me: Participant, command: Ban) -> tuple[AnyEvent, ...]:
    """Send somebody away for the rest of the meeting, from the door too."""
    other = room.find(command.id)
    if other is None:
        raise Refusal("no_such_participant")
    if not over(me, other, room.owner):
        raise Refusal("not_allowed")
    until = command.now + BAN_SECONDS if other.guest else None
    return _exile(room, Exile(other.user, other.name, True, until), "banned")


def allow(room: Room, user: str) -> tuple[AnyEvent, ...]:
    out = tuple(exile for exile in room.out if exile.user != user)
    if out == room.out:
        raise Refusal("no_such_participant")
    return (ExilesChanged(out),)


def _kept_waiting(room: Room, who: Participant) -> Why | None:
    """Return why somebody has to wait at the door; None if nothing but a free seat is wanting."""
    if who.role == "host" or room.seats(who.user):
        return None
    if room.doors.wait_for_host and not room.hosts:
        return "host"
    if not room.doors.lobby or who.invited or who.role == "cohost" or room.knows(who.user).admitted:
        return None
    return "lobby" if doorkeepers(room) else "host"


def _as_known(room: Room, who: Participant) -> Participant:
    """Return somebody as the room has them, whatever their ticket says: the owner is host, and what hosts decided holds
    in a new tab too."""
    known, seats = room.knows(who.user), room.seats(who.user)
    role = seats[0].role if seats else known.role or who.role
    if who.user == room.owner:
        role = "host"
    return replace(who, role=role, silenced=known.silenced)


def _seat(room: Room, who: Participant, **also: object) -> tuple[AnyEvent, ...]:
    came = ParticipantJoined(replace(_as_known(room, who), presence="online"))
    return (*noted(room, who.user, admitted=True, **also), came)


def _space(room: Room) -> int:
    return max(0, room.capacity - len(room.roster))


def _knocker(room: Room, id: str) -> Participant:
    found = room.find(id)
    if found is None or found.seated:
        raise Refusal("no_such_participant")
    return found


def _exile(room: Room, exile: Exile, reason: str) -> tuple[AnyEvent, ...]:
    gone = (ParticipantLeft(p.id, reason) for p in room.participants if p.user == exile.user)  # type: ignore[arg-type]
    return (*gone, ExilesChanged((*(e for e in room.out if e.user != exile.user), exile)))


def _not_exiled(room: Room, who: Participant, marks: tuple[str, ...], now: float) -> None:
    for exile in room.out:
        if exile.until is not None and now >= exile.until:
            continue
        known_again = who.guest and exile.banned and not set(marks).isdisjoint(room.knows(exile.user).marks)
        if exile.user == who.user or known_again:
            raise Refusal("banned" if exile.banned else "removed")
