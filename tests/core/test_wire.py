"""The border: what browsers send becomes a command or a refusal, and never anything else."""

from __future__ import annotations

import json
import math
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from peermeet.core import wire
from peermeet.core.commands import (
    Admit,
    Allow,
    AskMute,
    Ban,
    Candidate,
    DeleteMessage,
    Deny,
    Description,
    EndMeeting,
    FromBrowser,
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
from peermeet.core.errors import Refusal
from peermeet.core.events import (
    ExilesChanged,
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
    Told,
    Waiting,
    Welcomed,
)
from peermeet.core.model import Doors, Exile, Known, Message, Participant, Publication, Room, Silence
from peermeet.core.room import evolve

PUBLISH = {"type": "publish", "source": "camera", "stream_id": "s"}
SIGNAL = {"type": "signal", "to": "bob", "description": {"type": "offer", "sdp": "v=0"}}
ATTRIBUTES = {"type": "set_attributes", "attributes": {"hand": 1}}
MESSAGE = {"type": "send_message", "topic": "chat", "data": "hello"}
BAN = {"type": "ban", "id": "bob"}
SILENCE = {"type": "silence", "source": "microphone", "on": True}
ROLE = {"type": "set_role", "id": "bob", "role": "cohost"}
JOIN = {"type": "join", "room": "den", "device": "abcdefgh"}

FROM_SHELL = ["join", "resume", "disconnect", "expire", "lift", "set_doors", "end"]

# Python holds worse than JSON does; a careless caller may hand in any of it.
NOT_JSON = [
    math.nan,
    math.inf,
    -math.inf,
    2**53 + 1,
    -(2**53) - 1,
    10**400,
    "\ud800",
    "a\udfffb",
    b"bytes",
    bytearray(b"bytes"),
    {1, 2},
    {1: "number for a key"},
    {None: 1},
    {"\ud800": 1},
    [{"ok": [math.nan]}],
    Decimal(1),
    datetime(2026, 1, 1),
    1j,
    object(),
    Leave("ada"),
    int,
]
NOT_MESSAGES = [None, True, 7, 1.5, "leave", b"{}", [], [PUBLISH], (), {1}, object(), Leave("ada"), Leave]


def refused(message: object, parse: Any = lambda message: wire.parse(message, "ada")) -> str:
    with pytest.raises(Refusal) as refusal:
        parse(message)
    return refusal.value.code


def candidates(count: int) -> list[dict[str, str]]:
    return [{"candidate": "c"}] * count


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize(
    ("message", "command"),
    [
        ({"type": "leave"}, Leave("ada")),
        (PUBLISH, Publish("ada", "camera", "s", muted=False)),
        ({**PUBLISH, "muted": True}, Publish("ada", "camera", "s", muted=True)),
        ({"type": "unpublish", "source": "screen"}, Unpublish("ada", "screen")),
        (SIGNAL, Signal("ada", "bob", Description("offer", "v=0"))),
        (
            {
                "type": "signal",
                "to": "bob",
                "candidates": [
                    {"candidate": "c", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "x"},
                    {"candidate": "", "sdpMid": None},
                ],
            },
            Signal("ada", "bob", None, (Candidate("c", "0", 0, "x"), Candidate(""))),
        ),
        (
            {"type": "signal", "to": "bob", "description": {"type": "rollback"}},
            Signal("ada", "bob", Description("rollback")),
        ),
        (ATTRIBUTES, SetAttributes("ada", {"hand": 1})),
        ({"type": "set_attributes", "attributes": {"a.b-c_9": None}}, SetAttributes("ada", {"a.b-c_9": None})),
        (MESSAGE, SendMessage("ada", "chat", "hello")),
        ({**MESSAGE, "to": "bob"}, SendMessage("ada", "chat", "hello", "bob")),
        ({"type": "send_message", "topic": "chat"}, SendMessage("ada", "chat")),
        ({**MESSAGE, "data": "naïve 👋\0"}, SendMessage("ada", "chat", "naïve 👋\0")),
        (
            {**MESSAGE, "data": [2**53, -(2**53), 1e308, True]},
            SendMessage("ada", "chat", [2**53, -(2**53), 1e308, True]),
        ),
        ({"type": "admit", "id": "bob"}, Admit("ada", "bob")),
        ({"type": "admit"}, Admit("ada")),
        ({"type": "admit", "id": None}, Admit("ada")),
        ({"type": "deny", "id": "bob"}, Deny("ada", "bob")),
        ({"type": "deny"}, Deny("ada")),
        ({"type": "remove", "id": "bob"}, Remove("ada", "bob")),
        (BAN, Ban("ada", "bob")),
        ({"type": "allow", "user": "u-bob"}, Allow("ada", "u-bob")),
        (ROLE, SetRole("ada", "bob", "cohost")),
        ({"type": "set_room"}, SetRoom("ada")),
        ({"type": "set_room", "lobby": True, "chat": "off"}, SetRoom("ada", lobby=True, chat="off")),
        ({"type": "ask_mute", "id": "bob", "source": "camera"}, AskMute("ada", "bob", "camera")),
        (SILENCE, SilenceSource("ada", "microphone", True)),
        ({**SILENCE, "id": "bob", "seconds": 60}, SilenceSource("ada", "microphone", True, "bob", 60.0)),
        ({"type": "delete_message", "id": "m1"}, DeleteMessage("ada", "m1")),
        ({"type": "delete_message"}, DeleteMessage("ada")),
        ({"type": "end_meeting"}, EndMeeting("ada")),
    ],
)
def test_a_command(message: dict[str, Any], command: object) -> None:
    assert wire.parse(message, "ada") == command


def test_the_shell_says_when_and_by_which_name() -> None:
    assert wire.parse(MESSAGE, "ada", 7.0, "m1") == SendMessage("ada", "chat", "hello", now=7.0, stamp="m1")
    assert wire.parse(BAN, "ada", 7.0, "m1") == Ban("ada", "bob", now=7.0)
    assert wire.parse(SILENCE, "ada", 7.0, "m1") == SilenceSource("ada", "microphone", True, now=7.0)
    assert wire.parse({"type": "leave"}, "ada", 7.0, "m1") == Leave("ada")


class TestRefusedCommands:
    @pytest.mark.parametrize("message", NOT_MESSAGES, ids=repr)
    def test_no_object(self, message: object) -> None:
        assert refused(message) == "bad_message"

    @pytest.mark.parametrize(
        "kind",
        ["", "shout", "Leave", "leave ", "join", "resume", "disconnect", "expire", "lift", "end", "welcomed", "noted"],
    )
    def test_no_command_of_a_browser(self, kind: str) -> None:
        assert refused({"type": kind, "told": 1.0}) == "unknown_command"

    @pytest.mark.parametrize("kind", [None, 7, True, ["leave"], {"leave": 1}])
    def test_no_word_for_a_type(self, kind: object) -> None:
        assert refused({"type": kind}) == "unknown_command"

    def test_no_type(self) -> None:
        assert refused({}) == refused({"source": "camera"}) == "unknown_command"

    @pytest.mark.parametrize("by", ["ada", "bob", None, 7])
    @pytest.mark.parametrize("message", [PUBLISH, SIGNAL, ATTRIBUTES, MESSAGE, {"type": "leave"}])
    def test_nobody_speaks_for_another(self, message: dict[str, Any], by: object) -> None:
        assert refused({**message, "by": by}) == "bad_message"

    @pytest.mark.parametrize("stamp", ["now", "stamp"])
    @pytest.mark.parametrize("value", [7.0, "word", None])
    @pytest.mark.parametrize("message", [MESSAGE, BAN, SILENCE, {"type": "leave"}])
    def test_nobody_says_when_it_is_or_what_a_message_is_called(
        self, message: dict[str, Any], value: object, stamp: str
    ) -> None:
        assert refused({**message, stamp: value}) == "bad_message"

    @pytest.mark.parametrize("message", [PUBLISH, SIGNAL, ATTRIBUTES, MESSAGE, {"type": "leave"}])
    def test_nothing_unknown_is_let_in(self, message: dict[str, Any]) -> None:
        assert refused({**message, "role": "host"}) == "bad_message"

    @pytest.mark.parametrize(
        "message",
        [
            {"type": "publish"},
            {"type": "publish", "source": "camera"},
            {"type": "publish", "stream_id": "s"},
            {**PUBLISH, "source": "hologram"},
            {**PUBLISH, "source": ["camera"]},
            {**PUBLISH, "source": None},
            {**PUBLISH, "stream_id": ""},
            {**PUBLISH, "stream_id": "x" * 65},
            {**PUBLISH, "stream_id": 7},
            {**PUBLISH, "muted": 1},
            {**PUBLISH, "muted": "yes"},
            {**PUBLISH, "muted": None},
            {"type": "unpublish"},
            {"type": "unpublish", "source": "Camera"},
            {"type": "signal"},
            {**SIGNAL, "to": ""},
            {**SIGNAL, "to": "x" * 65},
            {**SIGNAL, "to": None},
            {**SIGNAL, "to": ["bob", "cem"]},
            {**SIGNAL, "description": "offer"},
            {**SIGNAL, "description": {"type": "bid"}},
            {**SIGNAL, "description": {"sdp": "v=0"}},
            {**SIGNAL, "description": {"type": "offer", "sdp": None}},
            {**SIGNAL, "description": {"type": "offer", "sdp": "x" * 48_001}},
            {**SIGNAL, "description": {"type": "offer", "sdp": "", "by": "bob"}},
            {**SIGNAL, "candidates": None},
            {**SIGNAL, "candidates": {"candidate": "c"}},
            {**SIGNAL, "candidates": ["c"]},
            {**SIGNAL, "candidates": [None]},
            {**SIGNAL, "candidates": [{}]},
            {**SIGNAL, "candidates": candidates(25)},
            {**SIGNAL, "candidates": [{"candidate": "x" * 513}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdpMid": 0}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdpMid": "x" * 65}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdpMLineIndex": -1}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdpMLineIndex": 256}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdpMLineIndex": "0"}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdpMLineIndex": True}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "usernameFragment": "x" * 257}]},
            {**SIGNAL, "candidates": [{"candidate": "c", "sdp_mid": "0"}]},
            {"type": "set_attributes"},
            {"type": "set_attributes", "attributes": {}},
            {"type": "set_attributes", "attributes": None},
            {"type": "set_attributes", "attributes": [["hand", 1]]},
            {"type": "set_attributes", "attributes": {"": 1}},
            {"type": "set_attributes", "attributes": {"Hand": 1}},
            {"type": "set_attributes", "attributes": {"9": 1}},
            {"type": "set_attributes", "attributes": {"hand\n": 1}},
            {"type": "set_attributes", "attributes": {"__proto__": 1}},
            {"type": "set_attributes", "attributes": {"x" * 65: 1}},
            {"type": "set_attributes", "attributes": {f"k{i}": i for i in range(17)}},
            {"type": "send_message"},
            {**MESSAGE, "topic": ""},
            {**MESSAGE, "topic": "a b"},
            {**MESSAGE, "topic": "chat\n"},
            {**MESSAGE, "topic": "x" * 65},
            {**MESSAGE, "topic": 7},
            {"type": "admit", "id": ""},
            {"type": "admit", "id": 7},
            {"type": "deny", "id": ["bob"]},
            {"type": "remove"},
            {"type": "remove", "id": None},
            {"type": "remove", "id": {"$ne": None}},
            {"type": "ban", "id": "x" * 65},
            {**BAN, "until": 1.0},
            {"type": "allow"},
            {"type": "allow", "user": ""},
            {**ROLE, "role": "owner"},
            {**ROLE, "role": "Host"},
            {**ROLE, "role": None},
            {"type": "set_role", "role": "host"},
            {"type": "set_room", "lobby": 1},
            {"type": "set_room", "locked": "yes"},
            {"type": "set_room", "chat": "always"},
            {"type": "set_room", "capacity": 1000},
            {"type": "set_room", "relay_only": 1},
            {"type": "set_room", "relays": True},
            {"type": "ask_mute", "id": "bob"},
            {"type": "ask_mute", "id": "bob", "source": "mouth"},
            {"type": "silence", "source": "microphone"},
            {**SILENCE, "on": 1},
            {**SILENCE, "seconds": 0},
            {**SILENCE, "seconds": -1},
            {**SILENCE, "seconds": 86_401},
            {**SILENCE, "seconds": "60"},
            {**SILENCE, "until": 1.0},
            {"type": "delete_message", "id": ""},
            {"type": "end_meeting", "room": "den"},
            {**MESSAGE, "to": ""},
            {**MESSAGE, "to": 7},
            {**MESSAGE, "to": "x" * 65},
        ],
        ids=lambda message: repr(message)[:70],
    )
    def test_a_wrong_shape(self, message: dict[str, Any]) -> None:
        assert refused(message) == "bad_message"

    @pytest.mark.parametrize("value", NOT_JSON, ids=lambda value: repr(value)[:40])
    def test_what_json_does_not_have(self, value: Any) -> None:
        assert refused({**MESSAGE, "data": value}) == "bad_message"
        assert refused({**ATTRIBUTES, "attributes": {"hand": value}}) == "bad_message"
        assert refused({"type": "leave", "more": value}) == "bad_message"
        assert refused({**PUBLISH, "stream_id": value}) == "bad_message"

    @pytest.mark.parametrize("key", [1, None, b"source", ("a",), "\ud800"])
    def test_keys_that_are_no_words(self, key: object) -> None:
        assert refused({**PUBLISH, key: 1}) == "bad_message"

    def test_the_largest_that_is_let_in(self) -> None:
        largest = {"type": "offer", "sdp": "x" * 48_000}
        assert wire.parse({**SIGNAL, "description": largest, "candidates": candidates(24)}, "ada")
        assert wire.parse({"type": "set_attributes", "attributes": {f"k{i}": i for i in range(16)}}, "ada")
        assert wire.parse({**PUBLISH, "stream_id": "x" * 64}, "ada")

    def test_nesting_has_a_bound(self) -> None:
        assert wire.parse({**MESSAGE, "data": nested(wire.DEPTH - 1)}, "ada")
        assert refused({**MESSAGE, "data": nested(wire.DEPTH)}) == "bad_message"

    def test_nesting_beyond_all_bounds(self) -> None:
        tower: Any = 1
        for _ in range(100_000):
            tower = [tower]
        assert refused({**MESSAGE, "data": tower}) == "bad_message"
        assert refused({"type": "join", "x": tower}, wire.parse_join) == "bad_message"
        assert refused({"type": "welcomed", "x": tower}, wire.parse_event) == "bad_message"

    def test_what_holds_itself(self) -> None:
        ring: list[Any] = []
        ring.append(ring)
        knot: dict[str, Any] = {"type": "leave"}
        knot["knot"] = knot
        assert refused({**MESSAGE, "data": ring}) == refused(knot) == "bad_message"

    def test_what_was_sent_stays_as_it_was(self) -> None:
        message = json.loads(json.dumps(SIGNAL))
        wire.parse(message, "ada")
        assert message == SIGNAL


