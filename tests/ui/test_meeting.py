"""The meeting's state: a view of what this tab has heard, and the listeners that hear with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import reflex as rx
from msgspec.structs import replace

from peermeet.core import wire
from peermeet.core.commands import CHAT_LINES, Description
from peermeet.core.errors import SENTENCES
from peermeet.core.events import (
    ExilesChanged,
    Knocked,
    MessageDeleted,
    MessageSent,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Signaled,
    Waiting,
    Welcomed,
)
from peermeet.core.model import Doors, Exile, Message, Participant, Publication, Room, Silence
from peermeet.extend import listen
from peermeet.ui.state import SCREENFUL, MeetingState
from tests.auth.desk import Desk, now
from tests.ui.conftest import Pipeline, Tab

ADA = Participant("p-ada", "u-ada", "Ada", role="host")
BOB = Participant("p-bob", "u-bob", "Bob", guest=True, publications=(Publication("microphone", "s-1"),))
WELCOMED = wire.build(Welcomed("p-ada", Room("den", participants=(ADA,))))


CEM = Participant("p-cem", "u-cem", "Cem", guest=True, presence="knocking")


def person(name: str, **changes: Any) -> Participant:
    return Participant(**{"id": f"p-{name}", "user": f"u-{name}", "name": name.title(), **changes})


def said(id: str, by: str = "p-bob", to: str | None = None) -> MessageSent:
    return MessageSent(by, "chat", {"text": f"says {id}"}, to, id, 1_700_000_000.0)


class Votes(rx.State):
    """A plugin's state, as README shows one."""

    votes: dict[str, Any] = {}  # noqa: RUF012 (Reflex copies it)

    @rx.event
    def count(self, sender: str, data: dict[str, Any]) -> None:
        self.votes[sender] = data["choice"]

    @rx.event
    def also(self, sender: str, data: dict[str, Any]) -> None:
        self.votes[f"{sender} too"] = data


async def meeting(*heard: Any) -> MeetingState:
    state = await Tab().state(MeetingState)
    for event in heard:
        state.receive(event if isinstance(event, dict) else wire.build(event))
    return state


class TestEntering:
    async def test_shows_the_room_to_strangers_too(self, desk: Desk) -> None:
        code = await desk.room()
        state = await Tab(room=code).state(MeetingState)
        await state.enter()
        assert (state.code, state.title, state.refusal) == (code, "Den", "")

    async def test_finds_a_code_however_it_is_written(self, desk: Desk) -> None:
        code = await desk.room()
        state = await Tab(room=code.upper().replace("-", "")).state(MeetingState)
        await state.enter()
        assert state.code == code

    @pytest.mark.parametrize("code", ["", "x", "2222-22222-2222", "../lobby", "x" * 1000])
    async def test_says_that_there_is_no_such_room(self, desk: Desk, code: str) -> None:
        state = await Tab(room=code).state(MeetingState)
        await state.enter()
        assert (state.code, state.refusal) == ("", SENTENCES["no_such_room"])

    async def test_says_when_a_room_opens_or_has_closed_to_all_but_its_owner(self, desk: Desk) -> None:
        ada = await desk.account()
        at = now()
        hours = {"opens": at + timedelta(hours=1), "closes": at + timedelta(hours=2)}
        for code, opens, closed in (
            (await desk.room(ada.id, **hours), hours["opens"], None),
            (await desk.room(ada.id, opens=at - timedelta(hours=2)), None, None),
            (await desk.room(ada.id, closes=at - timedelta(hours=1)), None, at - timedelta(hours=1)),
        ):
            for session, owner in ((None, False), (desk.session(ada), True)):
                state = await Tab(session, room=code).state(MeetingState)
                await state.enter()
                said = [0.0 if when is None or owner else when.timestamp() for when in (opens, closed)]
                assert [state.opens, state.closed] == pytest.approx(said, abs=0.001)

    async def test_entering_again_keeps_what_was_heard(self, desk: Desk) -> None:
        tab = Tab(room=await desk.room())
        state = await tab.state(MeetingState)
        await state.enter()
        state.receive(WELCOMED)
        state.show_panel("people")
        await state.enter()  # Reflex's socket was lost and is back
        assert (len(state.people), state.you, state.panel) == (1, "p-ada", "people")

    async def test_another_room_is_another_meeting(self, desk: Desk) -> None:
        tab = Tab(room=await desk.room())
        state = await tab.state(MeetingState)
        await state.enter()
        state.receive(WELCOMED)
        state.show_panel("people")
        tab.visit(room=await desk.room())
        await state.enter()
        assert (state.people, state.you, state.panel) == ([], "", "")
        assert state._room == Room("")


