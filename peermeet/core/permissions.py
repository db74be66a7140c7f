"""Who may send which command. A table, read in seconds; what depends on the room stands in `room.decide`."""

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
from .model import Participant, Role

KNOCKING: frozenset[type[Command]] = frozenset({Leave})
LISTENER: frozenset[type[Command]] = KNOCKING | {
    Signal,
    SetAttributes,
    SendMessage,
    Unpublish,
    DeleteMessage,
}  # of one's own line
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


def over(one: Participant, other: Participant, owner: str) -> bool:
    """Tell whether one may act on the other: hosts on all but the owner, co-hosts on those below them."""
    return other.user != owner and (one.role == "host" or RANK[one.role] > RANK[other.role])