class TestJoining:
    def test_the_request(self) -> None:
        assert wire.parse_join(JOIN) == wire.JoinRequest("den", "abcdefgh")

    @pytest.mark.parametrize("message", NOT_MESSAGES, ids=repr)
    def test_no_object(self, message: object) -> None:
        assert refused(message, wire.parse_join) == "bad_message"

    @pytest.mark.parametrize("kind", sorted(wire.TYPES))
    def test_another_command_comes_too_early(self, kind: str) -> None:
        assert refused({"type": kind}, wire.parse_join) == "not_joined"

    @pytest.mark.parametrize("kind", ["", "shout", "resume", "end", None, 7, ["join"]])
    def test_no_command(self, kind: object) -> None:
        assert refused({"type": kind}, wire.parse_join) == "unknown_command"

    @pytest.mark.parametrize(
        "change",
        [
            {"room": ""},
            {"room": "x" * 65},
            {"room": 7},
            {"room": None},
            {"room": "\ud800"},
            {"device": "short"},
            {"device": "x" * 65},
            {"device": "with space"},
            {"device": "newline8\n"},
            {"device": "abcdefg\0"},
            {"device": "äöüäöüäö"},
            {"device": 12345678},
            {"device": None},
            {"by": "ada"},
            {"role": "host"},
            {"\ud800": 1},
            {1: 2},
        ],
        ids=ascii,
    )
    def test_a_wrong_shape(self, change: dict[Any, Any]) -> None:
        assert refused({**JOIN, **change}, wire.parse_join) == "bad_message"

    @pytest.mark.parametrize("field", ["room", "device"])
    def test_a_missing_field(self, field: str) -> None:
        assert refused({k: v for k, v in JOIN.items() if k != field}, wire.parse_join) == "bad_message"


