"""What can be asked of a room, what comes of it, and who hears of it."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from peermeet.core.commands import (
    MAX_ATTRIBUTES,
    VALUE_BYTES,
    Candidate,
    Description,
    Disconnect,
    End,
    Expire,
    Join,
    Leave,
    Resume,
    SendMessage,
    SetAttributes,
    Signal,
    Unpublish,
)
from peermeet.core.errors import SENTENCES, Refusal
from peermeet.core.events import (
    AnyEvent,
    ExilesChanged,
    HoursChanged,
    Knocked,
    MessageDeleted,
    MessageSent,
    MuteAsked,
    Noted,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Signaled,
    Waiting,
    Welcomed,
)
from peermeet.core.model import Doors, Exile, Known, Message, Publication, Room
from peermeet.core.room import audience, decide, evolve, step, view
from tests.core.meeting import Meeting, person

OFFER = Description("offer", "v=0")


class TestJoining:
    def test_the_first_hears_only_the_room(self) -> None:
        den = Meeting()
        assert den.join("ada") == {"ada": [Welcomed("ada", den.view("ada"))]}
        assert den.roster == ["ada"]

    def test_who_comes_hears_the_room_and_the_others_hear_who_comes(self) -> None:
        den = Meeting("ada", "bob")
        came = ParticipantJoined(person("cem"))
        assert den.join("cem") == {"ada": [came], "bob": [came], "cem": [Welcomed("cem", den.view("cem"))]}
        assert den.roster == ["ada", "bob", "cem"]

    def test_who_asks_is_who_sits(self) -> None:
        den = Meeting()
        den.do(Join("ada", person("somebody-else", name="Ada")))
        assert den.roster == ["ada"]

    def test_nobody_sits_twice(self) -> None:
        assert Meeting("ada").refused(Join("ada", person("ada"))) == "already_joined"

    def test_nobody_sits_twice_in_a_full_room_either(self) -> None:
        assert Meeting("ada", capacity=1).refused(Join("ada", person("ada"))) == "already_joined"

    def test_a_full_room_refuses(self) -> None:
        assert Meeting("ada", "bob", capacity=2).refused(Join("cem", person("cem"))) == "room_full"

    def test_a_seat_of_somebody_away_is_not_free(self) -> None:
        den = Meeting("ada", "bob", capacity=2)
        den.do(Disconnect("bob", now=1.0))
        assert den.refused(Join("cem", person("cem"))) == "room_full"

    def test_a_seat_given_up_is_free(self) -> None:
        den = Meeting("ada", "bob", capacity=2)
        den.do(Leave("bob"))
        den.join("cem")
        assert den.roster == ["ada", "cem"]


class TestLosingTheConnection:
    def test_the_seat_stays_and_everybody_sees_it(self) -> None:
        den = Meeting("ada", "bob")
        away = ParticipantChanged(person("bob", presence="away", away_since=7.0))
        assert den.do(Disconnect("bob", now=7.0)) == {"ada": [away], "bob": [away]}
        assert den.roster == ["ada", "bob"]

    def test_losing_it_again_changes_nothing(self) -> None:
        den = Meeting("ada", "bob")
        den.do(Disconnect("bob", now=7.0))
        assert den.do(Disconnect("bob", now=9.0)) == {}
        assert den.sees("bob").away_since == 7.0

    def test_what_was_published_and_said_stays(self) -> None:
        den = Meeting("ada")
        den.publish("ada", "camera", "s")
        den.do(SetAttributes("ada", {"hand": 1}))
        den.do(Disconnect("ada", now=7.0))
        den.do(Resume("ada"))
        assert den.sees("ada") == person("ada", publications=(Publication("camera", "s"),), attributes={"hand": 1})

    def test_who_is_back_hears_the_room_and_the_others_see_them(self) -> None:
        den = Meeting("ada", "bob")
        den.do(Disconnect("bob", now=7.0))
        back = ParticipantChanged(person("bob"))
        assert den.do(Resume("bob")) == {"ada": [back], "bob": [back, Welcomed("bob", den.view("bob"))]}

    def test_who_was_never_away_is_welcomed_all_the_same(self) -> None:
        den = Meeting("ada", "bob")
        assert den.do(Resume("bob")) == {"bob": [Welcomed("bob", den.view("bob"))]}

    @pytest.mark.parametrize(("now", "left"), [(7.0, False), (16.9, False), (17.0, True), (99.0, True)])
    def test_the_grace(self, now: float, left: bool) -> None:
        den = Meeting("ada", "bob", grace=10.0)
        den.do(Disconnect("bob", now=7.0))
        heard = den.do(Expire("bob", now=now))
        assert heard == ({"ada": [ParticipantLeft("bob", "lost")]} if left else {})
        assert den.roster == (["ada"] if left else ["ada", "bob"])

    def test_a_clock_that_starts_at_nought(self) -> None:
        den = Meeting("ada", "bob", grace=10.0)
        den.do(Disconnect("bob", now=0.0))
        assert den.do(Expire("bob", now=10.0)) == {"ada": [ParticipantLeft("bob", "lost")]}

    def test_who_is_online_does_not_expire(self) -> None:
        den = Meeting("ada")
        assert den.do(Expire("ada", now=1e9)) == {}

    def test_who_came_back_in_time_does_not_expire(self) -> None:
        den = Meeting("ada", grace=10.0)
        den.do(Disconnect("ada", now=7.0))
        den.do(Resume("ada"))
        assert den.do(Expire("ada", now=99.0)) == {}

    def test_there_is_no_way_back_to_a_seat_given_up(self) -> None:
        den = Meeting("ada", "bob", grace=0.0)
        den.do(Disconnect("bob", now=7.0))
        den.do(Expire("bob", now=7.0))
        assert den.refused(Resume("bob")) == "not_joined"


class TestPublishing:
    def test_everybody_hears_which_stream_a_source_comes_on(self) -> None:
        den = Meeting("ada", "bob")
        changed = ParticipantChanged(person("ada", publications=(Publication("camera", "s"),)))
        assert den.publish("ada", "camera", "s") == {"ada": [changed], "bob": [changed]}

    def test_muting_keeps_the_promise(self) -> None:
        den = Meeting("ada")
        den.publish("ada", "microphone", "s")
        den.publish("ada", "microphone", "s", muted=True)
        assert den.sees("ada").publications == (Publication("microphone", "s", muted=True),)

    def test_a_source_comes_once_and_sources_beside_each_other(self) -> None:
        den = Meeting("ada")
        den.publish("ada", "camera", "old")
        den.publish("ada", "screen", "s")
        den.publish("ada", "camera", "new")
        assert set(den.sees("ada").publications) == {
            Publication("camera", "new"),
            Publication("screen", "s"),
        }

    def test_the_same_again_is_heard_by_nobody(self) -> None:
        den = Meeting("ada", "bob")
        den.publish("ada", "camera", "s")
        assert den.publish("ada", "camera", "s") == {}

    def test_taking_it_back(self) -> None:
        den = Meeting("ada", "bob")
        den.publish("ada", "camera", "s")
        den.publish("ada", "screen", "t")
        changed = ParticipantChanged(person("ada", publications=(Publication("camera", "s"),)))
        assert den.do(Unpublish("ada", "screen")) == {"ada": [changed], "bob": [changed]}

    def test_taking_back_what_never_came(self) -> None:
        assert Meeting("ada").do(Unpublish("ada", "screen")) == {}


class TestIntroducing:
    def test_a_signal_is_heard_by_the_one_it_is_for(self) -> None:
        candidates = (Candidate("candidate:1"), Candidate(""))
        heard = Meeting("ada", "bob", "cem").do(Signal("ada", "bob", OFFER, candidates))
        assert heard == {"bob": [Signaled("bob", "ada", OFFER, candidates)]}

    def test_a_signal_changes_no_room(self) -> None:
        den = Meeting("ada", "bob")
        before = den.room
        den.do(Signal("ada", "bob", OFFER))
        assert den.room == before

    @pytest.mark.parametrize("to", ["ada", "dee"], ids=["myself", "nobody"])
    def test_a_signal_for_nobody_else(self, to: str) -> None:
        assert Meeting("ada", "bob").refused(Signal("ada", to, OFFER)) == "no_such_participant"


class TestTelling:
    def test_attributes_are_seen_by_latecomers(self) -> None:
        den = Meeting("ada", "bob")
        changed = ParticipantChanged(person("bob", attributes={"hand": 1}))
        assert den.do(SetAttributes("bob", {"hand": 1})) == {"ada": [changed], "bob": [changed]}
        assert den.join("cem")["cem"] == [Welcomed("cem", den.view("cem"))]
        assert den.sees("bob").attributes == {"hand": 1}

    def test_attributes_are_added_and_null_takes_one_away(self) -> None:
        den = Meeting("ada")
        den.do(SetAttributes("ada", {"hand": 1, "mood": "fine"}))
        den.do(SetAttributes("ada", {"hand": None, "seat": 3, "never": None}))
        assert den.sees("ada").attributes == {"mood": "fine", "seat": 3}

    def test_the_same_again_is_heard_by_nobody(self) -> None:
        den = Meeting("ada")
        den.do(SetAttributes("ada", {"hand": [1, {"a": None}]}))
        assert den.do(SetAttributes("ada", {"hand": [1, {"a": None}]})) == {}
        assert den.do(SetAttributes("ada", {"never": None})) == {}

    def test_one_and_true_are_not_the_same(self) -> None:
        den = Meeting("ada")
        den.do(SetAttributes("ada", {"hand": 1}))
        assert den.do(SetAttributes("ada", {"hand": True}))
        assert den.sees("ada").attributes["hand"] is True

    def test_attributes_have_a_bound_over_all_commands(self) -> None:
        den = Meeting("ada")
        den.do(SetAttributes("ada", {f"k{i}": i for i in range(MAX_ATTRIBUTES)}))
        assert den.refused(SetAttributes("ada", {"more": 1})) == "too_large"
        den.do(SetAttributes("ada", {"k0": None, "more": 1}))
        assert len(den.sees("ada").attributes) == MAX_ATTRIBUTES

    def test_a_message_is_heard_by_all_and_on_any_topic_but_chat_remembered_by_nobody(self) -> None:
        den = Meeting("ada", "bob", "cem")
        before = den.room
        sent = MessageSent("ada", "reaction", "!")
        assert den.do(SendMessage("ada", "reaction", "!")) == {"ada": [sent], "bob": [sent], "cem": [sent]}
        assert den.room == before

    def test_a_message_for_one_is_heard_by_two(self) -> None:
        sent = MessageSent("ada", "note", "psst", to="cem")
        heard = Meeting("ada", "bob", "cem").do(SendMessage("ada", "note", "psst", to="cem"))
        assert heard == {"ada": [sent], "cem": [sent]}

    def test_a_note_to_myself_is_heard_once(self) -> None:
        sent = MessageSent("ada", "note", to="ada")
        assert Meeting("ada", "bob").do(SendMessage("ada", "note", to="ada")) == {"ada": [sent]}

    def test_a_message_for_nobody(self) -> None:
        assert Meeting("ada").refused(SendMessage("ada", "note", "?", to="dee")) == "no_such_participant"

    # A quote on each side; the bound is of bytes, and an é has two.
    @pytest.mark.parametrize("text", ["x" * (VALUE_BYTES - 2), "é" * (VALUE_BYTES // 2 - 1)])
    def test_values_have_a_bound(self, text: str) -> None:
        den = Meeting("ada")
        den.do(SendMessage("ada", "note", text))
        den.do(SetAttributes("ada", {"note": text}))
        assert den.refused(SendMessage("ada", "note", text + "x")) == "too_large"
        assert den.refused(SetAttributes("ada", {"note": text + "x"})) == "too_large"


class TestGoing:
    def test_the_others_hear_who_leaves(self) -> None:
        den = Meeting("ada", "bob", "cem")
        left = ParticipantLeft("bob", "left")
        assert den.do(Leave("bob")) == {"ada": [left], "cem": [left]}
        assert den.roster == ["ada", "cem"]

    def test_the_last_one_leaves_unheard(self) -> None:
        den = Meeting("ada")
        assert den.do(Leave("ada")) == {}
        assert den.roster == []

    def test_when_the_room_ends_everybody_hears_it_about_themselves(self) -> None:
        den = Meeting("ada", "bob", "cem")
        ada, bob, cem = (ParticipantLeft(id, "ended") for id in den.roster)
        assert den.do(End("")) == {"ada": [ada], "bob": [ada, bob], "cem": [ada, bob, cem]}
        assert den.roster == []

    def test_an_empty_room_ends_unheard(self) -> None:
        assert Meeting().do(End("")) == {}


ADA, BOB, CEM = person("ada"), person("bob"), person("cem")
HOST, EVE = person("ada", role="host"), person("eve", presence="knocking")
EVENTS: list[AnyEvent] = [
    Welcomed("ada", Room("den", participants=(ADA, BOB))),
    ParticipantJoined(CEM),
    ParticipantChanged(person("bob", attributes={"hand": 1})),
    ParticipantLeft("bob", "left"),
    Waiting("ada", Room("den", participants=(person("ada", presence="knocking"),)), "lobby"),
    Knocked(person("cem", presence="knocking")),
    RoomChanged(Doors(lobby=True)),
    RoomChanged(Doors(chat="off")),
    ExilesChanged((Exile("u-cem", "Cem"),)),
    Noted("u-cem", Known(("mark",))),
    HoursChanged(1000.0),
    MuteAsked("bob", "ada", "microphone"),
    MessageDeleted("m1"),
    MessageDeleted(),
    Signaled("bob", "ada", OFFER),
    MessageSent("ada", "chat", {"text": "hello"}, id="m2", at=1.0),
    MessageSent("ada", "chat", "hello"),
]
LINE = Message("m1", "bob", "u-bob", "Bob", "hi", 1.0)


class TestNames:
    def test_the_tabs_of_one_person_are_told_apart(self) -> None:
        tabs = (ADA, BOB, replace(ADA, id="a2"), replace(ADA, id="a3"), person("kim", presence="knocking"))
        room = Room("den", participants=tabs)
        assert [room.called(p) for p in tabs] == ["Ada", "Bob", "Ada (2)", "Ada (3)", "Kim"]


class TestEvolving:
    @pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
    def test_hearing_it_twice_does_no_harm(self, event: AnyEvent) -> None:
        once = evolve(Room("den", participants=(ADA, BOB), history=(LINE,)), event)
        assert evolve(once, event) == once

    def test_every_event_is_among_them(self) -> None:
        assert {type(event) for event in EVENTS} == set(AnyEvent.__args__)

    def test_who_knocked_sits_at_the_end_of_the_roster(self) -> None:
        knocking = person("ada", presence="knocking")
        room = evolve(Room("den", participants=(knocking, BOB)), ParticipantJoined(ADA))
        assert room.participants == (BOB, ADA)

    def test_a_change_keeps_the_order_of_arrival(self) -> None:
        changed = person("ada", attributes={"hand": 1})
        room = evolve(Room("den", participants=(ADA, BOB)), ParticipantChanged(changed))
        assert room.participants == (changed, BOB)

    def test_a_change_of_somebody_unheard_of_seats_them(self) -> None:
        assert evolve(Room("den"), ParticipantChanged(BOB)).participants == (BOB,)

    def test_nobody_unheard_of_can_leave(self) -> None:
        room = Room("den", participants=(ADA,))
        assert evolve(room, ParticipantLeft("bob", "left")) == room

    def test_a_welcome_replaces_whatever_was_known(self) -> None:
        room = Room("den", participants=(BOB,))
        assert evolve(Room("other", participants=(ADA, CEM)), Welcomed("bob", room)) == room


@pytest.mark.parametrize(
    ("event", "hear"),
    [
        (Welcomed("ada", Room("den")), ("ada",)),
        (ParticipantJoined(CEM), ("ada", "bob")),
        (ParticipantChanged(BOB), ("ada", "bob")),
        (ParticipantLeft("bob", "left"), ("ada",)),
        (ParticipantLeft("bob", "lost"), ("ada",)),
        (ParticipantLeft("bob", "ended"), ("ada", "bob")),
        (Signaled("bob", "ada"), ("bob",)),
        (ParticipantLeft("bob", "removed"), ("ada", "bob")),
        (ParticipantLeft("eve", "denied"), ("ada", "eve")),
        (ParticipantLeft("eve", "lost"), ("ada",)),
        (ParticipantLeft("nobody", "removed"), ("ada", "bob")),
        (Waiting("eve", Room("den"), "lobby"), ("eve",)),
        (Knocked(EVE), ("ada",)),
        (ExilesChanged(()), ("ada",)),
        (Noted("u-bob", Known()), ()),
        (RoomChanged(Doors()), ("ada", "bob")),
        (MuteAsked("bob", "ada", "camera"), ("bob",)),
        (MessageDeleted("m1"), ("ada", "bob")),
        (MessageSent("ada", "chat"), ("ada", "bob")),
        (MessageSent("ada", "chat", to="bob"), ("ada", "bob")),
        (MessageSent("ada", "chat", to="ada"), ("ada",)),
    ],
)
def test_audience(event: object, hear: tuple[str, ...]) -> None:
    before = Room("den", participants=(HOST, BOB, EVE))
    assert audience(before, evolve(before, event), event) == hear  # type: ignore[arg-type]


def test_step_is_decide_evolve_and_audience() -> None:
    room = Room("den", participants=(ADA, BOB))
    (event,) = decide(room, Leave("bob"))
    assert step(room, Leave("bob")) == (evolve(room, event), ((("ada",), event),))
    assert room.participants == (ADA, BOB)  # nothing is changed in place


def test_everybody_seated_sees_the_whole_room() -> None:
    room = Room("den", participants=(ADA, BOB))
    assert view(room, "ada") == view(room, "bob") == room


class TestViewing:
    ROOM = Room(
        "den",
        5,
        20.0,
        (HOST, BOB, person("cora", role="cohost"), EVE),
        Doors(lobby=True),
        "u-ada",
        (LINE,),
        (Exile("u-dan", "Dan", True),),
        {"u-bob": Known(("mark",), True, "host")},
    )

    @pytest.mark.parametrize("id", ["ada", "cora"])
    def test_who_answers_the_door_sees_all_but_what_the_room_knows(self, id: str) -> None:
        assert view(self.ROOM, id) == replace(self.ROOM, known=msgspec.UNSET)

    def test_others_see_neither_who_knocks_nor_who_is_out(self) -> None:
        seen = view(self.ROOM, "bob")
        assert [p.id for p in seen.participants] == ["ada", "bob", "cora"]
        assert seen.out == ()
        assert (seen.history, seen.doors, seen.owner) == ((LINE,), self.ROOM.doors, "u-ada")

    def test_who_knocks_sees_themselves_and_a_room_like_any_other(self) -> None:
        assert view(self.ROOM, "eve") == Room("den", participants=(EVE,))

    def test_who_is_not_here_sees_nobody(self) -> None:
        assert view(self.ROOM, "dan") == Room("den")

    @pytest.mark.parametrize("id", ["ada", "bob", "cora", "eve", "dan"])
    def test_what_the_room_knows_does_not_travel(self, id: str) -> None:
        assert "known" not in msgspec.to_builtins(view(self.ROOM, id))
        assert b"mark" not in msgspec.json.encode(view(self.ROOM, id))


class TestRefusals:
    @pytest.mark.parametrize("code", SENTENCES)
    def test_a_code_for_programs_and_a_sentence_for_people(self, code: str) -> None:
        refusal = Refusal(code)
        assert refusal.answer() == {"error": {"code": code, "message": refusal.sentence}}
        assert str(refusal) == refusal.sentence
        assert refusal.sentence[0].isupper()
        assert refusal.sentence.endswith(".")

    def test_a_refusal_names_its_field(self) -> None:
        assert Refusal("bad_name", "name").answer()["error"]["field"] == "name"

    def test_there_is_no_refusal_without_a_sentence(self) -> None:
        with pytest.raises(KeyError):
            Refusal("made_up")
