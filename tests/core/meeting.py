"""A room to tell stories about: whatever is asked, the answer is who heard what."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from peermeet.core.commands import AnyCommand, Join, Publish
from peermeet.core.errors import Refusal
from peermeet.core.events import AnyEvent
from peermeet.core.model import Doors, Participant, Room
from peermeet.core.room import step, view

Heard = dict[str, list[AnyEvent]]


def person(id: str, **changes: Any) -> Participant:
    return Participant(**{"id": id, "user": f"u-{id}", "name": id.title(), **changes})


class Meeting:
    def __init__(self, *seated: str, capacity: int = 16, grace: float = 30.0, owner: str = "", **doors: Any) -> None:
        self.room = Room("den", capacity, grace, doors=Doors(**doors), owner=owner)
        for id in seated:
            self.join(id)

    def do(self, command: AnyCommand) -> Heard:
        self.room, envelopes = step(self.room, command)
        heard: Heard = {}
        for to, event in envelopes:
            for id in to:
                heard.setdefault(id, []).append(event)
        return heard

    def refused(self, command: AnyCommand) -> str:
        """Return the code with which a command is refused; nothing changes."""
        before = self.room
        with pytest.raises(Refusal) as refusal:
            self.do(command)
        assert self.room is before
        return refusal.value.code

    def join(self, id: str, now: float = 0.0, marks: tuple[str, ...] = (), **changes: Any) -> Heard:
        return self.do(Join(id, person(id, **changes), marks, now))

    def knock(self, *ids: str, **changes: Any) -> None:
        """Have people wait at the door, whatever it takes."""
        for id in ids:
            self.join(id, **changes)
            assert not self.sees(id).seated

    def publish(self, id: str, source: Any, stream_id: str, muted: bool = False) -> Heard:
        return self.do(Publish(id, source, stream_id, muted))

    def sees(self, id: str) -> Participant:
        found = self.room.find(id)
        assert found is not None
        return found

    def view(self, id: str) -> Room:
        return view(self.room, id)

    def roles(self) -> dict[str, str]:
        return {p.id: p.role for p in self.room.roster}

    @property
    def roster(self) -> list[str]:
        return [p.id for p in self.room.roster]

    @property
    def knocking(self) -> list[str]:
        return [p.id for p in self.room.knocking]


def governed(*, capacity: int = 16, **doors: Any) -> Meeting:
    """A meeting with one of each: Ada owns it and is host, Hal is host too, Cora is co-host, Mia is a member with an
    account, Gus one without, Lou listens."""
    den = Meeting(capacity=capacity, owner="u-ada")
    den.join("ada", role="host")
    den.join("hal", role="host")
    den.join("cora", role="cohost")
    den.join("mia")
    den.join("gus", guest=True)
    den.join("lou", role="listener")
    den.room = replace(den.room, doors=Doors(**doors))
    return den
