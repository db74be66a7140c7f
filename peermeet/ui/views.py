"""What the panels show of a room, as one participant may see it. Pure; whatever is offered here, the room decides."""

from __future__ import annotations

from typing import Any, TypedDict

from ..core.model import Participant, Room
from ..core.permissions import DOORKEEPERS, over


class Person(TypedDict):
    """A participant as the people panel shows one. ``hand`` is the place in the order of raised hands, 0 without one.
    ``below``: I may ask them to mute, silence and remove them. ``appoint``: I may give them a role."""

    id: str
    name: str
    role: str
    guest: bool
    away: bool
    microphone: bool
    camera: bool
    me: bool
    hand: int
    unheard: bool
    unseen: bool
    below: bool
    appoint: bool


class Knock(TypedDict):
    """Somebody at the door."""

    id: str
    name: str
    guest: bool


class Out(TypedDict):
    """Somebody who may not come back."""

    user: str
    name: str
    banned: bool


class DoorsShown(TypedDict):
    """How the doors stand."""

    lobby: bool
    locked: bool
    wait_for_host: bool
    one_device: bool
    relay_only: bool
    chat: str


def people(room: Room, you: str) -> list[Person]:
    """Return everybody seated: who raised a hand first, then in order of arrival."""
    me = room.find(you)
    raised = sorted((p for p in room.roster if _hand(p) is not None), key=lambda p: _hand(p) or 0)
    places = {p.id: place for place, p in enumerate(raised, 1)}
    return [
        _person(p, room, me, places.get(p.id, 0)) for p in (*raised, *(p for p in room.roster if p.id not in places))
    ]


def knocks(room: Room) -> list[Knock]:
    return [Knock(id=p.id, name=p.name, guest=p.guest) for p in room.knocking]


def news(waiting: list[Knock]) -> str:
    """Return who waits, for somebody who cannot see it."""
    if not waiting:
        return ""
    first, others = waiting[0]["name"], len(waiting) - 1
    if not others:
        return f"{first} is waiting to be let in."
    return f"{first} and {others} {'other is' if others == 1 else 'others are'} waiting to be let in."


def out(room: Room) -> list[Out]:
    return [Out(user=exile.user, name=exile.name, banned=exile.banned) for exile in room.out]


def doors(of: Any) -> DoorsShown:
    """Return the doors of a live room (`Doors`) or of its record (`Options`)."""
    return DoorsShown(**{name: getattr(of, name) for name in DoorsShown.__annotations__})  # type: ignore[typeddict-item]


def answers_the_door(me: Participant | None) -> bool:
    return me is not None and me.role in DOORKEEPERS


def _person(p: Participant, room: Room, me: Participant | None, hand: int) -> Person:
    on = {publication.source for publication in p.publications if not publication.muted}
    silenced = {silence.source for silence in p.silenced}
    others = me is not None and p.user != me.user
    return Person(
        id=p.id,
        name=room.called(p),
        role=p.role,
        guest=p.guest,
        away=p.presence == "away",
        microphone="microphone" in on,
        camera="camera" in on,
        me=me is not None and p.id == me.id,
        hand=hand,
        unheard="microphone" in silenced,
        unseen="camera" in silenced,
        below=answers_the_door(me) and me is not None and over(me, p, room.owner),
        appoint=others and me is not None and me.role == "host" and p.user != room.owner,
    )


def _hand(p: Participant) -> float | None:
    """Return since when somebody's hand is up, by their own clock."""
    since = p.attributes.get("hand")
    if since is None or since is False:
        return None
    return float(since) if isinstance(since, int | float) and not isinstance(since, bool) else float("inf")
