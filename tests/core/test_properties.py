"""What holds in every meeting, whatever people do and in whatever order."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from peermeet.core import wire
from peermeet.core.commands import AnyCommand, Disconnect, End, Expire, Join, Leave, Resume
from peermeet.core.errors import Refusal
from peermeet.core.events import AnyEvent, MessageSent, ParticipantLeft, Signaled, Welcomed
from peermeet.core.model import Room
from peermeet.core.room import evolve, step, view
from tests.core.meeting import person

CAPACITY, GRACE = 3, 10.0
people = st.sampled_from(["ada", "bob", "cem", "dee", "eve"])
sources = st.sampled_from(["camera", "microphone", "screen"])
keys = st.sampled_from(["hand", "mood", *(f"k{i}" for i in range(16))])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.0) | st.sampled_from(["", "x", "y" * 4100]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


class AnyMeeting(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.room = Room("den", CAPACITY, GRACE)
        self.now = 0.0
        self.known: dict[str, Room] = {}  # the room as each participant evolved it from what they heard

    def do(self, command: AnyCommand) -> None:
        before = self.room
        try:
            self.room, envelopes = step(before, command)
        except Refusal:
            return
        seated = {p.id for p in self.room.participants}
        for to, event in envelopes:
            assert to, "an envelope for nobody"
            assert len(set(to)) == len(to), "somebody hears it twice"
            ended = isinstance(event, ParticipantLeft) and event.reason == "ended"
            assert set(to) <= ({p.id for p in before.participants} if ended else seated)
            if isinstance(event, Signaled):
                assert to == (event.to,)
                assert event.by == command.by != event.to
            if isinstance(event, MessageSent) and event.to is not None:
                assert set(to) == {event.by, event.to}
            for id in to:
                self.hear(id, event)
        self.known = {id: known for id, known in self.known.items() if id in seated}

    def hear(self, id: str, event: AnyEvent) -> None:
        heard = wire.parse_event(msgspec.json.decode(msgspec.json.encode(wire.build(event))))
        assert heard == event, "it travels unharmed"
        assert isinstance(event, Welcomed) or id in self.known, "nobody hears anything before the welcome"
        once = evolve(self.known.get(id, Room("elsewhere")), heard)
        assert evolve(once, heard) == once
        self.known[id] = once

    def ask(self, by: str, **message: Any) -> None:
        self.do(wire.parse(message, by))

    @rule(who=people)
    def join(self, who: str) -> None:
        self.do(Join(who, person(who)))

    @rule(who=people)
    def resume(self, who: str) -> None:
        self.do(Resume(who))

    @rule(who=people)
    def lose(self, who: str) -> None:
        self.do(Disconnect(who, self.now))

    @rule(who=people, later=st.sampled_from([0.0, 4.0, GRACE]))
    def expire(self, who: str, later: float) -> None:
        self.now += later
        self.do(Expire(who, self.now))

    @rule(who=people)
    def leave(self, who: str) -> None:
        self.do(Leave(who))

    @rule(who=people, source=sources, stream=st.sampled_from("st"), muted=st.booleans())
    def publish(self, who: str, source: str, stream: str, muted: bool) -> None:
        self.ask(who, type="publish", source=source, stream_id=stream, muted=muted)

    @rule(who=people, source=sources)
    def unpublish(self, who: str, source: str) -> None:
        self.ask(who, type="unpublish", source=source)

    @rule(who=people, to=people)
    def signal(self, who: str, to: str) -> None:
        self.ask(who, type="signal", to=to, candidates=[{"candidate": "c"}])

    @rule(who=people, attributes=st.dictionaries(keys, values, min_size=1, max_size=16))
    def set_attributes(self, who: str, attributes: dict[str, Any]) -> None:
        self.ask(who, type="set_attributes", attributes=attributes)

    @rule(who=people, data=values, to=st.none() | people)
    def send_message(self, who: str, data: Any, to: str | None) -> None:
        self.ask(who, type="send_message", topic="chat", data=data, to=to)

    @rule(really=st.integers(0, 4))
    def end(self, really: int) -> None:
        if not really:  # not too often: a meeting should grow
            self.do(End(""))
            assert self.room.participants == ()

    @invariant()
    def nobody_sits_twice(self) -> None:
        ids = [p.id for p in self.room.participants]
        assert len(set(ids)) == len(ids) <= CAPACITY

    @invariant()
    def away_is_what_is_since(self) -> None:
        for p in self.room.participants:
            assert (p.presence == "away") == (p.away_since is not None)
            assert len({pub.source for pub in p.publications}) == len(p.publications)
            assert len(p.attributes) <= 16
            assert None not in p.attributes.values()

    @invariant()
    def what_is_heard_is_what_is(self) -> None:
        assert set(self.known) == {p.id for p in self.room.participants}
        for id, known in self.known.items():
            assert msgspec.json.encode(known) == msgspec.json.encode(view(self.room, id))


TestAnyMeeting = AnyMeeting.TestCase
TestAnyMeeting.settings = settings(max_examples=60, stateful_step_count=40)
