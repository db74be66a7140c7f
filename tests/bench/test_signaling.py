"""The bench's own parts: it speaks the protocol as it is now, and counts and fits as it says. Nothing is timed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from peermeet.config import Settings
from peermeet.core import wire
from peermeet.core.model import Room, Ticket
from peermeet.core.room import Signaled
from peermeet.services import open_services
from peermeet.signaling.server import Signaling
from tests.bench.signaling import figures, relay
from tests.bench.signaling.client import Address, Client, Refused
from tests.bench.signaling.frames import TEXT, Frames, frame, size
from tests.bench.signaling.meeting import BUNDLED, SILENT, TRICKLED, Meeting, Script
from tests.bench.signaling.peermeet import Participant
from tests.bench.signaling.town import Town

LENGTHS = (0, 1, 125, 126, 65_535, 65_536)  # on both sides of where a frame's head grows
SCRIPTS = {"bundled": BUNDLED, "trickled": TRICKLED}


class TestFrames:
    @pytest.mark.parametrize("length", LENGTHS)
    def test_what_is_said_is_read_by_a_library(self, length: int) -> None:
        payload = b"x" * length
        reader = StreamReader()
        reader.feed_data(frame(payload))
        reading = Frame.parse(reader.read_exact, mask=True)
        with pytest.raises(StopIteration) as done:
            next(reading)
        assert done.value.value == Frame(Opcode.TEXT, payload)

    @pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000, 1_000_000])
    def test_what_a_library_says_is_read_however_it_is_cut(self, cut: int) -> None:
        said = [b"x" * length for length in LENGTHS]
        data = b"".join(Frame(Opcode.TEXT, payload).serialize(mask=False) for payload in said)
        frames, heard = Frames(), []
        for at in range(0, len(data), cut):
            heard += frames.feed(data[at : at + cut])
        assert heard == [(TEXT, payload) for payload in said]
        assert len(data) == sum(size(payload) for payload in said)

    @pytest.mark.parametrize("data", [b"\x01\x01x", b"\x81\x81\0\0\0\0x"])
    def test_what_is_not_understood_is_not_passed_over(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="masked or fragmented"):
            Frames().feed(data)


class TestFigures:
    def test_a_straight_line_is_found(self) -> None:
        found = figures.line([2, 4, 32], [11, 17, 101])
        assert (round(found.slope, 9), round(found.start, 9), round(found.fit, 9)) == (3, 5, 1)
        assert round(found.at(10), 9) == 35

    def test_what_grows_faster_is_no_straight_line(self) -> None:
        assert figures.line([1, 2, 3, 4], [1, 4, 9, 16]).fit < 0.99

    @pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100)])
    def test_a_percentile_is_a_value_that_was_measured(self, share: float, value: int) -> None:
        assert figures.percentile(range(100, 0, -1), share) == value

    def test_medians_are_told_with_their_range(self) -> None:
        assert figures.told([1234.56]) == "1,234.6"
        assert figures.told([3, 1, 2], 0) == "2 (1 to 3)"
        assert figures.ratio([2, 9, 4], [1, 3, 2]) == "2.00"

    def test_a_table_is_markdown(self) -> None:
        told = figures.table(["what", "figure"], [["a", "1"]])
        assert told.splitlines() == ["| what | figure |", "| ---- | ------ |", "| a    | 1      |"]


@pytest.mark.parametrize("name", SCRIPTS)
class TestTheScripts:
    """What the bench has relayed is what the server takes from browsers."""

    def test_every_signal_is_allowed(self, name: str) -> None:
        for body in SCRIPTS[name].offers + SCRIPTS[name].answers:
            wire.parse(json.loads(f'{{"type":"signal","to":"p-2",{body}}}'), "p-1")

    def test_a_signal_is_known_again_when_it_arrives(self, name: str) -> None:
        for number, body in enumerate(SCRIPTS[name].offers + SCRIPTS[name].answers, start=1):
            said = json.loads(f'{{"type":"signal","to":"p-2",{relay.marked(body, number)}}}')
            command = wire.parse(said, "p-1")
            event = Signaled(command.to, command.by, command.description, command.candidates)
            assert relay.number(json.dumps(wire.build(event)).encode()) == number


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # Ctrl-C is pytest's
        yield


async def test_the_town_is_known_to_the_server(tmp_path: Path) -> None:
    town = await Town.found(tmp_path, rooms=2, size=3)
    settings = Settings.from_env({"PEERMEET_DATA": str(tmp_path), "PEERMEET_SECRET": town.secret})
    async with open_services(settings) as services:
        for room, people in town.rooms.items():
            for person in people:
                user = await services.who_sent(town.cookie(person))
                assert user is not None
                asked = await services.admit(await services.ticket(user, room, person.source, session=person.session))
                made = await services.admit(town.ticket(person, room, person.source))
                assert (made.user, made.role, made.guest) == (asked.user, asked.role, asked.guest)
                assert (made.session, made.key) == (asked.session, asked.key)
                assert made.role == ("host" if person is people[0] else "member")


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A signaling server that takes the town's tickets."""

    async def admit(ticket: object) -> Ticket:
        return TOWN.tokens.read_ticket(ticket)

    async def open_room(code: str) -> Room:
        return Room(code, capacity=4)

    signaling = Signaling(admit, open_room, ice_servers=[])
    app = Starlette(routes=[Mount("/rtc", app=signaling.asgi)])
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1)
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield listener.getsockname()[1]
    server.should_exit = True
    await serving
    await signaling.close()


