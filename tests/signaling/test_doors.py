"""The door of a room over real sockets: who knocks, who is let in, who is sent away, and what is left to them then."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from peermeet.signaling import limits
from tests.signaling.conftest import House, offer
from tests.signaling.wire import Socket, code

Party = tuple[Socket, Socket, str]


@contextlib.asynccontextmanager
async def hosted(house: House, **settings: Any) -> AsyncIterator[Party]:
    """Ada, who hosts, and Bob's socket, not yet used."""
    room = await house.room(**settings)
    async with house.socket() as ada, house.socket() as bob:
        await house.seat(ada, room, "u-ada", role="host")
        await ada.event("welcomed")
        yield ada, bob, room


@contextlib.asynccontextmanager
async def seated(house: House, **claims: Any) -> AsyncIterator[Party]:
    """Ada, who hosts, and Bob, who sits there."""
    async with hosted(house) as (ada, bob, room):
        await house.seat(bob, room, "u-bob", **claims)
        await bob.event("welcomed")
        await ada.event("participant_joined")
        yield ada, bob, room


class TestKnocking:
    async def test_who_knocks_waits_until_they_are_let_in(self, house: House) -> None:
        async with hosted(house, lobby=True) as (ada, bob, room):
            await house.seat(bob, room, "u-bob")
            assert set(bob.answer) == {"you", "resume", "protocol", "waiting"}
            assert bob.answer["waiting"] is True
            waiting = await bob.event("waiting")
            assert waiting["why"] == "lobby"
            assert [p["id"] for p in waiting["room"]["participants"]] == [bob.you]
            assert (await ada.event("knocked"))["participant"]["id"] == bob.you
            assert house.present[room] == 1
            assert code(await bob.command({"type": "refresh_ice"})) == "not_joined"
            assert await ada.command({"type": "admit", "id": bob.you}) == {}
            assert [p["name"] for p in (await bob.event("welcomed"))["room"]["participants"]] == ["Ada", "Bob"]
            assert "ice_servers" in await bob.command({"type": "refresh_ice"})
            assert await bob.command({"type": "signal", "to": ada.you, "description": offer()}) == {}
            assert (await ada.event("signaled"))["by"] == bob.you
            assert house.present[room] == 2

    async def test_who_sits_hears_at_once_what_they_need(self, house: House) -> None:
        async with hosted(house, lobby=True) as (ada, _, _room):
            assert "waiting" not in ada.answer
            assert ada.answer["relay_only"] is False

    async def test_who_knocks_is_nobody_yet(self, house: House) -> None:
        async with hosted(house, lobby=True) as (ada, bob, room):
            await house.seat(bob, room, "u-bob")
            await ada.event("knocked")
            for command in (
                {"type": "publish", "source": "camera", "stream_id": "s"},
                {"type": "signal", "to": ada.you, "description": offer()},
                {"type": "send_message", "topic": "chat", "data": {"text": "let me in"}},
                {"type": "admit", "id": bob.you},
                {"type": "admit"},
                {"type": "set_room", "lobby": False},
            ):
                assert code(await bob.command(command)) == "not_joined"
            assert code(await ada.command({"type": "signal", "to": bob.you, "description": offer()})) == (
                "no_such_participant"
            )
            assert await ada.quiet()

    async def test_who_loses_their_socket_knocks_no_more(self, house: House) -> None:
        async with hosted(house, lobby=True) as (ada, bob, room):
            await house.seat(bob, room, "u-bob")
            await bob._ws.close()
            assert (await ada.event("participant_left"))["id"] == bob.you
            async with house.socket() as back:
                assert (await back.connect({"resume": bob.resume}))["message"] == "seat_gone"

    async def test_one_may_give_up_waiting(self, house: House) -> None:
        async with hosted(house, lobby=True) as (ada, bob, room):
            await house.seat(bob, room, "u-bob")
            assert await bob.command({"type": "leave"}) == {}
            assert (await ada.event("participant_left"))["id"] == bob.you
            await bob.gone()

    async def test_who_is_denied_is_told_so_and_closed_and_may_knock_again(self, house: House) -> None:
        async with hosted(house, lobby=True) as (ada, bob, room):
            await house.seat(bob, room, "u-bob")
            await ada.command({"type": "deny", "id": bob.you})
            assert await bob.event("participant_left") == {
                "type": "participant_left",
                "id": bob.you,
                "reason": "denied",
            }
            await bob.gone()
            async with house.socket() as again:
                assert (await again.connect({"resume": bob.resume}))["message"] == "seat_gone"
            async with house.socket() as again:
                await house.seat(again, room, "u-bob")
                assert again.answer["waiting"] is True

    async def test_who_is_invited_does_not_knock(self, house: House) -> None:
        async with hosted(house, lobby=True) as (_, bob, room):
            await house.seat(bob, room, "u-bob", invitation="i-1")
            assert "waiting" not in bob.answer

    async def test_members_wait_for_the_host(self, house: House) -> None:
        room = await house.room(wait_for_host=True)
        async with house.socket() as ada, house.socket() as bob:
            await house.seat(bob, room, "u-bob")
            assert (await bob.event("waiting"))["why"] == "host"
            assert house.present.get(room, 0) == 0
            await house.seat(ada, room, "u-ada", role="host")
            assert len((await bob.event("welcomed"))["room"]["participants"]) == 2
            assert "ice_servers" in await bob.command({"type": "refresh_ice"})


