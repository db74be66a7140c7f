"""Two servers that share their rooms in Redis, as two processes do: real sockets, a real Redis, one store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis import asyncio as aioredis

from peermeet.core import wire
from peermeet.core.model import Room
from peermeet.core.room import evolve, view
from peermeet.signaling import limits
from peermeet.signaling import redis as shared
from tests.auth.desk import open_desk
from tests.redis_server import RedisServer
from tests.signaling.conftest import House, offer, serving
from tests.signaling.wire import Socket, code


class Houses:
    """Two servers, and what a test may do to them."""

    def __init__(self, one: House, other: House, redis: RedisServer) -> None:
        self.both = (one, other)
        self.one, self.other, self.redis = one, other, redis

    @contextlib.asynccontextmanager
    async def meeting(self, **settings: Any) -> AsyncIterator[tuple[Socket, Socket, str]]:
        """Ada, a host on one server, and Bob on the other, in one room."""
        room = await self.one.room(**settings)
        async with self.one.socket() as ada, self.other.socket() as bob:
            await self.one.seat(ada, room, "u-ada", role="host")
            await self.other.seat(bob, room, "u-bob")
            if not bob.answer.get("waiting"):
                await ada.event("participant_joined")
                await settled(ada, bob)
            yield ada, bob, room

    async def roster(self, room: str, house: House | None = None) -> list[tuple[str, str]]:
        live = await (house or self.one).signaling.hub.room(room)
        return [(p.user, p.presence) for p in live.participants] if live else []


async def settled(*sockets: Socket) -> None:
    """What is under way has arrived: each tells itself something, by way of Redis."""
    for socket in sockets:
        await socket.command({"type": "send_message", "topic": "settled", "to": socket.you})
        await socket.event("message_sent")


async def until(true: Callable[[], Awaitable[bool]], within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while not await true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@pytest.fixture
async def houses(
    tmp_path: Path, redis: RedisServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Houses]:
    await redis.empty()
    monkeypatch.setattr(limits, "CLOSE_AFTER", 0.02)
    caplog.set_level(logging.DEBUG, "peermeet")
    async with (
        open_desk(tmp_path, capacity="4") as desk,
        serving(tmp_path, desk, redis.url) as one,
        serving(tmp_path, desk, redis.url) as other,
    ):
        await hearing(one, other)
        yield Houses(one, other, redis)
    said = [record.getMessage() for record in caplog.records]
    assert not [text for text in said for secret in (*one.secrets, *other.secrets, redis.url) if secret in text]
    assert not [record for record in caplog.records if record.exc_info]


async def hearing(*houses: House) -> None:
    """They hear the channel."""
    for house in houses:

        async def hears(bus: shared.Bus | None = house.signaling._bus) -> bool:
            return bus is not None and (await bus.client.pubsub_numsub(shared.CHANNEL))[0][1] >= len(houses)

        await until(hears)


class TestMeeting:
    async def test_people_on_different_servers_meet(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, room):
            assert [p["user"] for p in bob.told[0]["room"]["participants"]] == ["u-ada", "u-bob"]
            assert await ada.command({"type": "signal", "to": bob.you, "description": offer()}) == {}
            signaled = await bob.event("signaled")
            assert (signaled["by"], signaled["description"]) == (ada.you, offer())
            assert await bob.command({"type": "publish", "source": "camera", "stream_id": "s-1"}) == {}
            changed = (await ada.event("participant_changed"))["participant"]
            assert changed["publications"] == [{"source": "camera", "stream_id": "s-1", "muted": False}]
            for house in houses.both:
                assert house.present[room] == 2
                assert await houses.roster(room, house) == [("u-ada", "online"), ("u-bob", "online")]

    async def test_who_governs_on_one_server_governs_those_on_the_other(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, room):
            silence = {"type": "silence", "source": "microphone", "on": True}
            assert await ada.command(silence) == {}
            assert (await bob.event("participant_changed"))["participant"]["silenced"]
            assert await ada.command({"type": "remove", "id": bob.you}) == {}
            assert (await bob.event("participant_left"))["reason"] == "removed"
            await bob.gone()
            for house in houses.both:
                assert await house.try_to_join(room, "u-bob") == "removed"
                async with house.socket() as back:
                    assert (await back.connect({"resume": bob.resume}))["message"] == "seat_gone"

    async def test_who_knocks_on_one_is_let_in_from_the_other(self, houses: Houses) -> None:
        async with houses.meeting(lobby=True) as (ada, bob, _):
            assert (await ada.event("knocked"))["participant"]["id"] == bob.you
            assert (await bob.event("waiting"))["why"] == "lobby"
            assert await ada.command({"type": "admit"}) == {}
            assert (await bob.event("welcomed"))["you"] == bob.you

    async def test_a_lost_seat_is_taken_again_on_the_other_server(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, room):
            async with houses.one.socket() as back:
                await back.join({"resume": bob.resume}, room)
                assert back.you == bob.you
                await bob.gone()  # one seat, one socket
                await settled(ada, back)
                assert await houses.roster(room) == [("u-ada", "online"), ("u-bob", "online")]
                assert await ada.command({"type": "signal", "to": back.you, "description": offer()}) == {}
                assert (await back.event("signaled"))["by"] == ada.you
            await until(lambda: is_so(houses, room, [("u-ada", "online"), ("u-bob", "away")]))

    async def test_nobody_is_deleted_on_one_server_alone(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, _):
            await houses.one.signaling.hub.forget("u-bob")
            assert (await ada.event("participant_left"))["id"] == bob.you
            await bob.gone()

    async def test_of_twenty_who_want_the_last_seats_just_so_many_get_them(self, houses: Houses) -> None:
        room = await houses.one.room()

        async def tries(n: int, sockets: contextlib.AsyncExitStack) -> bool:
            house = houses.both[n % 2]
            socket = await sockets.enter_async_context(house.socket())
            await socket.connect({"ticket": house.ticket(room, f"u-{n}")})
            answer = await socket.command({"type": "join", "room": room, "device": "page-one"})
            assert "you" in answer or code(answer) == "room_full"
            return "you" in answer

        async with contextlib.AsyncExitStack() as sockets:
            assert sum(await asyncio.gather(*(tries(n, sockets) for n in range(20)))) == 4
            assert len(await houses.roster(room)) == 4


class TestOrder:
    async def test_what_each_has_heard_is_the_room_as_they_may_see_it(self, houses: Houses) -> None:
        """Everybody changes something at once, on both servers."""
        async with houses.meeting() as (ada, bob, room), houses.one.socket() as cem, houses.other.socket() as dan:
            await houses.one.seat(cem, room, "u-cem")
            await houses.other.seat(dan, room, "u-dan")
            everybody = (ada, bob, cem, dan)
            for n in range(10):
                answers = await asyncio.gather(
                    ada.command(
                        {"type": "set_room", "locked": bool(n % 2)}
                        if n % 3
                        else {"type": "set_role", "id": dan.you, "role": "cohost" if n % 2 else "member"}
                    ),
                    bob.command({"type": "set_attributes", "attributes": {"hand": n}}),
                    cem.command({"type": "publish", "source": "camera", "stream_id": f"s-{n}"}),
                    dan.command({"type": "send_message", "topic": "chat", "data": {"text": f"{n}"}}),
                )
                assert answers == [{}] * 4
            await settled(*everybody)
            live = await houses.one.signaling.hub.room(room)
            assert live is not None
            assert len(live.history) == 10
            for who in everybody:
                room_as_heard = Room("nothing yet")
                for event in who.told:
                    room_as_heard = evolve(room_as_heard, wire.parse_event(event))
                assert plain(room_as_heard) == plain(view(live, who.you))


class TestRelaying:
    async def test_a_signal_is_written_nowhere(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, _), aioredis.Redis.from_url(houses.redis.url) as redis:
            await redis.config_resetstat()
            for n in range(10):
                assert await ada.command({"type": "signal", "to": bob.you, "description": offer(f"v={n}")}) == {}
            assert [(await bob.event("signaled"))["description"]["sdp"] for _ in range(10)] == [
                f"v={n}" for n in range(10)
            ]
            ran = await redis.info("commandstats")
            assert "cmdstat_set" not in ran
            assert ran["cmdstat_publish"]["calls"] == 10


class TestADeadServer:
    async def test_its_people_are_away_and_come_back_by_the_other(
        self, houses: Houses, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared, "DEAD", 1.5)
        async with houses.meeting() as (ada, bob, room):
            bus = houses.other.signaling._bus
            assert bus is not None
            monkeypatch.setattr(type(houses.other.signaling.hub), "tick", only(houses.one.signaling.hub))
            await until(lambda: is_so(houses, room, [("u-ada", "online"), ("u-bob", "away")]))
            assert (await ada.event("participant_changed"))["participant"]["presence"] == "away"
            async with houses.one.socket() as back:
                await back.join({"resume": bob.resume}, room)
                assert await houses.roster(room) == [("u-ada", "online"), ("u-bob", "online")]

    async def test_one_that_was_only_starved_has_its_people_back(
        self, houses: Houses, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shared, "DEAD", 1.5)
        async with houses.meeting() as (_, _, room):
            with monkeypatch.context() as starved:
                starved.setattr(type(houses.other.signaling.hub), "tick", only(houses.one.signaling.hub))
                await until(lambda: is_so(houses, room, [("u-ada", "online"), ("u-bob", "away")]))
            await until(lambda: is_so(houses, room, [("u-ada", "online"), ("u-bob", "online")]))

    async def test_a_room_whose_servers_are_all_gone_goes_away(self, houses: Houses) -> None:
        async with houses.meeting() as (_, _, room), aioredis.Redis.from_url(houses.redis.url) as redis:
            assert 0 < await redis.pttl(f"peermeet:room:{room}") <= shared.LIFE
            await redis.delete(f"peermeet:room:{room}")  # its time is over
            assert [held.room.id async for held in houses.one.signaling.hub.all()] == []
            assert await redis.zrange("peermeet:rooms", 0, -1) == []


class TestRedisIsLost:
    async def test_rooms_are_there_again_and_nobody_was_dropped(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, room):
            await houses.redis.stop()
            for one in (ada, bob):
                assert code(await one.command({"type": "set_attributes", "attributes": {"hand": 1}})) == "unavailable"
            await houses.redis.start()  # with nothing in it
            for one in (ada, bob):
                welcomed = await one.event("welcomed")
                assert [p["user"] for p in welcomed["room"]["participants"]] == ["u-ada", "u-bob"]
            await hearing(*houses.both)
            await settled(ada, bob)
            assert await ada.command({"type": "signal", "to": bob.you, "description": offer()}) == {}
            assert (await bob.event("signaled"))["by"] == ada.you
            assert await houses.roster(room) == [("u-ada", "online"), ("u-bob", "online")]

    async def test_who_was_lost_meanwhile_is_away_after_it(self, houses: Houses) -> None:
        async with houses.meeting() as (ada, bob, room):
            await houses.redis.stop()
            await bob.say("1")
            await bob.gone()
            await houses.redis.start()
            await ada.event("welcomed")
            await until(lambda: is_so(houses, room, [("u-ada", "online"), ("u-bob", "away")]))

    async def test_what_one_has_not_heard_it_is_told_when_the_other_hears_again(self, houses: Houses) -> None:
        """A change that only one of two servers could be told of is no secret for long."""
        async with houses.meeting() as (ada, bob, _):
            bus = houses.other.signaling._bus
            assert bus is not None
            await bus.client.client_kill_filter(_type="pubsub")  # both subscriptions are cut
            assert await ada.command({"type": "set_room", "locked": True}) == {}
            async with asyncio.timeout(5):
                while not (await bob.event("welcomed"))["room"]["doors"]["locked"]:
                    pass


class TestWhatRedisSays:
    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{",
            b"[]",
            b"\xff\xfe",
            b'{"method":"emit"}',
            b'{"method":"emit","room":"all","data":[1]}',
            b'{"method":"emit","room":[{}],"data":{}}',
            b'{"method":"callback","host_id":"x","sid":"y"}',
            b'{"method":"close_room","room":"x"}',
            b'{"method":"disconnect","sid":{"$ne":null}}',
            b"\x80\x04\x95cposix\nsystem\n.",
        ],
    )
    async def test_nonsense_on_the_channel_is_passed_over(self, houses: Houses, text: bytes) -> None:
        async with houses.meeting() as (ada, bob, _), aioredis.Redis.from_url(houses.redis.url) as redis:
            await redis.publish(shared.CHANNEL, text)
            await settled(ada, bob)
            assert await ada.command({"type": "signal", "to": bob.you, "description": offer()}) == {}
            assert (await bob.event("signaled"))["by"] == ada.you

    @pytest.mark.parametrize("value", [b"nonsense", b"1 m {", b"7 m []", b'99 m {"room":{"id":1}}', b"\xff \xff \xff"])
    async def test_a_damaged_room_is_thrown_away_and_people_join_anew(self, houses: Houses, value: bytes) -> None:
        async with houses.meeting() as (ada, bob, room), aioredis.Redis.from_url(houses.redis.url) as redis:
            await redis.set(f"peermeet:room:{room}", value)
            assert code(await ada.command({"type": "set_room", "locked": True})) in {"not_joined", "unavailable"}
            async with houses.other.socket() as again:
                await houses.other.seat(again, room, "u-bob", "page-two")
                assert await again.command({"type": "leave"}) == {}
            assert await bob.command({"type": "leave"})


def only(hub: Any) -> Callable[[Any], Awaitable[None]]:
    """A `tick` that does something at one of two hubs."""
    tick = type(hub).tick

    async def tick_there(self: Any) -> None:
        if self is hub:
            await tick(self)

    return tick_there


def plain(room: Room) -> Any:
    return json.loads(msgspec.json.encode(room))


async def is_so(houses: Houses, room: str, roster: list[tuple[str, str]]) -> bool:
    return await houses.roster(room) == roster