BOB = Participant(
    "bob",
    "u-bob",
    "Bob",
    publications=(Publication("camera", "s", True),),
    attributes={"hand": 1},
    invited=True,
    silenced=(Silence("microphone", 70.0),),
)
CEM_IS_OUT = Exile("u-cem", "Cem", True, 43_210.0)
BOB_ON_THE_WIRE = {
    "id": "bob",
    "user": "u-bob",
    "name": "Bob",
    "role": "member",
    "guest": False,
    "presence": "online",
    "publications": [{"source": "camera", "stream_id": "s", "muted": True}],
    "attributes": {"hand": 1},
    "away_since": None,
    "invited": True,
    "silenced": [{"source": "microphone", "until": 70.0}],
}
KNOCKING = {**BOB_ON_THE_WIRE, "presence": "knocking"}
DOORS = {
    "lobby": True,
    "locked": False,
    "wait_for_host": False,
    "one_device": False,
    "chat": "meeting",
    "relay_only": False,
}
LINE = {"id": "m1", "by": "bob", "user": "u-bob", "name": "Bob", "text": "hi", "at": 7.0}
EXILE = {"user": "u-cem", "name": "Cem", "banned": True, "until": 43_210.0}
DEN = {
    "id": "den",
    "capacity": 16,
    "grace": 30.0,
    "participants": [BOB_ON_THE_WIRE],
    "doors": DOORS,
    "owner": "u-ada",
    "history": [LINE],
    "out": [EXILE],
}
OFFER = Description("offer", "v=0")
EVENTS = [
    (
        Welcomed(
            "bob",
            Room(
                "den",
                participants=(BOB,),
                doors=Doors(lobby=True),
                owner="u-ada",
                history=(Message("m1", "bob", "u-bob", "Bob", "hi", 7.0),),
                out=(CEM_IS_OUT,),
            ),
        ),
        {"type": "welcomed", "you": "bob", "room": DEN},
    ),
    (
        Waiting("bob", Room("den", participants=(replace(BOB, presence="knocking"),)), "lobby"),
        {
            "type": "waiting",
            "you": "bob",
            "room": {
                **DEN,
                "participants": [KNOCKING],
                "doors": {**DOORS, "lobby": False},
                "owner": "",
                "history": [],
                "out": [],
            },
            "why": "lobby",
        },
    ),
    (Knocked(replace(BOB, presence="knocking")), {"type": "knocked", "participant": KNOCKING}),
    (RoomChanged(Doors(lobby=True)), {"type": "room_changed", "doors": DOORS}),
    (ExilesChanged((CEM_IS_OUT,)), {"type": "exiles_changed", "out": [EXILE]}),
    (
        MuteAsked("bob", "ada", "microphone"),
        {"type": "mute_asked", "to": "bob", "by": "ada", "source": "microphone"},
    ),
    (MessageDeleted("m1"), {"type": "message_deleted", "id": "m1"}),
    (MessageDeleted(), {"type": "message_deleted", "id": None}),
    (ParticipantJoined(BOB), {"type": "participant_joined", "participant": BOB_ON_THE_WIRE}),
    (ParticipantChanged(BOB), {"type": "participant_changed", "participant": BOB_ON_THE_WIRE}),
    (ParticipantLeft("bob", "lost"), {"type": "participant_left", "id": "bob", "reason": "lost"}),
    (
        Signaled("bob", "ada", OFFER),
        {"type": "signaled", "to": "bob", "by": "ada", "description": {"type": "offer", "sdp": "v=0"}},
    ),
    (
        Signaled("bob", "ada", None, (Candidate("c", "0", 0, "x"), Candidate(""))),
        {
            "type": "signaled",
            "to": "bob",
            "by": "ada",
            "candidates": [
                {"candidate": "c", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "x"},
                {"candidate": ""},
            ],
        },
    ),
    (MessageSent("ada", "chat", "hi"), {"type": "message_sent", "by": "ada", "topic": "chat", "data": "hi"}),
    (MessageSent("ada", "chat", to="bob"), {"type": "message_sent", "by": "ada", "topic": "chat", "to": "bob"}),
    (
        MessageSent("ada", "chat", {"text": "hi"}, None, "m1", 7.0),
        {"type": "message_sent", "by": "ada", "topic": "chat", "data": {"text": "hi"}, "id": "m1", "at": 7.0},
    ),
]


