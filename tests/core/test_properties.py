"""What holds in every meeting, whatever people do and in whatever order."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from peermeet.core import wire
from peermeet.core.commands import (
    AnyCommand,
    Disconnect,
    End,
    Expire,
    Join,
    Leave,
    Lift,
    Publish,
    Resume,
    SetDoors,
    Unpublish,
)
from peermeet.core.errors import Refusal
from peermeet.core.events import (
    AnyEvent,
    ExilesChanged,
    Knocked,
    MessageSent,
    MuteAsked,
    Noted,
    ParticipantLeft,
    Signaled,
    Waiting,
    Welcomed,
)
from peermeet.core.model import Doors, Participant, Room
from peermeet.core.permissions import doorkeepers
from peermeet.core.room import evolve, step, view

CAPACITY, GRACE = 3, 10.0
# Ada owns the room; Ada and Bob have two tabs, Cem and Dee are guests.
USERS = {"ada": "ada", "ada2": "ada", "bob": "bob", "bob2": "bob", "cem": "cem", "dee": "dee", "eve": "eve"}
people = st.sampled_from([*USERS])
somebody = st.none() | people
governors = st.just("ada") | people  # more often somebody who may
sources = st.sampled_from(["camera", "microphone", "screen"])
roles = st.sampled_from(["host", "cohost", "member", "listener"])
doors = {door: st.booleans() for door in ("lobby", "locked", "wait_for_host", "one_device")}
keeping = st.sampled_from(["off", "meeting", "forever"])
later = st.sampled_from([0.0, 4.0, GRACE, 50_000.0])
keys = st.sampled_from(["hand", "mood", *(f"k{i}" for i in range(16))])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.0) | st.sampled_from(["", "x", "y" * 4100]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
lines = st.sampled_from(["hi", "there", "\0<b>"]).map(lambda text: {"text": text})


class AnyMeeting(RuleBasedStateMachine):
    """Whoever comes, whatever they ask, however the doors are set."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room("den", CAPACITY, GRACE, owner="u-ada")
        self.now = 0.0
        self.said = 0
        self.private: set[str] = set()
        self.known: dict[str, Room] = {}  # the room as each participant evolved it from what they heard

    @initialize(set=st.fixed_dictionaries(doors), chat=keeping)
    def furnish(self, set: dict[str, bool], chat: Any) -> None:
        self.join("ada", "host", False, None)
        self.room = replace(self.room, doors=Doors(**set, chat=chat))
        self.known = {"ada": view(self.room, "ada")}

    def do(self, command: AnyCommand) -> None:
        before = self.room
        try:
            self.room, envelopes = step(before, command)
        except Refusal:
            return
        for to, event in envelopes:
            assert to, "an envelope for nobody"
            assert len(set(to)) == len(to), "somebody hears it twice"
            for id in to:
                self.check(before, command, id, event)
                self.hear(id, event)
        self.known = {id: known for id, known in self.known.items() if self.room.find(id) is not None}
        self.nobody_is_published_by_another(before, command)
        if before.hosts and not self.room.hosts:
            assert not any(p.role == "cohost" or (p.role == "member" and not p.guest) for p in self.room.roster)

    def check(self, before: Room, command: AnyCommand, id: str, event: AnyEvent) -> None:
        """Hold what may be told to whom."""
        was, now = before.find(id), self.room.find(id)
        assert was or now, "told to somebody who is not here"
        assert not isinstance(event, Noted)
        if now is None:  # just out: they hear it, and of others only who goes with them
            assert isinstance(event, ParticipantLeft)
        if not any(p and p.seated for p in (was, now)):  # at the door
            assert event == Waiting(id, view(self.room, id), getattr(event, "why", "")) or (
                isinstance(event, ParticipantLeft) and event.id == id
            )
        if was is None or not was.seated:  # whoever comes in hears the room, and nothing before it
            assert isinstance(event, Welcomed | Waiting | ParticipantLeft)
        if isinstance(event, Knocked | ExilesChanged):
            assert id in doorkeepers(self.room)
        if isinstance(event, ParticipantLeft) and not self.sat(before, event.id):
            assert id == event.id or id in {*doorkeepers(before), *doorkeepers(self.room)}
        if isinstance(event, Signaled | MuteAsked):
            assert id == event.to != event.by == command.by
        if isinstance(event, MessageSent) and event.to is not None:
            assert id in {event.by, event.to}

    def sat(self, room: Room, id: str) -> bool:
        found = room.find(id)
        return found is not None and found.seated

    def hear(self, id: str, event: AnyEvent) -> None:
        travels = msgspec.json.encode(wire.build(event))
        assert b"mark-" not in travels
        heard = wire.parse_event(msgspec.json.decode(travels))
        assert heard == event, "it travels unharmed"
        first = isinstance(event, Welcomed | Waiting)
        assert first or id in self.known, "nobody hears anything before the welcome"
        once = evolve(self.known.get(id, Room("elsewhere")), heard)
        assert evolve(once, heard) == once
        self.known[id] = once

    def nobody_is_published_by_another(self, before: Room, command: AnyCommand) -> None:
        for was in before.participants:
            now = self.room.find(was.id)
            if now is not None and now.publications != was.publications:
                own = isinstance(command, Publish | Unpublish) and command.by == was.id
                assert own or (now.role == "listener" and now.publications == ())

    def ask(self, by: str, type: str, **message: Any) -> None:
        self.said += 1
        self.do(wire.parse({"type": type, **message}, by, self.now, f"m{self.said}"))

    # The shell

    @rule(who=people, role=roles, invited=st.booleans(), address=st.sampled_from(["a", "b", None]))
    def join(self, who: str, role: Any, invited: bool, address: str | None) -> None:
        user = f"u-{USERS[who]}"
        guest = USERS[who] in {"cem", "dee"}
        marks = (f"mark-{address}",) if address else ()
        p = Participant(who, user, who.title(), role, guest, invited=invited)
        self.do(Join(who, p, marks, self.now))

    @rule(many=st.lists(people, min_size=1, max_size=4))
    def members_join(self, many: list[str]) -> None:
        for who in many:
            self.join(who, "member", False, None)

    @rule(who=people)
    def resume(self, who: str) -> None:
        self.do(Resume(who))

    @rule(who=people)
    def lose(self, who: str) -> None:
        self.do(Disconnect(who, self.now))

    @rule(who=people, later=later)
    def expire(self, who: str, later: float) -> None:
        self.now += later
        self.do(Expire(who, self.now))

    @rule(later=later)
    def lift(self, later: float) -> None:
        self.now += later
        self.do(Lift("", self.now))
        assert all(s.until is None or s.until > self.now for p in self.room.roster for s in p.silenced)
        assert all(exile.until is None or exile.until > self.now for exile in self.room.out)

    @rule(set=st.fixed_dictionaries(doors), chat=keeping)
    def set_doors(self, set: dict[str, bool], chat: Any) -> None:
        self.do(SetDoors("", Doors(**set, chat=chat)))

    @rule(really=st.integers(0, 9))
    def end(self, really: int) -> None:
        if not really:  # not too often: a meeting should grow
            self.do(End(""))
            assert self.room.participants == ()

    # Everybody

    @rule(who=people)
    def leave(self, who: str) -> None:
        self.do(Leave(who))

    @rule(who=people, source=sources, stream=st.sampled_from("st"), muted=st.booleans())
    def publish(self, who: str, source: str, stream: str, muted: bool) -> None:
        self.ask(who, "publish", source=source, stream_id=stream, muted=muted)

    @rule(who=people, source=sources)
    def unpublish(self, who: str, source: str) -> None:
        self.ask(who, "unpublish", source=source)

    @rule(who=people, to=people)
    def signal(self, who: str, to: str) -> None:
        self.ask(who, "signal", to=to, candidates=[{"candidate": "c"}])

    @rule(who=people, attributes=st.dictionaries(keys, values, min_size=1, max_size=16))
    def set_attributes(self, who: str, attributes: dict[str, Any]) -> None:
        self.ask(who, "set_attributes", attributes=attributes)

    @rule(who=people, topic=st.sampled_from(["chat", "poll"]), data=lines | values, to=somebody)
    def send_message(self, who: str, topic: str, data: Any, to: str | None) -> None:
        self.ask(who, "send_message", topic=topic, data=data, to=to)
        if to is not None:
            self.private.add(f"m{self.said}")

    @rule(who=people, number=st.none() | st.integers(0, 3))
    def delete_message(self, who: str, number: int | None) -> None:
        history = self.room.history
        id = None if number is None else history[number].id if number < len(history) else "gone"
        self.ask(who, "delete_message", id=id)

    # Hosts and co-hosts; whoever else asks is refused

    @rule(who=governors, id=somebody)
    def admit(self, who: str, id: str | None) -> None:
        self.ask(who, "admit", id=id)

    @rule(first=people, then=st.permutations([*USERS]), opened=st.booleans())
    def rush(self, first: str, then: list[str], opened: bool) -> None:
        for who in [first, *then]:
            self.join(who, "member", False, None)
        self.ask("ada", "set_room", lobby=False) if opened else self.ask("ada", "admit")

    @rule(who=governors, id=somebody)
    def deny(self, who: str, id: str | None) -> None:
        self.ask(who, "deny", id=id)

    @rule(who=governors, id=people)
    def remove(self, who: str, id: str) -> None:
        self.ask(who, "remove", id=id)

    @rule(who=governors, id=people)
    def ban(self, who: str, id: str) -> None:
        self.ask(who, "ban", id=id)

    @rule(who=governors, user=people)
    def allow(self, who: str, user: str) -> None:
        self.ask(who, "allow", user=f"u-{USERS[user]}")

    @rule(who=governors, id=people, role=roles)
    def set_role(self, who: str, id: str, role: str) -> None:
        self.ask(who, "set_role", id=id, role=role)

    @rule(who=governors, named=st.fixed_dictionaries({}, optional={**doors, "chat": keeping}))
    def set_room(self, who: str, named: dict[str, Any]) -> None:
        self.ask(who, "set_room", **named)

    @rule(who=governors, id=people, source=sources)
    def ask_mute(self, who: str, id: str, source: str) -> None:
        self.ask(who, "ask_mute", id=id, source=source)

    @rule(who=governors, id=somebody, source=sources, on=st.booleans(), seconds=st.sampled_from([None, 1, 60]))
    def silence(self, who: str, id: str | None, source: str, on: bool, seconds: int | None) -> None:
        self.ask(who, "silence", id=id, source=source, on=on, seconds=seconds)

    @rule(who=governors, really=st.integers(0, 9))
    def end_meeting(self, who: str, really: int) -> None:
        if not really:
            self.ask(who, "end_meeting")

    # What holds

    @invariant()
    def nobody_sits_twice_and_no_seat_too_many(self) -> None:
        ids = [p.id for p in self.room.participants]
        assert len(set(ids)) == len(ids)
        assert len(self.room.roster) <= CAPACITY

    @invariant()
    def away_is_what_is_since(self) -> None:
        for p in self.room.participants:
            assert (p.presence == "away") == (p.away_since is not None)
            assert len({pub.source for pub in p.publications}) == len(p.publications)
            assert len(p.attributes) <= 16
            assert None not in p.attributes.values()

    @invariant()
    def a_person_is_the_same_in_every_tab(self) -> None:
        for p in self.room.roster:
            for q in self.room.seats(p.user):
                assert (p.role, p.silenced) == (q.role, q.silenced)
            assert p.role == "host" or p.user != self.room.owner
            assert p.role != "listener" or p.publications == ()

    @invariant()
    def who_is_out_is_out(self) -> None:
        out = {exile.user for exile in self.room.out}
        assert not out & {p.user for p in self.room.participants}
        assert self.room.owner not in out

    @invariant()
    def nobody_waits_at_an_open_door(self) -> None:
        doors, room = self.room.doors, self.room
        shut = doors.locked or doors.lobby or (doors.wait_for_host and not room.hosts)
        assert shut or not room.knocking or len(room.roster) == CAPACITY

    @invariant()
    def what_is_kept_was_said_to_all(self) -> None:
        assert not self.private & {line.id for line in self.room.history}
        assert self.room.doors.chat != "off" or self.room.history == ()

    @invariant()
    def what_is_heard_is_what_is(self) -> None:
        assert set(self.known) == {p.id for p in self.room.participants}
        for id, known in self.known.items():
            assert msgspec.json.encode(known) == msgspec.json.encode(view(self.room, id))


TestAnyMeeting = AnyMeeting.TestCase
TestAnyMeeting.settings = settings(max_examples=100, stateful_step_count=50)
