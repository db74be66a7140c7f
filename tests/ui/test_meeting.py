"""The meeting's state: a view of what this tab has heard, and the listeners that hear with it."""

from __future__ import annotations

from typing import Any

import pytest
import reflex as rx

from peermeet.core import wire
from peermeet.core.commands import Description
from peermeet.core.errors import SENTENCES
from peermeet.core.events import (
    MessageSent,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    Signaled,
    Welcomed,
)
from peermeet.core.model import Participant, Publication, Room
from peermeet.extend import listen
from peermeet.ui.state import MeetingState
from tests.auth.desk import Desk
from tests.ui.conftest import Pipeline, Tab

ADA = Participant("p-ada", "u-ada", "Ada", role="host")
BOB = Participant("p-bob", "u-bob", "Bob", guest=True, publications=(Publication("microphone", "s-1"),))
WELCOMED = wire.build(Welcomed("p-ada", Room("den", participants=(ADA,))))


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
            }
        ]

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