class TestEvents:
    @pytest.mark.parametrize(("event", "travels"), EVENTS)
    def test_as_they_travel(self, event: Any, travels: dict[str, Any]) -> None:
        assert json.loads(json.dumps(wire.build(event))) == travels
        assert wire.parse_event(travels) == event
        assert wire.parse_event(wire.build(event)) == event

    def test_all_that_travel_are_here(self) -> None:
        assert {type(event) for event, _ in EVENTS} == set(Told.__args__)

    def test_what_a_room_notes_does_not_travel(self) -> None:
        assert refused(wire.build(Noted("u-bob", Known(("mark",)))), wire.parse_event) == "bad_message"

    @pytest.mark.parametrize("message", [*NOT_MESSAGES, {}, {"type": "leave"}, {"type": ["welcomed"]}], ids=repr)
    def test_no_event(self, message: object) -> None:
        assert refused(message, wire.parse_event) == "bad_message"

    @pytest.mark.parametrize("value", NOT_JSON, ids=lambda value: repr(value)[:40])
    def test_what_json_does_not_have(self, value: Any) -> None:
        message = {"type": "message_sent", "by": "ada", "topic": "chat", "data": value}
        assert refused(message, wire.parse_event) == "bad_message"

    def test_what_is_let_in_as_deep_as_it_may_be_is_heard_by_latecomers(self) -> None:
        hand = {"hand": nested(wire.DEPTH - 2)}
        command = wire.parse({"type": "set_attributes", "attributes": hand}, "bob")
        assert isinstance(command, SetAttributes)
        bob = Participant("bob", "u-bob", "Bob", attributes=command.attributes)
        welcomed = Welcomed("ada", Room("den", participants=(bob,)))
        assert wire.parse_event(wire.build(welcomed)) == welcomed