class TestSentAway:
    @pytest.mark.parametrize(("command", "reason"), [("remove", "removed"), ("ban", "banned")])
    async def test_is_told_and_closed_and_nothing_brings_them_back(
        self, house: House, monkeypatch: pytest.MonkeyPatch, command: str, reason: str
    ) -> None:
        monkeypatch.setattr(limits, "CLOSE_AFTER", 0.5)  # time enough to try
        async with seated(house) as (ada, bob, room):
            spare = house.ticket(room, "u-bob", invitation="i-1")
            assert await ada.command({"type": command, "id": bob.you}) == {}
            assert (await bob.event("participant_left"))["reason"] == reason
            assert (await ada.event("participant_left"))["reason"] == reason
            for message in (
                {"type": "signal", "to": ada.you, "description": offer()},
                {"type": "join", "room": room, "device": "page-one"},
                {"type": "join", "room": room, "device": "page-two"},
                {"type": "leave"},
                {"type": "refresh_ice"},
            ):
                assert code(await bob.command(message)) == "not_joined"
            await bob.gone()
            async with house.socket() as again:
                assert (await again.connect({"resume": bob.resume}))["message"] == "seat_gone"
            async with house.socket() as again:
                await again.connect({"ticket": spare})
                assert code(await again.command({"type": "join", "room": room, "device": "page-two"})) == reason
            assert await house.try_to_join(room, "u-bob") == reason
            assert await house.try_to_join(room, "u-bob", device="page-two", invitation="i-1") == reason
            await ada.event("exiles_changed")
            assert await ada.quiet()
            assert await ada.command({"type": "allow", "user": "u-bob"}) == {}
            async with house.socket() as back:
                await house.seat(back, room, "u-bob")

    async def test_a_banned_guest_is_known_again_by_device_and_address(self, house: House) -> None:
        marks = ("device-of-bob", "address-of-bob")
        async with seated(house, guest=True, marks=marks) as (ada, bob, room):
            await ada.command({"type": "ban", "id": bob.you})
            await bob.gone()
            for mark in marks:
                assert await house.try_to_join(room, "u-bob2", guest=True, marks=(mark, "other")) == "banned"
            async with house.socket() as other, house.socket() as cem:
                await house.seat(other, room, "u-other", guest=True, marks=("a", "b"))
                await house.seat(cem, room, "u-cem", marks=marks)  # with an account

    async def test_marks_are_told_to_nobody(self, house: House) -> None:
        async with seated(house, marks=("a-mark-of-bob",)) as (ada, bob, room):
            async with house.socket() as cem:
                await house.seat(cem, room, "u-cem", role="host")
                assert "a-mark-of-bob" not in str(await cem.event("welcomed"))
            assert "a-mark-of-bob" not in str(ada.events + bob.events)

    async def test_a_newer_seat_of_the_same_person_replaces_the_older(self, house: House) -> None:
        async with hosted(house, one_device=True) as (_, bob, room), house.socket() as newer:
            await house.seat(bob, room, "u-bob")
            await house.seat(newer, room, "u-bob", device="page-two")
            assert (await bob.event("participant_left"))["reason"] == "replaced"
            await bob.gone()
            async with house.socket() as again:
                assert (await again.connect({"resume": bob.resume}))["message"] == "seat_gone"

    async def test_the_end_for_all_closes_every_socket(self, house: House) -> None:
        async with seated(house) as (ada, bob, room):
            assert await ada.command({"type": "end_meeting"}) == {}
            for socket in (ada, bob):
                assert (await socket.event("participant_left"))["reason"] == "ended"
            await asyncio.gather(ada.gone(), bob.gone())
            assert await house.signaling.hub.room(room) is None
            assert house.present.get(room, 0) == 0

    async def test_who_leaves_cannot_speak_on(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "CLOSE_AFTER", 0.5)
        async with seated(house) as (ada, bob, room):
            await bob.command({"type": "leave"})
            for message in ({"type": "join", "room": room, "device": "page-one"}, {"type": "leave"}):
                assert code(await bob.command(message)) == "not_joined"
            await ada.event("participant_left")
            assert await ada.quiet()

    async def test_a_deleted_account_s_seats_are_given_up(self, house: House) -> None:
        async with seated(house) as (ada, bob, _):
            await house.signaling.hub.forget("u-bob")
            assert (await ada.event("participant_left"))["id"] == bob.you
            await bob.gone()


