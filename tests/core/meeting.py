"""A room to tell stories about: whatever is asked, the answer is who heard what."""

from __future__ import annotations

from typing import Any

from peermeet.core.commands import AnyCommand, Join, Publish
from peermeet.core.events import AnyEvent
from peermeet.core.model import Participant, Room
from peermeet.core.room import step

Heard = dict[str, list[AnyEvent]]


def person(id: str, **changes: Any) -> Participant:
    return Participant(**{"id": id, "user": f"u-{id}", "name": id.title(), **changes})


class Meeting:
    def __init__(self, *seated: str, capacity: int = 16, grace: float = 30.0) -> None:
        self.room = Room("den", capacity, grace)
        for id in seated:
            self.join(id)

    def do(self, command: AnyCommand) -> Heard:
        self.room, envelopes = step(self.room, command)
        heard: Heard = {}
        for to, event in envelopes:
            for id in to:
                heard.setdefault(id, []).append(event)
        return heard

    def join(self, id: str) -> Heard:
        return self.do(Join(id, person(id)))

    def publish(self, id: str, source: Any, stream_id: str, muted: bool = False) -> Heard:
        return self.do(Publish(id, source, stream_id, muted))

    def sees(self, id: str) -> Participant:
        found = self.room.find(id)
        assert found is not None
        return found

    @property
    def roster(self) -> list[str]:
        return [p.id for p in self.room.participants]
