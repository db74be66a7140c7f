"""Signaling over real sockets: what is granted, what is refused, and what whoever means harm gets out of it.

The fixture `house` looks after each test: two people can still meet, no stack trace and no secret was logged.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
import socketio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from peermeet.auth.tokens import Tokens
from peermeet.core.model import Room
from peermeet.signaling import limits
from tests.auth.desk import SECRET, now
from tests.signaling.conftest import SDP, House, offer
from tests.signaling.wire import Socket, code

SOON = 0.15  # seconds, in place of the five that a connection has to join


def claims(room: str, **changes: Any) -> dict[str, Any]:
    """The claims of a good ticket; None takes one away."""
    good = {
        "iss": "peermeet",
        "aud": "peermeet:ticket",
        "iat": now(),
        "exp": now() + timedelta(seconds=60),
        "jti": f"jti-{room}",
        "sub": "u-eve",
        "room": room,
        "name": "Eve",
        "role": "host",
        "guest": False,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(room: str, secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(room, **changes), secret, algorithm=algorithm)


def unsigned(room: str, header: dict[str, Any]) -> str:
    parts = [header, claims(room, iat=1, exp=99_999_999_999)]
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + "."


class TestConnecting:
    async def test_connecting_seats_nobody(self, house: House) -> None:
        room = await house.room()
        async with house.socket() as ada:
            assert set(await ada.connect({"ticket": house.ticket(room)})) == {"sid"}
            assert await house.signaling.hub.room(room) is None

    @pytest.mark.parametrize(
        "auth", [None, {}, [], "ticket", 1, True, {"ticket": None}, {"ticket": ""}, {"token": "x"}]
    )
    async def test_without_a_ticket(self, house: House, auth: object) -> None:
        async with house.socket() as socket:
            refusal = await socket.connect(auth)
            assert refusal["message"] == "no_ticket"
            assert refusal["data"] == {"code": "no_ticket", "message": "A ticket is needed to enter a meeting."}
            await socket.gone()

    @pytest.mark.parametrize("ticket", [1, 1.5, True, [], {}, {"$ne": None}, "x", "a.b.c", "é" * 20, "x" * 40_000])
    async def test_with_what_is_no_ticket(self, house: House, ticket: object) -> None:
        async with house.socket() as socket:
            assert (await socket.connect({"ticket": ticket}))["message"] == "bad_ticket"
            await socket.gone()

    @pytest.mark.parametrize(
        "forgery",
        [
            lambda room: signed(room, secret="another secret that is long enough, too"),
            lambda room: signed(room, algorithm="HS512"),
            lambda room: signed(room, aud="peermeet:session"),
            lambda room: signed(room, iss="somebody else"),
            lambda room: signed(room, jti=None),
            lambda room: signed(room, sub=None),
            lambda room: signed(room, exp=None),
            lambda room: unsigned(room, {"alg": "none"}),
            lambda room: unsigned(room, {"alg": "HS256"}),
        ],
    )
    async def test_with_a_forged_ticket(self, house: House, forgery: Any) -> None:
        async with house.socket() as socket:
            assert (await socket.connect({"ticket": forgery(await house.room())}))["message"] == "bad_ticket"
            await socket.gone()

    async def test_whoever_is_refused_is_gone_within_a_second(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.undo()  # with the delay that everybody gets
        async with house.socket() as socket:
            await socket.connect(None)
            await socket.gone(within=1.0)

    async def test_with_a_session_for_a_ticket(self, house: House) -> None:
        session = house.desk.tokens.session("u-ada")
        house.secrets.append(session)
        async with house.socket() as socket:
            assert (await socket.connect({"ticket": session}))["message"] == "bad_ticket"
            await socket.gone()

    async def test_with_a_ticket_of_yesterday(self, house: House) -> None:
        old = Tokens(SECRET, timedelta(hours=1), lambda: now() - timedelta(seconds=61))
        ticket = old.ticket(room=await house.room(), user="u-ada", name="Ada", role="member", guest=False)
        async with house.socket() as socket:
            assert (await socket.connect({"ticket": ticket}))["message"] == "ticket_expired"
            await socket.gone()

    async def test_of_all_who_come_with_one_ticket_one_gets_in(self, house: House) -> None:
        ticket = house.ticket(await house.room())
        async with contextlib.AsyncExitStack() as stack:
            sockets = [await stack.enter_async_context(house.socket()) for _ in range(8)]
            answers = await asyncio.gather(*(socket.connect({"ticket": ticket}) for socket in sockets))
            assert sum("sid" in answer for answer in answers) == 1
            assert sum(answer.get("message") == "ticket_used" for answer in answers) == 7

    @pytest.mark.parametrize("key", [None, "", "x", 1, True, [], {}, {"$ne": None}, "x" * 40_000])
    async def test_with_a_resume_key_that_is_none(self, house: House, key: object) -> None:
        async with house.socket() as socket:
            assert (await socket.connect({"resume": key}))["message"] == "seat_gone"
            await socket.gone()

    async def test_with_the_resume_key_of_a_seat_given_up(self, house: House) -> None:
        async with house.pair() as (_, bob, _room):
            await bob.command({"type": "leave"})
            async with house.socket() as again:
                assert (await again.connect({"resume": bob.resume}))["message"] == "seat_gone"

    async def test_twice_on_one_socket(self, house: House) -> None:
        room = await house.room()
        async with house.socket() as eve:
            await house.seat(eve, room, "u-eve")
            await eve.say(f"40/meeting,{json.dumps({'ticket': house.ticket(room, 'u-mallory')})}")
            assert await eve.hear() == '44/meeting,"Unable to connect"'
            live = await house.signaling.hub.room(room)
            assert live is not None
            assert [p.user for p in live.participants] == ["u-eve"]

    async def test_saying_nothing(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "JOIN_WITHIN", SOON)
        async with house.socket() as socket:
            await socket.gone()

    async def test_never_joining(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "JOIN_WITHIN", SOON)
        async with house.socket() as socket:
            assert "sid" in await socket.connect({"ticket": house.ticket(await house.room())})
            await socket.gone()

    async def test_who_has_joined_may_stay(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "JOIN_WITHIN", 1.0)
        async with house.pair() as (ada, bob, _):
            await asyncio.sleep(1.2)
            assert await ada.quiet()
            assert await bob.quiet()

    async def test_going_from_the_namespace_is_going(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            await bob.say("41/meeting,")
            await bob.gone()
            assert (await ada.event("participant_changed"))["participant"]["presence"] == "away"

    @pytest.mark.parametrize("frame", ["40", "40{}", "40/,{}", "40/admin,{}", "40/meeting/x,{}", "40*,{}"])
    async def test_to_another_namespace(self, house: House, monkeypatch: pytest.MonkeyPatch, frame: str) -> None:
        monkeypatch.setattr(limits, "JOIN_WITHIN", SOON)
        async with house.socket() as socket:
            assert (await socket.hear()).startswith("0")
            await socket.say(frame)
            await socket.gone()


class TestTransport:
    @pytest.mark.parametrize(
        "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1", "", "http://[", "x"]
    )
    async def test_another_site_gets_no_socket(self, house: House, origin: str) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with house.socket(origin=origin):
                pass
        assert refused.value.response.status_code == 403

    async def test_its_own_page_a_listed_site_and_a_program_do(self, house: House) -> None:
        own = house.url.replace("ws:", "http:")
        for origin in (own, own.replace("http:", "https:"), "https://meet.example.org", None):
            async with Socket(house.url, origin=origin) as socket:
                assert "sid" in await socket.connect({"ticket": house.ticket(await house.room())})

    @pytest.mark.parametrize(
        "query", ["", "?EIO=3&transport=websocket", "?EIO=4&transport=polling", "?EIO=4", "?sid=x"]
    )
    async def test_other_versions_and_transports_get_no_socket(self, house: House, query: str) -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with house.socket(query=query):
                pass
        assert refused.value.response.status_code == 403

    @pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
    @pytest.mark.parametrize(
        "query", ["EIO=4&transport=polling", "EIO=4&transport=websocket", "EIO=4&transport=polling&j=0", "sid=x"]
    )
    async def test_there_is_no_polling(self, house: House, method: str, query: str) -> None:
        headers = {"upgrade": "websocket"}  # without the Connection header that would make it one
        async with httpx.AsyncClient(base_url=house.url.replace("ws:", "http:"), trust_env=False) as browser:
            answer = await browser.request(method, f"/rtc/?{query}", headers=headers)
        assert answer.status_code == 400
        assert "sid" not in answer.text

    async def test_a_session_of_another_socket_cannot_be_taken_over(self, house: House) -> None:
        async with house.socket() as ada:
            sid = json.loads((await ada.hear())[1:])["sid"]
            with pytest.raises(InvalidStatus):
                async with house.socket(query=f"?EIO=4&transport=websocket&sid={sid}"):
                    pass

    @pytest.mark.parametrize(
        "frame",
        [
            "",
            "x",
            "2",
            "2probe",
            "5",
            "6",
            "9",
            "é",
            "4",
            "4x",
            "49",
            "4é",
            "4[]",
            '4{"a":1}',
            "4" + 10_000 * "[",
            "4" + 10_000 * '{"a":',
            "bAAAA",
            "b!",
            "40/meeting,{",
            "40/meeting,NaN",
            "42/meeting,",
            "42/meeting,[",
            "42/meeting,[]",
            "42/meeting,{}",
            "42/meeting,null",
            '42/meeting,{"0":"command"}',
            '42/meeting,0["command",NaN]',
            '42/meeting,0["command",{"type":"publish","muted":Infinity}]',
            '42/meeting,0["command",' + 10_000 * "[" + 10_000 * "]" + "]",
            '42/meeting,0["command",' + 10_000 * '{"a":' + "0" + 10_000 * "}" + "]",
            '42/meeting,0["command",' + 1_000 * "[" + 1_000 * "]" + "]x",
            "42/meeting," + 200 * "9" + '["command",{}]',
            "42/meeting,²" + '["command",{}]',
            '42/meeting,0[["command"],{}]',
            '42/meeting,0[{"command":1},{}]',
            '42/meeting,0["connect",{},{"resume":"x"}]',
            '42/meeting,0["disconnect","x"]',
            "43/meeting,0[]",
            '44/meeting,{"message":"x"}',
            '451-/meeting,0["command",{"_placeholder":true,"num":0}]',
            "461-/meeting,0[]",
            '499999999-/meeting,["command",{"_placeholder":true,"num":0}]',
        ],
        ids=lambda frame: frame[:40] or "nothing",
    )
    async def test_an_unreadable_frame_ends_the_connection(self, house: House, frame: str) -> None:
        async with house.pair() as (ada, bob, _):
            await bob.say(frame)
            await bob.gone()
            assert (await ada.event("participant_changed"))["participant"]["presence"] == "away"

    @pytest.mark.parametrize("frame", [b"", b"4", b"\x00", b'42/meeting,0["command",{}]', bytes(60_000)])
    async def test_binary_frames_end_the_connection(self, house: House, frame: bytes) -> None:
        async with house.pair() as (_, bob, _room):
            await bob.say(frame)
            await bob.gone()

    @pytest.mark.parametrize("frame", [b"4\xff", b'42/meeting,0["command",{"type":"\xc3\x28"}]', b"4\xed\xa0\x80"])
    async def test_what_is_not_utf8_ends_the_connection(self, house: House, frame: bytes) -> None:
        async with house.pair() as (_, bob, _room):
            await bob.say_text(frame)
            assert await bob.gone() == 1007

    async def test_a_frame_over_64_kib_ends_the_connection(self, house: House) -> None:
        async with house.pair() as (_, bob, _room):
            await bob.say("4" + "x" * limits.MAX_FRAME)
            assert await bob.gone() == 1009

    async def test_a_million_keys_end_the_connection(self, house: House) -> None:
        keys = ",".join(f'"k{n}":0' for n in range(1_000_000))
        async with house.pair() as (_, bob, _room):
            with contextlib.suppress(ConnectionClosed):  # it need not be read to its end
                await bob.say(f'42/meeting,0["command",{{"type":"publish",{keys}}}]')
            assert await bob.gone() == 1009

    async def test_as_many_keys_as_a_frame_holds_are_refused(self, house: House) -> None:
        keys = {f"k{n}": 0 for n in range(5_000)}
        async with house.pair() as (_, bob, _room):
            assert code(await bob.command({"type": "publish", **keys})) == "bad_message"
            assert code(await bob.command({"type": "set_attributes", "attributes": keys})) == "bad_message"

    async def test_the_largest_offer_passes(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            words = (SDP + " ") * 1000
            assert await ada.command({"type": "signal", "to": bob.you, "description": offer(words[:48_000])}) == {}
            assert (await bob.event("signaled"))["description"]["sdp"] == words[:48_000]


class TestCommands:
    async def test_joining_says_what_the_page_needs(self, house: House) -> None:
        room = await house.room()
        async with house.socket() as ada:
            await ada.connect({"ticket": house.ticket(room)})
            answer = await ada.command({"type": "join", "room": room, "device": "page-one"})
            house.secrets.append(answer["resume"])
            assert len(answer.pop("resume")) >= 32
            assert answer == {
                "you": answer["you"],
                "ice_servers": [{"urls": "stun:stun.example.org"}],
                "ice_expires": None,
                "relay_only": False,
                "protocol": 1,
            }
            welcomed = await ada.event("welcomed")
            assert welcomed["you"] == answer["you"]
            assert [p["name"] for p in welcomed["room"]["participants"]] == ["Ada"]

    async def test_nothing_of_a_seat_is_told_to_others(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            await bob.command({"type": "set_attributes", "attributes": {"hand": 1}})
            told = json.dumps(await ada.event("participant_changed"))
            assert bob.resume not in told
            assert house.desk.ticket("x") not in told

    @pytest.mark.parametrize("kind", ["leave", "publish", "unpublish", "signal", "set_attributes", "send_message"])
    async def test_a_command_before_joining(self, house: House, kind: str) -> None:
        room = await house.room()
        async with house.socket() as ada:
            await ada.connect({"ticket": house.ticket(room)})
            assert code(await ada.command({"type": kind, "to": "p-1", "source": "camera"})) == "not_joined"
            assert await house.signaling.hub.room(room) is None

    @pytest.mark.parametrize("kind", ["end", "expire", "disconnect", "resume", "nonsense", "", None, 1, [], {"$ne": 1}])
    async def test_a_command_that_browsers_do_not_have(self, house: House, kind: object) -> None:
        async with house.pair() as (ada, _, _room):
            assert code(await ada.command({"type": kind})) == "unknown_command"

    @pytest.mark.parametrize("event", ["Command", "join", "message", "event", "", None, 1, True, "x" * 60_000])
    async def test_an_event_that_is_no_command(self, house: House, event: object) -> None:
        async with house.pair() as (ada, _, _room):
            assert code(await ada.command({"type": "leave"}, event=event)) == "unknown_command"

    @pytest.mark.parametrize("name", ["connect", "disconnect", "*"])
    async def test_the_library_s_own_events_cannot_be_sent(self, house: House, name: str) -> None:
        async with house.pair() as (ada, bob, room):
            again = json.dumps([name, {}, {"ticket": house.ticket(room, "u-mallory")}])
            await bob.say(f"42/meeting,0{again}")
            await bob.gone()
            assert (await ada.event("participant_changed"))["participant"]["presence"] == "away"

    @pytest.mark.parametrize("text", ['["command"]', '["command",{},{}]', '["command",{"type":"leave"},0]'])
    async def test_a_command_has_one_argument(self, house: House, text: str) -> None:
        async with house.pair() as (ada, _, _room):
            assert code(await ada.emit(text)) == "bad_message"

    @pytest.mark.parametrize(
        "message",
        [
            None,
            1,
            "leave",
            [],
            [{"type": "leave"}],
            True,
            {"type": "leave", "reason": "lost"},
            {"type": "leave", "by": "p-1"},
            {"type": "publish"},
            {"type": "publish", "source": "camera"},
            {"type": "publish", "source": "kitchen", "stream_id": "s"},
            {"type": "publish", "source": "camera", "stream_id": 1},
            {"type": "publish", "source": "camera", "stream_id": ""},
            {"type": "publish", "source": "camera", "stream_id": "s" * 65},
            {"type": "publish", "source": "camera", "stream_id": "s", "muted": "yes"},
            {"type": "publish", "source": "camera", "stream_id": "s", "muted": None},
            {"type": "unpublish", "source": ["camera"]},
            {"type": "signal", "to": "p-1", "description": "v=0"},
            {"type": "signal", "to": "p-1", "description": {"type": "hello", "sdp": "v=0"}},
            {"type": "signal", "to": "p-1", "description": {"type": "offer", "sdp": "v" * 48_001}},
            {"type": "signal", "to": "p-1", "description": {"type": "offer", "sdp": ["v=0"]}},
            {"type": "signal", "to": "p-1", "candidates": 25 * [{"candidate": "x"}]},
            {"type": "signal", "to": "p-1", "candidates": [{"candidate": "x" * 513}]},
            {"type": "signal", "to": "p-1", "candidates": [{"candidate": "x", "sdpMLineIndex": -1}]},
            {"type": "signal", "to": {"$ne": None}, "description": {"type": "offer"}},
            {"type": "signal", "to": "p" * 65, "description": {"type": "offer"}},
            {"type": "set_attributes", "attributes": {}},
            {"type": "set_attributes", "attributes": []},
            {"type": "set_attributes", "attributes": {"Hand": 1}},
            {"type": "set_attributes", "attributes": {"__proto__": 1}},
            {"type": "set_attributes", "attributes": {"x" * 65: 1}},
            {"type": "send_message", "data": 1},
            {"type": "send_message", "topic": "", "data": 1},
            {"type": "send_message", "topic": "<b>", "data": 1},
            {"type": "send_message", "topic": "n", "data": 2**53 + 1},
            {"type": "send_message", "topic": "n", "data": 17 * [0] and [[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]},
        ],
        ids=lambda message: json.dumps(message)[:60],
    )
    async def test_what_is_not_understood_is_refused_and_heard_by_nobody(self, house: House, message: object) -> None:
        async with house.pair() as (ada, bob, _):
            assert code(await ada.command(message)) == "bad_message"
            assert await bob.quiet()

    @pytest.mark.parametrize("command", ["set_attributes", "send_message"])
    async def test_what_is_too_large_is_refused(self, house: House, command: str) -> None:
        big = "x" * 4_095  # two quotes more as JSON
        async with house.pair() as (ada, bob, _):
            parts = {"attributes": {"big": big}} if command == "set_attributes" else {"topic": "n", "data": big}
            assert code(await ada.command({"type": command, **parts})) == "too_large"
            assert await bob.quiet()

    @pytest.mark.parametrize(
        "request_",
        [
            {},
            {"room": 1},
            {"room": ""},
            {"device": "short"},
            {"device": "with space"},
            {"device": "newline\n"},
            {"device": "x" * 65},
            {"device": None},
            {"by": "p-1"},
            {"participant": {"id": "p-1", "role": "host"}},
            {"role": "host"},
        ],
        ids=json.dumps,
    )
    async def test_a_request_to_join_that_is_not_understood(self, house: House, request_: dict[str, Any]) -> None:
        room = await house.room()
        good = {"type": "join", "room": room, "device": "page-one"} if request_ else {"type": "join"}
        async with house.socket() as ada:
            await ada.connect({"ticket": house.ticket(room)})
            assert code(await ada.command(good | request_)) == "bad_message"
            assert await house.signaling.hub.room(room) is None

    async def test_joining_another_room_than_the_ticket_s(self, house: House) -> None:
        mine, other = await house.room(), await house.room()
        async with house.socket() as ada:
            await ada.connect({"ticket": house.ticket(mine)})
            join = {"type": "join", "room": other, "device": "page-one"}
            assert code(await ada.command(join)) == "wrong_room"
            assert "error" not in await ada.command({**join, "room": mine})

    async def test_joining_a_room_deleted_meanwhile(self, house: House) -> None:
        room = await house.desk.room(owner="u-ada")
        async with house.socket() as ada:
            await ada.connect({"ticket": house.ticket(room)})
            assert await house.desk.store.delete_room(room, "u-ada")
            assert code(await ada.command({"type": "join", "room": room, "device": "page-one"})) == "no_such_room"

    async def test_joining_twice(self, house: House) -> None:
        async with house.pair() as (ada, bob, room):
            join = {"type": "join", "room": room, "device": "page-two"}
            assert code(await ada.command(join)) == "already_joined"
            assert await bob.quiet()

    async def test_joining_a_full_room(self, house: House) -> None:
        room = await house.room()
        async with contextlib.AsyncExitStack() as stack:
            for n in range(4):
                await house.seat(await stack.enter_async_context(house.socket()), room, f"u-{n}")
            async with house.socket() as late:
                await late.connect({"ticket": house.ticket(room, "u-late")})
                assert code(await late.command({"type": "join", "room": room, "device": "page-one"})) == "room_full"

    async def test_nobody_can_speak_for_another(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            for word in ("by", "from", "user", "name", "role", "id"):
                forged = {"type": "signal", "to": bob.you, "description": offer(), word: "p-somebody"}
                assert code(await ada.command(forged)) == "bad_message"
            assert await bob.quiet()
            await ada.command({"type": "signal", "to": bob.you, "description": offer()})
            assert (await bob.event("signaled"))["by"] == ada.you

    async def test_who_sits_in_another_room_is_nobody(self, house: House) -> None:
        async with house.pair() as (ada, _, _room), house.pair() as (_, elsewhere, _other):
            signal = {"type": "signal", "description": offer()}
            answers = [await ada.command({**signal, "to": to}) for to in (elsewhere.you, "p-nobody", ada.you)]
            assert code(answers[0]) == "no_such_participant"
            assert answers[0] == answers[1] == answers[2]
            message = {"type": "send_message", "topic": "n", "to": elsewhere.you}
            assert await ada.command(message) == answers[0]
            assert await elsewhere.quiet()

    async def test_names_are_relayed_as_the_ticket_has_them(self, house: House) -> None:
        room = await house.room()
        name = "Zoë 👩‍💻 & “co” {{7*7}}"
        ticket = house.desk.tokens.ticket(room=room, user="u-zoe", name=name, role="member", guest=True)
        async with house.socket() as zoe:
            await zoe.join({"ticket": ticket}, room)
            (participant,) = (await zoe.event("welcomed"))["room"]["participants"]
            assert (participant["name"], participant["guest"], participant["role"]) == (name, True, "member")

    async def test_a_hundred_signals_arrive_in_the_order_they_were_sent(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            for n in range(100):
                signal = {"type": "signal", "to": bob.you, "description": offer(f"v={n}")}
                await ada.say(f"42/meeting,{json.dumps(['command', signal])}")  # not waiting for answers
            heard = [(await bob.event("signaled"))["description"]["sdp"] for _ in range(100)]
            assert heard == [f"v={n}" for n in range(100)]


class TestSeats:
    async def test_who_loses_the_socket_is_away_and_comes_back_to_the_same_seat(self, house: House) -> None:
        async with house.pair() as (ada, bob, room):
            await bob.command({"type": "publish", "source": "camera", "stream_id": "s-1"})
            await bob._ws.close()
            await ada.event("participant_changed")
            assert (await ada.event("participant_changed"))["participant"]["presence"] == "away"
            async with house.socket() as back:
                await back.join({"resume": bob.resume}, room)
                assert (back.you, back.resume) == (bob.you, bob.resume)
                welcomed = await back.event("welcomed")
                assert [p["id"] for p in welcomed["room"]["participants"]] == [ada.you, bob.you]
                changed = (await ada.event("participant_changed"))["participant"]
                assert (changed["presence"], changed["away_since"]) == ("online", None)
                assert changed["publications"][0]["stream_id"] == "s-1"
                assert await ada.command({"type": "signal", "to": bob.you, "description": offer()}) == {}
                assert (await back.event("signaled"))["by"] == ada.you

    async def test_a_resume_key_opens_no_other_room(self, house: House) -> None:
        async with house.pair() as (_, bob, _room), house.socket() as back:
            await back.connect({"resume": bob.resume})
            join = {"type": "join", "room": await house.room(), "device": "page-one"}
            assert code(await back.command(join)) == "wrong_room"
            assert await bob.quiet()

    async def test_connecting_with_a_resume_key_alone_takes_nothing_over(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            async with house.socket() as back:
                assert "sid" in await back.connect({"resume": bob.resume})
            assert await bob.quiet()
            assert await ada.quiet()

    @pytest.mark.parametrize("by", ["ticket", "resume"])
    async def test_a_newer_socket_takes_the_seat_over_and_the_older_is_closed(self, house: House, by: str) -> None:
        async with house.pair() as (ada, bob, room), house.socket() as newer:
            auth = {"ticket": house.ticket(room, "u-bob")} if by == "ticket" else {"resume": bob.resume}
            await newer.join(auth, room)
            assert newer.you == bob.you
            await bob.gone()
            assert await ada.quiet()  # never away, not even for a moment
            live = await house.signaling.hub.room(room)
            assert live is not None
            assert [(p.id, p.presence) for p in live.participants] == [(ada.you, "online"), (bob.you, "online")]
            assert await ada.command({"type": "signal", "to": newer.you, "description": offer()}) == {}
            assert (await newer.event("signaled"))["by"] == ada.you

    async def test_who_leaves_is_gone_for_good(self, house: House) -> None:
        async with house.pair() as (ada, bob, room):
            assert await bob.command({"type": "leave"}) == {}
            assert await ada.event("participant_left") == {
                "type": "participant_left",
                "id": bob.you,
                "reason": "left",
            }
            await bob.gone()
            assert await ada.quiet()
            assert house.present[room] == 1

    async def test_an_empty_room_counts_nobody(self, house: House) -> None:
        async with house.pair() as (ada, bob, room):
            await bob.command({"type": "leave"})
            await ada.command({"type": "leave"})
            assert house.present[room] == 0

    async def test_all_hear_the_end_of_a_room(self, house: House) -> None:
        async with house.pair() as (ada, bob, room):
            await house.signaling.hub.end(room)
            assert await ada.event("participant_left") == {"type": "participant_left", "id": ada.you, "reason": "ended"}
            assert (await bob.event("participant_left"))["reason"] == "ended"
            assert code(await ada.command({"type": "leave"})) == "not_joined"

    async def test_a_socket_lost_while_it_joins_leaves_nobody_online(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        room, release, asked = await house.room(), asyncio.Event(), asyncio.Event()

        async def slow(code: str) -> Room:
            asked.set()
            await release.wait()
            return Room(code)

        monkeypatch.setattr(limits, "JOIN_WITHIN", SOON)
        monkeypatch.setattr(house.signaling.hub, "_open_room", slow)
        async with house.socket() as ada:
            await ada.connect({"ticket": house.ticket(room)})
            await ada.say(f'42/meeting,0["command",{{"type":"join","room":"{room}","device":"page-one"}}]')
            await asked.wait()
            await ada.gone()
            release.set()

        async def presences() -> list[str]:
            live = await house.signaling.hub.room(room)
            return [participant.presence for participant in live.participants] if live else []

        for _ in range(50):
            if await presences() == ["away"]:
                break
            await asyncio.sleep(0.02)
        assert await presences() == ["away"]
        monkeypatch.undo()

    async def test_nothing_is_kept_of_sockets_that_are_gone(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            await bob.say("x")
            await bob.gone()
            await ada.command({"type": "leave"})
            await ada.gone()
        for _ in range(50):
            if not house.signaling._connections:
                break
            await asyncio.sleep(0.02)
        assert house.signaling._connections == {}
        assert house.signaling._sockets == {}


class TestTheLibrary:
    """python-socketio's own client, as a program would use it."""

    async def test_two_programs_meet(self, house: House) -> None:
        room = await house.room()
        seats: list[str] = []
        heard: asyncio.Queue[Any] = asyncio.Queue()
        clients = [socketio.AsyncClient(reconnection=False, handle_sigint=False) for _ in range(2)]
        clients[1].on("event", heard.put, namespace="/meeting")
        for client, user in zip(clients, ("u-ada", "u-bob"), strict=True):
            await client.connect(
                house.url.replace("ws:", "http:"),
                auth={"ticket": house.ticket(room, user)},
                socketio_path="/rtc",
                namespaces=["/meeting"],
                transports=["websocket"],
            )
            join = {"type": "join", "room": room, "device": "page-one"}
            answer = await client.call("command", join, namespace="/meeting", timeout=5)
            house.secrets.append(answer["resume"])
            seats.append(answer["you"])
        for n in range(100):
            signal = {"type": "signal", "to": seats[1], "description": offer(f"v={n}")}
            await clients[0].emit("command", signal, namespace="/meeting")
        events = [await asyncio.wait_for(heard.get(), 5) for _ in range(101)]
        assert events[0]["type"] == "welcomed"
        assert [event["description"]["sdp"] for event in events[1:]] == [f"v={n}" for n in range(100)]
        for client in clients:
            await client.disconnect()

    async def test_a_refusal_reaches_it_with_its_code(self, house: House) -> None:
        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        refusals: list[Any] = []
        client.on("connect_error", refusals.append, namespace="/meeting")
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(
                house.url.replace("ws:", "http:"),
                auth={"ticket": "x"},
                socketio_path="/rtc",
                namespaces=["/meeting"],
                transports=["websocket"],
            )
        assert refusals[0]["message"] == refusals[0]["data"]["code"] == "bad_ticket"
        await client.disconnect()