# Whatever arrives. First JSON as a browser may send it, then worse.

text = st.text(st.characters(), max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | text | st.sampled_from(["bob", "camera", "offer"])
jsonish = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=8
)
anything = st.recursive(
    leaves | st.binary(max_size=4) | st.complex_numbers() | st.sampled_from([object(), int, Decimal(1), BOB, ...]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(leaves | st.binary(max_size=2), inner, max_size=3)
        | st.frozensets(leaves, max_size=2)
    ),
    max_leaves=8,
)
FIELDS = sorted({f.name for kind in FromBrowser.__args__ for f in msgspec.structs.fields(kind)} | {"room", "device"})
GOOD_MESSAGES = [
    PUBLISH,
    SIGNAL,
    ATTRIBUTES,
    MESSAGE,
    BAN,
    SILENCE,
    ROLE,
    JOIN,
    {"type": "leave"},
    {"type": "set_room"},
]
GOOD_MESSAGES += [travels for _, travels in EVENTS]


def nearly_right(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Good messages of which some fields are replaced, added or, by an ellipsis, taken away."""
    changes = st.dictionaries(st.sampled_from(FIELDS) | text, values | st.just(...), max_size=3)
    return st.builds(
        lambda message, change: {k: v for k, v in {**message, **change}.items() if v is not ...},
        st.sampled_from(GOOD_MESSAGES),
        changes,
    )


def is_json(value: Any) -> bool:
    return bool(msgspec.json.decode(msgspec.json.encode(value)) == msgspec.json.decode(json.dumps(value)))


@settings(max_examples=400)
@given(nearly_right(jsonish) | nearly_right(anything) | jsonish | anything)
def test_whatever_arrives(message: Any) -> None:
    for parse in (lambda message: wire.parse(message, "ada")), wire.parse_join, wire.parse_event:
        try:
            accepted = parse(message)
        except Refusal:
            continue
        sent = msgspec.to_builtins(accepted)
        assert is_json(sent)
        assert sent.get("by", "ada") == "ada" or parse is wire.parse_event
        if parse is wire.parse_event:  # a tab says what it likes, and the page it belongs to goes on
            for room in Room("den"), wire.parse_event(EVENTS[0][1]).room:
                once = evolve(room, accepted)
                assert evolve(once, accepted) == once


@given(st.binary(max_size=60) | nearly_right(jsonish).map(lambda message: json.dumps(message).encode()))
def test_whatever_arrives_as_text(raw: bytes) -> None:
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        return
    for parse in (lambda message: wire.parse(message, "ada")), wire.parse_join, wire.parse_event:
        try:
            parse(message)
        except Refusal:
            continue
