"""Two whole servers on one Redis behind one address, and people in browsers who do not notice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.redis_server import RedisServer

from .front import Front
from .person import SERVER_AWAY, People, Person, until
from .server import Server

pytestmark = pytest.mark.browser

SEATED_AGAIN = 3.0  # seconds after the first try to reconnect
HEARD = 8.0  # seconds until all servers hear Redis again; each tries at least once a second


class Houses:
    def __init__(self, redis: RedisServer, servers: list[Server], front: Front) -> None:
        self.redis = redis
        self.servers = servers
        self.front = front

    def of(self, n: int) -> Server:
        """The server that the n-th signaling socket went to."""
        return next(server for server in self.servers if server.port == self.front.signaling[n])


@pytest.fixture
async def houses(tmp_path: Path, redis: RedisServer, server: Server) -> AsyncIterator[Houses]:
    await redis.empty()  # `server` has built the pages
    data = tmp_path / "data"
    servers = [Server(data, PEERMEET_REDIS_URL=redis.url) for _ in range(2)]
    for one in servers:
        await one.start()
    front = await Front(*(one.port for one in servers)).open()
    yield Houses(redis, servers, front)
    await front.close()
    for one in servers:
        await one.stop()


@pytest.fixture
async def people(chromium: Browser, houses: Houses) -> AsyncIterator[People]:
    people = People(chromium, houses.front.url)
    yield people
    await people.leave()


class Call:
    """Ada and Bob, in one room by different servers."""

    def __init__(self, ada: Person, bob: Person) -> None:
        self.ada, self.bob = ada, bob
        self.others = {ada: "Bob", bob: "Ada"}

    @classmethod
    async def begins(cls, people: People, houses: Houses) -> Call:
        ada = await people("Ada", account=True, tolerates=SERVER_AWAY)
        path = await ada.creates("Weekly planning")
        bob = await people("Bob", tolerates=SERVER_AWAY)
        await ada.joins(path)
        await bob.joins(path)
        call = cls(ada, bob)
        for one, other in call.others.items():
            await one.sees_tiles(other)
            await one.sees_moving(1)
            await one.hears(1)
        assert houses.front.signaling == [houses.servers[0].port, houses.servers[1].port]
        return call

    async def goes_on(self) -> None:
        """On the connections that it began with, and without a frozen picture."""
        for one, other in self.others.items():
            await one.sees_tiles(other)
            await one.sees_moving(1)
            await one.hears(1)
            assert await one.connections() == ["connected"]
            assert sum((await one.rtp("inbound", "video", "frozen")).values()) == 0

    async def all_know_all(self) -> None:
        for one, other in self.others.items():
            if not await one.page.locator(".people").count():
                await one.page.click("#panel-people")
            await expect(one.page.locator(".people li")).to_have_count(2)
            await expect(one.tile(other)).to_have_attribute("data-away", "false")


async def test_people_on_different_servers_meet(people: People, houses: Houses) -> None:
    call = await Call.begins(people, houses)
    await call.all_know_all()
    await call.ada.switches("microphone", on=False)
    await expect(call.bob.tile("Ada")).to_have_attribute("data-microphone", "false")
    lobby = await call.ada.another_tab()
    await lobby.goto("/lobby")
    await lobby.counts("Weekly planning", 2)
    await call.bob.leaves()
    await call.ada.sees_tiles()
    await lobby.counts("Weekly planning", 1)


async def test_a_call_outlives_one_of_its_servers(people: People, houses: Houses) -> None:
    call = await Call.begins(people, houses)
    dead = houses.of(1)
    before = await call.bob.frames()
    await dead.stop(signal.SIGKILL)
    killed = time.monotonic()
    await until(lambda: seated(houses, 3), "Bob is seated by the other server")
    assert time.monotonic() - killed < SEATED_AGAIN
    await expect(call.bob.page.get_by_text("The server cannot be reached")).to_have_count(0)
    await call.all_know_all()
    assert (await call.bob.frames()).keys() == before.keys()
    await call.goes_on()
    await call.bob.switches("microphone", on=False)  # and who speaks to one server is heard by the other's people
    await expect(call.ada.tile("Bob")).to_have_attribute("data-microphone", "false")
    await dead.start()  # it comes back, and nobody notices
    await call.all_know_all()
    assert "Traceback" not in dead.log()


async def seated(houses: Houses, sockets: int) -> bool:
    """So many signaling sockets there were, and two people sit in the one room there is."""
    if len(houses.front.signaling) < sockets:
        return False
    rooms = await houses.redis.rooms()
    return [[p["presence"] for p in room["participants"]] for room in rooms] == [["online", "online"]]


async def test_a_call_outlives_redis(people: People, houses: Houses) -> None:
    call = await Call.begins(people, houses)
    await houses.redis.stop()
    await asyncio.sleep(2)
    await call.goes_on()
    await houses.redis.start()  # with nothing in it
    await until(lambda: seated(houses, 2), "the room is there again", HEARD)
    assert len(houses.front.signaling) == 2  # nobody was dropped
    await call.ada.switches("microphone", on=False)
    await expect(call.bob.tile("Ada")).to_have_attribute("data-microphone", "false")
    await call.ada.switches("microphone", on=True)
    await call.all_know_all()
    await call.goes_on()
    assert "Traceback" not in "".join(one.log() for one in houses.servers)


async def test_a_meeting_by_two_servers_is_one_in_its_record(people: People, houses: Houses) -> None:
    call = await Call.begins(people, houses)
    code = call.ada.page.url.rpartition("/")[2]
    await call.bob.leaves()
    await call.ada.sees_tiles()

    async def both() -> bool:
        answer = await call.ada.context.request.get(f"{houses.front.url}/api/rooms/{code}/attendance.csv")
        rows = [line.split(",") for line in (await answer.text()).splitlines()[1:]]
        left = {row[3]: row[7] != "" for row in rows}
        return left == {"Ada": False, "Bob": True} and len({row[0] for row in rows}) == 1

    await until(both, "both are in the record of one meeting")