TOWN = Town("the secret of a town that nobody lives in")


def somebody(port: int, n: int, room: str = "a-room") -> Client:
    person = TOWN.person(n, owner=n == 0)
    address = Address("127.0.0.1", port, person.source)
    return Participant(address, TOWN, person, room, over_http=False, publishes=True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 is the only loopback address")
class TestTheClients:
    @pytest.mark.parametrize("name", SCRIPTS)
    async def test_four_people_meet_and_leave(self, port: int, name: str) -> None:
        script = SCRIPTS[name]
        meeting = Meeting(script)
        for n in range(4):
            await meeting.joins(somebody(port, n))
        await meeting.settles()
        pairs = 6
        assert meeting.heard == pairs * script.signals
        await meeting.leaves()
        await meeting.joins(somebody(port, 5))  # nobody is there any more to be met
        await meeting.leaves()

    async def test_everything_that_the_server_sends_is_counted(self, port: int) -> None:
        alone = Meeting(SILENT)
        await alone.joins(somebody(port, 0))
        await alone.settles()
        (client,) = alone.clients
        # Engine.IO's hello, Socket.IO's, the room, the join's answer; two publications with their answers.
        assert client.messages == 4 + 2 * 2
        await alone.leaves()

    async def test_who_is_refused_says_so(self, port: int) -> None:
        meeting = Meeting(SILENT)
        for n in range(4):
            await meeting.joins(somebody(port, n))
        with pytest.raises(Refused, match="room_full"):
            await meeting.joins(somebody(port, 4))
        await meeting.leaves()

    async def test_who_is_sent_away_waits_for_no_answer(self, port: int) -> None:
        meeting = Meeting(SILENT)
        await meeting.joins(somebody(port, 0))
        (client,) = meeting.clients
        client.socket.say(b"41/meeting,")  # leaves the namespace: the server closes the connection
        await client.socket.ended.wait()
        with pytest.raises(Refused, match="closed"):
            meeting.check()
        await meeting.leaves()  # without an answer

    async def test_signals_that_nobody_gets_are_missed(self, port: int) -> None:
        meeting = Meeting(Script(('"candidates":[]',), ()))  # refused: it says nothing
        await meeting.joins(somebody(port, 0))
        with pytest.raises(Refused, match="bad_message"):
            await meeting.joins(somebody(port, 1))
        await meeting.leaves()
