"""What hosts decide about the room and those in it. Pure, as `room.py` is, which asks it.

What a host decides about somebody holds in all their tabs, and in those they open later: it is noted by user too.
"""

from __future__ import annotations

from msgspec.structs import replace

from .commands import AskMute, SetRole, SetRoom, SilenceSource
from .errors import Refusal
from .events import AnyEvent, ExilesChanged, HoursChanged, MuteAsked, RoomChanged, changed, noted
from .model import Doors, Participant, Role, Room, Silence
from .permissions import over, seated, under


def appoint(room: Room, command: SetRole) -> tuple[AnyEvent, ...]:
    """Give somebody a role. The owner stays a host, and so does the last one."""
    user = seated(room, command.id).user
    if command.role != "host" and (user == room.owner or {p.user for p in room.hosts} == {user}):
        raise Refusal("not_allowed")
    return (*noted(room, user, role=command.role), *_role(room, user, command.role))


def pass_on(before: Room, after: Room) -> tuple[AnyEvent, ...]:
    """Make somebody host if the last one is gone: who has been here longest of the co-hosts, else of the members with
    an account. It is not noted: who inherited the room and goes has passed it on."""
    if not before.hosts or after.hosts:
        return ()
    cohosts = [p for p in after.roster if p.role == "cohost"]
    heirs = cohosts or [p for p in after.roster if p.role == "member" and not p.guest]
    return _role(after, heirs[0].user, "host") if heirs else ()


def set_room(room: Room, command: SetRoom) -> tuple[AnyEvent, ...]:
    """Set the doors. Where there are no relays, a room that asks for them would connect nobody."""
    if command.relay_only and room.relays is not True:
        raise Refusal("no_relay")
    named = {door: value for door in Doors.__struct_fields__ if (value := getattr(command, door, None)) is not None}
    return set_doors(room, replace(room.doors, **named))


def set_doors(room: Room, doors: Doors) -> tuple[AnyEvent, ...]:
    return () if doors == room.doors else (RoomChanged(doors),)


def set_hours(room: Room, closes: float | None) -> tuple[AnyEvent, ...]:
    return () if closes == (room.closes or None) else (HoursChanged(closes),)


def ask_mute(room: Room, me: Participant, command: AskMute) -> tuple[AnyEvent, ...]:
    return (MuteAsked(under(room, me, command.id).id, me.id, command.source),)


def silence(room: Room, me: Participant, command: SilenceSource) -> tuple[AnyEvent, ...]:
    if command.id is not None:
        users = [under(room, me, command.id).user]
    else:
        below = (p for p in room.roster if p.role != "host" and over(me, p, room.owner))
        users = list(dict.fromkeys(p.user for p in below))
    until = None if command.seconds is None else command.now + command.seconds
    new = (Silence(command.source, until),) if command.on else ()
    events: list[AnyEvent] = []
    for user in users:
        kept = (s for s in room.knows(user).silenced if s.source != command.source)
        events += _silenced(room, user, (*kept, *new))
    return tuple(events)


def lift(room: Room, now: float) -> tuple[AnyEvent, ...]:
    """End what had a time that is over."""
    events: list[AnyEvent] = []
    for user, known in (room.known or {}).items():
        events += _silenced(room, user, tuple(s for s in known.silenced if s.until is None or s.until > now))
    out = tuple(e for e in room.out if e.until is None or e.until > now)
    return (*events, ExilesChanged(out)) if out != room.out else tuple(events)


def _role(room: Room, user: str, role: Role) -> tuple[AnyEvent, ...]:
    quiet = {"publications": ()} if role == "listener" else {}
    return tuple(event for p in room.seats(user) for event in changed(p, role=role, **quiet))


def _silenced(room: Room, user: str, silenced: tuple[Silence, ...]) -> tuple[AnyEvent, ...]:
    seats = (event for p in room.seats(user) for event in changed(p, silenced=silenced))
    return (*noted(room, user, silenced=silenced), *seats)
