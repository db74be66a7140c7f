"""Who may send which command, and to whom. Tables, read in seconds; what depends on the room's doors stands in
`doors.py`."""

from __future__ import annotations

from .commands import (
    Admit,
    Allow,
    AskMute,
    Ban,
    Command,
    DeleteMessage,
    Deny,
    EndMeeting,
    Leave,
    Publish,
    Remove,
    SendMessage,
    SetAttributes,
    SetRole,
    SetRoom,
    Signal,
    SilenceSource,
    Unpublish,
)
from .errors import Refusal
from .model import Participant, Role, Room

KNOCKING: frozenset[type[Command]] = frozenset({Leave})
# A listener publishes nothing. `DeleteMessage` is of one's own line for all but hosts.
LISTENER: frozenset[type[Command]] = KNOCKING | {Signal, SetAttributes, SendMessage, Unpublish, DeleteMessage}
MEMBER: frozenset[type[Command]] = LISTENER | {Publish}
COHOST: frozenset[type[Command]] = MEMBER | {Admit, Deny, Remove, AskMute, SilenceSource}
HOST: frozenset[type[Command]] = COHOST | {Ban, Allow, SetRole, SetRoom, EndMeeting}

ALLOWED: dict[Role, frozenset[type[Command]]] = {
    "host": HOST,
    "cohost": COHOST,
    "member": MEMBER,
    "listener": LISTENER,
}

# Whom the one may remove, ask to mute or silence: nobody of their own rank but hosts, who may all.
RANK: dict[Role, int] = {"listener": 0, "member": 1, "cohost": 2, "host": 3}

# At the door: who hears knocks and sees who may not come back.
DOORKEEPERS: frozenset[Role] = frozenset({"host", "cohost"})


def allowed(who: Participant) -> frozenset[type[Command]]:
    """Return the commands that a participant may send, by presence and role."""
    return ALLOWED[who.role] if who.seated else KNOCKING


def doorkeepers(room: Room) -> tuple[str, ...]:
    """Return the ids of those seated who answer the door."""
    return tuple(p.id for p in room.roster if p.role in DOORKEEPERS)


def over(one: Participant, other: Participant, owner: str) -> bool:
    """Tell whether one may act on the other: hosts on all but the owner, co-hosts on those below them, nobody on
    themselves in another tab."""
    if other.user in {owner, one.user}:
        return False
    return one.role == "host" or RANK[one.role] > RANK[other.role]


def seated(room: Room, id: str) -> Participant:
    """Return who sits here under that id, or raise `Refusal`: who only knocks is nobody yet."""
    found = room.find(id)
    if found is None or not found.seated:
        raise Refusal("no_such_participant")
    return found


def under(room: Room, one: Participant, id: str) -> Participant:
    """Return somebody seated on whom ``one`` may act, or raise `Refusal`."""
    other = seated(room, id)
    if not over(one, other, room.owner):
        raise Refusal("not_allowed")
    return other