class TestTheRecord:
    async def test_a_room_is_opened_as_its_record_has_it(self, house: House) -> None:
        room = await house.room(owner="u-ada", capacity=2, chat="off", one_device=True, relay_only=True)
        async with house.socket() as ada, house.socket() as bob:
            await house.seat(ada, room, "u-ada", role="host")
            told = (await ada.event("welcomed"))["room"]
            assert (told["capacity"], told["grace"], told["owner"]) == (2, 30, "u-ada")
            assert told["doors"] == {
                "lobby": False,
                "locked": False,
                "wait_for_host": False,
                "one_device": True,
                "chat": "off",
                "relay_only": True,
            }
            assert ada.answer["relay_only"] is True
            await house.seat(bob, room, "u-bob")
            assert await house.try_to_join(room, "u-cem") == "room_full"

    async def test_a_record_s_capacity_is_at_most_the_server_s(self, house: House) -> None:
        room = await house.room(capacity=50)
        async with house.socket() as ada:
            await house.seat(ada, room, "u-ada")
            assert (await ada.event("welcomed"))["room"]["capacity"] == 4

    async def test_a_locked_room_lets_nobody_in_but_hosts(self, house: House) -> None:
        room = await house.room(locked=True)
        assert await house.try_to_join(room, "u-bob") == "room_locked"
        assert await house.signaling.hub.room(room) is None
        async with house.socket() as ada:
            await house.seat(ada, room, "u-ada", role="host")

    async def test_what_the_owner_sets_from_outside_is_heard_inside(self, house: House) -> None:
        ada = await house.desk.account("owner@example.org")
        room = await house.room(owner=ada.id)
        async with house.socket() as bob:
            await house.seat(bob, room, "u-bob")
            await house.desk.services.save_options(ada, room, {"locked": True, "chat": "off"})
            doors = (await bob.event("room_changed"))["doors"]
            assert (doors["locked"], doors["chat"]) == (True, "off")
            assert await house.try_to_join(room, "u-cem") == "room_locked"

    async def test_a_deleted_room_ends_its_meeting(self, house: House) -> None:
        owner = await house.desk.account("deleter@example.org")
        room = await house.room(owner=owner.id)
        async with house.socket() as bob:
            await house.seat(bob, room, "u-bob")
            await house.desk.services.delete_room(owner, room)
            assert (await bob.event("participant_left"))["reason"] == "ended"
            await bob.gone()
            assert await house.try_to_join(room, "u-bob") == "no_such_room"


class TestTime:
    async def test_a_silence_ends_by_itself(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        async with seated(house) as (ada, bob, _):
            silence = {"type": "silence", "source": "microphone", "on": True, "id": bob.you, "seconds": 60}
            assert await ada.command(silence) == {}
            (silenced,) = (await bob.event("participant_changed"))["participant"]["silenced"]
            clock = house.signaling.hub._clock
            assert clock() + 50 < silenced["until"] < clock() + 61
            monkeypatch.setattr(house.signaling.hub, "_clock", lambda: clock() + 61)
            await house.signaling.hub.tick()
            assert (await bob.event("participant_changed"))["participant"]["silenced"] == []
            monkeypatch.undo()

    async def test_a_line_of_the_chat_says_when_and_which(self, house: House) -> None:
        async with seated(house) as (ada, bob, _):
            before = house.signaling.hub._clock()
            for text in ("one", "two"):
                await bob.command({"type": "send_message", "topic": "chat", "data": {"text": text}})
            lines = [await ada.event("message_sent") for _ in range(2)]
            assert lines[0]["id"] != lines[1]["id"]
            assert all(len(line["id"]) >= 16 and before <= line["at"] <= before + 60 for line in lines)
            assert await bob.command({"type": "delete_message", "id": lines[0]["id"]}) == {}
            assert (await ada.event("message_deleted"))["id"] == lines[0]["id"]

    @pytest.mark.parametrize("word", ["now", "stamp", "by"])
    async def test_nobody_says_themselves_when(self, house: House, word: str) -> None:
        async with seated(house) as (ada, bob, _):
            message = {"type": "send_message", "topic": "chat", "data": {"text": "x"}, word: 1}
            assert code(await bob.command(message)) == "bad_message"
            assert await ada.quiet()