class TestHearing:
    async def test_the_room_as_it_was_told(self) -> None:
        state = await meeting(WELCOMED)
        assert state.you == "p-ada"
        assert state.people == [
            {
                "id": "p-ada",
                "name": "Ada",
                "role": "host",
                "guest": False,
                "away": False,
                "microphone": False,
                "camera": False,
                "me": True,
                "hand": 0,
                "unheard": False,
                "unseen": False,
                "below": False,
                "appoint": False,
            }
        ]
        assert (state.role, state.hosting, state.keeping) == ("host", True, True)

    async def test_people_come_change_and_go(self) -> None:
        state = await meeting(WELCOMED, ParticipantJoined(BOB))
        assert [(p["id"], p["guest"], p["microphone"]) for p in state.people] == [
            ("p-ada", False, False),
            ("p-bob", True, True),
        ]
        muted = (Publication("microphone", "s-1", True), Publication("camera", "s-1"))
        state.receive(
            wire.build(ParticipantChanged(Participant("p-bob", "u-bob", "Bob", presence="away", publications=muted)))
        )
        (bob,) = state.people[1:]
        assert (bob["away"], bob["microphone"], bob["camera"]) == (True, False, True)
        state.receive(wire.build(ParticipantLeft("p-bob", "lost")))
        assert [p["id"] for p in state.people] == ["p-ada"]

    async def test_hearing_it_twice_does_no_harm(self) -> None:
        joined = ParticipantJoined(BOB)
        state = await meeting(WELCOMED, joined, joined, WELCOMED, joined)
        assert [p["id"] for p in state.people] == ["p-ada", "p-bob"]

    async def test_signals_are_none_of_its_business(self) -> None:
        state = await meeting(WELCOMED)
        before = (state.people, state._room)
        assert state.receive(wire.build(Signaled("p-ada", "p-bob", Description("offer", "v=0")))) is None
        assert (state.people, state._room) == before

    @pytest.mark.parametrize(
        "garbage",
        [
            None,
            0,
            "welcomed",
            [],
            [WELCOMED],
            {},
            {"type": None},
            {"type": "welcomed"},
            {"type": "welcomed", "you": 1, "room": WELCOMED["room"]},
            {"type": "welcomed", "you": "p-ada", "room": {"id": "den", "participants": "everybody"}},
            {"type": "participant_joined", "participant": {"id": "p-eve"}},
            {"type": "participant_joined", "participant": {**WELCOMED["room"]["participants"][0], "role": "owner"}},
            {"type": "participant_left", "id": "p-ada", "reason": "bored"},
            {"type": "message_sent", "by": "p-ada", "topic": 1},
            {"type": "join", "room": "den", "device": "page-one"},
            {"type": {"$ne": None}},
            {"type": "message_sent", "by": "p-ada", "topic": "n", "data": float("nan")},
            {"type": "message_sent", "by": "p-ada", "topic": "n", "data": {1: 2}},
            {"type": "message_sent", "by": "p-ada", "topic": "n", "data": [[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]},
        ],
        ids=lambda garbage: repr(garbage)[:50],
    )
    async def test_garbage_is_passed_over(self, garbage: Any) -> None:
        state = await meeting(WELCOMED)
        before = (list(state.people), state._room, state.you)
        assert state.receive(garbage) is None
        assert (list(state.people), state._room, state.you) == before


@pytest.mark.usefixtures("registries")
class TestListeners:
    async def test_are_called_with_sender_and_data(self) -> None:
        listen("poll", Votes.count)
        listen("poll", Votes.also)
        state = await meeting(WELCOMED)
        specs = state.receive(wire.build(MessageSent("p-bob", "poll", {"choice": "yes"})))
        assert [spec.handler.fn.__name__ for spec in specs] == ["count", "also"]
        for spec in specs:
            assert [str(name) for name, _ in spec.args] == ["sender", "data"]

    async def test_hear_their_topic_only(self) -> None:
        listen("poll", Votes.count)
        state = await meeting(WELCOMED)
        for topic in ("polls", "chat", "poll.x"):
            assert not state.receive(wire.build(MessageSent("p-bob", topic, {"choice": "yes"})))

    async def test_a_message_that_nobody_waits_for_is_nothing(self) -> None:
        assert not (await meeting(WELCOMED)).receive(wire.build(MessageSent("p-bob", "poll")))

    async def test_run_in_the_same_tab(self, desk: Desk, pipeline: Pipeline) -> None:
        listen("poll", Votes.count)
        message = {"type": "message_sent", "by": "p-bob", "topic": "poll", "data": {"choice": "ja & <b>"}}
        await pipeline.fire(MeetingState.receive(message), None, "/meet/x", room="x")
        assert pipeline.wire.values(Votes)["votes"] == {"p-bob": "ja & <b>"}

    async def test_the_page_hears_of_people_through_the_same_pipe(self, desk: Desk, pipeline: Pipeline) -> None:
        await pipeline.fire(MeetingState.enter, None, "/meet/x", room="x")
        await pipeline.fire(MeetingState.receive(WELCOMED), None, "/meet/x", room="x")
        shown = pipeline.wire.values(MeetingState)
        assert [person["name"] for person in shown["people"]] == ["Ada"]
        assert shown["you"] == "p-ada"
        assert not [name for name in shown if name.startswith("_")]


class TestTheDoor:
    async def test_hosts_see_who_knocks_and_hear_it_in_a_sentence(self) -> None:
        state = await meeting(WELCOMED, Knocked(CEM))
        assert state.knocks == [{"id": "p-cem", "name": "Cem", "guest": True}]
        assert state.news == "Cem is waiting to be let in."
        assert [p["id"] for p in state.people] == ["p-ada"]
        state.receive(wire.build(Knocked(person("dee", presence="knocking"))))
        assert state.news == "Cem and 1 other is waiting to be let in."
        state.receive(wire.build(Knocked(person("eve", presence="knocking"))))
        assert state.news == "Cem and 2 others are waiting to be let in."
        state.receive(wire.build(ParticipantJoined(person("cem"))))
        assert [p["id"] for p in state.people] == ["p-ada", "p-cem"]
        for id in ("p-dee", "p-eve"):
            state.receive(wire.build(ParticipantLeft(id, "denied")))
        assert (state.knocks, state.news) == ([], "")

    async def test_who_waits_sees_nobody_and_answers_nobody(self) -> None:
        state = await meeting(Waiting("p-cem", Room("den", participants=(CEM,)), "lobby"))
        assert (state.people, state.knocks, state.news, state.keeping) == ([], [], "", False)

    async def test_the_doors_are_as_the_room_says(self) -> None:
        state = await meeting(WELCOMED)
        assert state.doors["lobby"] is False
        state.receive(wire.build(RoomChanged(Doors(lobby=True, chat="off"))))
        assert (state.doors["lobby"], state.doors["chat"]) == (True, "off")

    async def test_who_is_out_is_shown_until_they_may_come_back(self) -> None:
        state = await meeting(WELCOMED, ExilesChanged((Exile("u-bob", "Bob"), Exile("u-cem", "Cem", True))))
        assert [(out["name"], out["banned"]) for out in state.out] == [("Bob", False), ("Cem", True)]
        state.receive(wire.build(ExilesChanged(())))
        assert state.out == []


class TestWhoMayDoWhat:
    @pytest.mark.parametrize(
        ("mine", "theirs", "owner", "below", "appoint"),
        [
            ("host", "host", "", True, True),
            ("host", "member", "", True, True),
            ("host", "cohost", "u-bob", False, False),
            ("cohost", "member", "", True, False),
            ("cohost", "cohost", "", False, False),
            ("cohost", "host", "", False, False),
            ("member", "listener", "", False, False),
            ("listener", "member", "", False, False),
        ],
    )
    async def test_is_offered_to_who_may(self, mine: Any, theirs: Any, owner: str, below: bool, appoint: bool) -> None:
        two = (person("ada", role=mine), person("bob", role=theirs))
        state = await meeting(Welcomed("p-ada", Room("den", participants=two, owner=owner)))
        (bob,) = (p for p in state.people if p["id"] == "p-bob")
        assert (bob["below"], bob["appoint"]) == (below, appoint)
        assert state.hosting == (mine == "host")
        assert state.keeping == (mine in {"host", "cohost"})

    async def test_nobody_acts_on_themselves_in_another_tab(self) -> None:
        other = replace(ADA, id="p-ada-too")
        state = await meeting(Welcomed("p-ada", Room("den", participants=(ADA, other))))
        assert [(p["me"], p["below"], p["appoint"]) for p in state.people] == [(True, False, False), (False,) * 3]

    async def test_who_is_host_no_longer_is_offered_nothing(self) -> None:
        state = await meeting(WELCOMED, ParticipantChanged(replace(ADA, role="member")))
        assert (state.role, state.hosting, state.keeping) == ("member", False, False)


class TestHandsAndSilences:
    async def test_hands_come_first_in_the_order_in_which_they_went_up(self) -> None:
        hands = {"bob": 300, "cem": 100, "dee": None, "eve": "x", "fay": False}
        raised = [person(name, attributes={"hand": since}) for name, since in hands.items()]
        state = await meeting(WELCOMED, *map(ParticipantJoined, raised))
        assert [(p["name"], p["hand"]) for p in state.people] == [
            ("Cem", 1),
            ("Bob", 2),
            ("Eve", 3),
            ("Ada", 0),
            ("Dee", 0),
            ("Fay", 0),
        ]

    async def test_what_is_silenced_is_marked(self) -> None:
        silenced = person("bob", silenced=(Silence("microphone"), Silence("camera", 5.0)))
        state = await meeting(WELCOMED, ParticipantJoined(silenced))
        assert (state.people[1]["unheard"], state.people[1]["unseen"]) == (True, True)


class TestChat:
    async def test_what_was_said_before_is_there_for_who_comes_later(self) -> None:
        before = tuple(Message(f"m{n}", "p-bob", "u-bob", "Bob", f"line {n}", 1000.0 + n) for n in range(2))
        state = await meeting(Welcomed("p-ada", Room("den", participants=(ADA,), history=before)))
        assert (state.chat, state.unread) == ([], 0)  # a closed panel costs nothing
        state.show_panel("chat")
        assert [(line["id"], line["name"], line["first"]) for line in state.chat] == [
            ("m0", "Bob", True),
            ("m1", "Bob", False),
        ]

    async def test_unread_lines_are_counted_until_the_panel_opens(self) -> None:
        state = await meeting(WELCOMED, ParticipantJoined(BOB), said("m1"), said("m1"), said("m2"))
        state.receive(wire.build(said("mine", by="p-ada")))
        state.receive({**wire.build(said("old", to="p-ada")), "again": True})  # told by a tab whose view was lost
        assert state.unread == 2
        state.show_panel("chat")
        assert (state.unread, len(state.chat)) == (0, 4)
        state.receive(wire.build(said("m3")))
        assert (state.unread, len(state.chat)) == (0, 5)
        state.show_panel("chat")
        assert state.chat == []
        state.receive(wire.build(said("m4")))
        assert state.unread == 1

    async def test_a_private_line_says_so_and_cannot_be_deleted(self) -> None:
        state = await meeting(WELCOMED, ParticipantJoined(BOB))
        state.show_panel("chat")
        state.receive(wire.build(said("m1", to="p-ada")))
        state.receive(wire.build(said("m2", by="p-ada", to="p-bob")))
        assert [(m["private"], m["mine"], m["to"], m["deletable"]) for m in state.chat] == [
            (True, False, "Ada", False),
            (True, True, "Bob", False),
        ]
        state.receive(wire.build(MessageDeleted(None)))
        assert len(state.chat) == 2  # it was never the room's

    async def test_where_nothing_is_kept_lines_still_show_to_who_is_there(self) -> None:
        off = Room("den", participants=(ADA, BOB), doors=Doors(chat="off"))
        state = await meeting(Welcomed("p-ada", off), said("m1"))
        state.show_panel("chat")
        assert [(line["id"], line["deletable"]) for line in state.chat] == [("m1", False)]
        state.receive(wire.build(MessageDeleted(None)))
        assert state.chat == []

    async def test_hosts_delete_any_line_others_their_own(self) -> None:
        for role, deletable in (("host", [True, True]), ("member", [False, True])):
            me = replace(ADA, role=role)
            state = await meeting(
                Welcomed("p-ada", Room("den", participants=(me, BOB))), said("m1"), said("m2", "p-ada")
            )
            state.show_panel("chat")
            assert [line["deletable"] for line in state.chat] == deletable
            state.receive(wire.build(MessageDeleted("m1")))
            assert [line["id"] for line in state.chat] == ["m2"]

    async def test_shows_a_screenful_and_more_when_asked(self) -> None:
        before = tuple(Message(f"m{n}", "p-bob", "u-bob", "Bob", "x", float(n)) for n in range(CHAT_LINES))
        state = await meeting(Welcomed("p-ada", Room("den", participants=(ADA,), history=before)))
        state.show_panel("chat")
        assert (len(state.chat), state.chat[-1]["id"], state.earlier) == (SCREENFUL, "m199", True)
        for _ in range(CHAT_LINES // SCREENFUL):
            state.show_earlier()
        assert (len(state.chat), state.earlier) == (CHAT_LINES, False)

    @pytest.mark.parametrize("data", [None, "x", {}, {"text": 1}, {"text": None}, ["x"]])
    async def test_garbage_is_no_line(self, data: Any) -> None:
        state = await meeting(WELCOMED, ParticipantJoined(BOB))
        state.show_panel("chat")
        state.receive(wire.build(MessageSent("p-bob", "chat", data, None, "m1", 1.0)))
        assert (state.chat, state.unread) == ([], 0)

    async def test_writing_to_one_person_opens_the_chat(self) -> None:
        state = await meeting(WELCOMED, ParticipantJoined(BOB))
        state.write_to("p-bob")
        state.write_to("p-bob")
        assert (state.panel, state.to, state.chosen) == ("chat", "p-bob", 2)

    async def test_nothing_private_is_left_for_the_next_person_at_this_machine(self, desk: Desk) -> None:
        code = await desk.room()
        user = await desk.account()
        tab = Tab(desk.session(user), room=code)
        state = await tab.state(MeetingState)
        await state.enter()
        me = replace(ADA, user=user.id)
        heard = (Welcomed("p-ada", Room(code, participants=(me, BOB))), said("m1", to="p-ada"), said("m2"))
        for event in heard:
            state.receive(wire.build(event))
        state.show_panel("chat")
        await state.enter()  # Reflex's socket was lost and is back
        assert len(state.chat) == 2
        tab.cookie(None)
        await state.enter()
        assert state.chat == []
        state.show_panel("chat")
        state.show_panel("chat")
        assert state.chat == []
        for event in heard[:2]:
            state.receive(wire.build(event))
        other = await desk.account("bob@example.org", "Bob")
        tab.cookie(desk.session(other))
        await state.enter()
        assert (state.chat, state.panel, state.people) == ([], "", [])


class TestPanels:
    async def test_open_and_close(self) -> None:
        state = await meeting()
        state.show_panel("people")
        assert state.panel == "people"
        state.show_panel("chat")
        assert state.panel == "chat"
        state.show_panel("chat")
        assert state.panel == ""

    @pytest.mark.parametrize("odd", [None, 0, 1.5, True, [], {}, {"$ne": None}, "", "nowhere", "<b>"])
    async def test_odd_names_open_nothing_and_break_nothing(self, odd: Any) -> None:
        state = await meeting()
        state.show_panel(odd)
        assert isinstance(state.panel, str)
        state.show_panel("people")
        assert state.panel == "people"
