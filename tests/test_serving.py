"""Who sends half a request and waits: raw bytes to a running server, whose patience is a fifth of a second here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect

from peermeet.serving import Impatient, options

SHORT = 0.2  # seconds; what is cut is cut after this
PATIENCE = 10.0  # seconds for what must happen
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Hasty(Impatient):
    head_within = SHORT
    step = SHORT
    step_bytes = 100


class Unhurried(Impatient):
    head_within = step = 10 * PATIENCE


class Server(uvicorn.Server):
    """On a free port. ``heard`` is what became of the bodies that were sent."""

    def __init__(self, protocol: type[Impatient]) -> None:
        self.heard: list[int | None] = []
        self.go_on = asyncio.Event()
        routes = [
            Route("/", self.answer, methods=["GET", "POST"]),
            Route("/slow", self.slow, methods=["GET", "POST"]),
            Route("/large", lambda request: PlainTextResponse("x" * 100_000)),
            WebSocketRoute("/socket", self.talk),
        ]
        settings = options() | {"http": protocol, "timeout_graceful_shutdown": 1}
        super().__init__(uvicorn.Config(Starlette(routes=routes), host="127.0.0.1", port=0, lifespan="off", **settings))

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # Ctrl-C is pytest's
        yield

    async def answer(self, request: Request) -> Response:
        try:
            self.heard.append(len(await request.body()))
        except ClientDisconnect:
            self.heard.append(None)
        return PlainTextResponse("here you are")

    async def slow(self, request: Request) -> Response:
        """Reads nothing and says nothing before it is told to."""
        await self.go_on.wait()
        return await self.answer(request)

    async def talk(self, socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.send_text(await socket.receive_text())

    @property
    def port(self) -> int:
        found: int = self.servers[0].sockets[0].getsockname()[1]
        return found

    async def dial(self) -> Line:
        return Line(*await asyncio.open_connection("127.0.0.1", self.port))

    async def alone(self) -> None:
        """Nothing is held any more."""
        async with asyncio.timeout(PATIENCE):
            while self.server_state.connections:  # noqa: ASYNC110 (likewise)
                await asyncio.sleep(0.01)


class Line:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, *parts: bytes, pause: float = 0.0) -> None:
        with contextlib.suppress(ConnectionError):
            for part in parts:
                self._writer.write(part)
                await self._writer.drain()
                await asyncio.sleep(pause)

    async def answer(self) -> bytes:
        """The next answer, head and body."""
        async with asyncio.timeout(PATIENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            return head + await self._reader.readexactly(int(length.partition(b":")[2]))

    async def is_cut(self) -> bytes:
        """Wait for the end; what came before it."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""
            finally:
                self._writer.close()

    async def hang_up(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@contextlib.asynccontextmanager
async def served(protocol: type[Impatient]) -> AsyncIterator[Server]:
    server = Server(protocol)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    try:
        yield server
        server.go_on.set()
        await server.alone()
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def hasty() -> AsyncIterator[Server]:
    async with served(Hasty) as server:
        yield server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """As `python -m peermeet` runs it."""
    async with served(Impatient) as server:
        yield server


def post(length: int, path: bytes = b"/") -> bytes:
    return b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


class TestAHeadThatDoesNotArrive:
    @pytest.mark.parametrize(
        "said",
        [b"", b"G", b"GET / HTTP/1.1\r\n", GET[:-2], b"\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000],
    )
    async def test_ends_the_connection(self, hasty: Server, said: bytes) -> None:
        line = await hasty.dial()
        await line.say(said)
        assert await line.is_cut() == b""
        assert hasty.heard == []

    async def test_and_dribbles_gains_nothing(self, hasty: Server) -> None:
        line = await hasty.dial()
        dribbling = asyncio.create_task(line.say(*(bytes([byte]) for byte in GET[:-1]), pause=SHORT / 4))
        assert await line.is_cut() == b""
        dribbling.cancel()

    @pytest.mark.parametrize("more", [GET[:-2], b"\r\n", b"G"])
    async def test_ends_a_connection_that_was_answered_before(self, hasty: Server, more: bytes) -> None:
        line = await hasty.dial()
        await line.say(GET)
        assert (await line.answer()).endswith(b"here you are")
        await line.say(more)
        assert await line.is_cut() == b""

    async def test_of_a_websocket_neither(self, hasty: Server) -> None:
        line = await hasty.dial()
        await line.say(b"GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
        assert await line.is_cut() == b""

    async def test_from_hundreds_at_once_holds_up_nobody_and_holds_nothing(self, hasty: Server) -> None:
        lines = [await hasty.dial() for _ in range(300)]
        for line in lines:
            await line.say(GET[:-2])
        honest = await hasty.dial()
        await honest.say(GET)
        assert (await honest.answer()).endswith(b"here you are")
        assert set(await asyncio.gather(*(line.is_cut() for line in lines))) == {b""}
        await honest.hang_up()
        await hasty.alone()

    @pytest.mark.parametrize("line", [b"x" * 8192, b"X: " + b"x" * 8192 + b"\r\n"], ids=["one header", "many"])
    async def test_that_has_no_end_is_refused_for_its_size(self, line: bytes) -> None:
        async with served(Unhurried) as server:
            mallory = await server.dial()
            await mallory.say(b"GET / HTTP/1.1\r\nHost: x\r\n", b"" if b":" in line else b"X: ", *[line] * 8)
            assert (await mallory.is_cut()).startswith(b"HTTP/1.1 431 ")
            assert server.heard == []

    async def test_as_large_as_a_head_may_be_is_taken(self, server: Server) -> None:
        line = await server.dial()
        await line.say(GET[:-2], *(b"X-%d: " % n + b"x" * 1000 + b"\r\n" for n in range(15)), b"\r\n")
        assert (await line.answer()).endswith(b"here you are")
        await line.hang_up()


class TestABodyThatDoesNotArrive:
    @pytest.mark.parametrize("said", [b"", b"x" * 50])
    async def test_ends_the_connection_and_the_request(self, hasty: Server, said: bytes) -> None:
        line = await hasty.dial()
        await line.say(post(5000) + said)
        assert await line.is_cut() == b""
        await hasty.alone()
        assert hasty.heard == [None]

    async def test_and_dribbles_gains_nothing(self, hasty: Server) -> None:
        line = await hasty.dial()
        dribbling = asyncio.create_task(line.say(post(5000), *([b"x"] * 5000), pause=SHORT / 20))
        assert await line.is_cut() == b""
        dribbling.cancel()

    async def test_whose_request_was_answered_ends_the_connection(self, hasty: Server) -> None:
        line = await hasty.dial()
        await line.say(b"POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
        assert (await line.is_cut()).startswith(b"HTTP/1.1 405 ")


class TestWhoeverIsOnlySlow:
    async def test_may_send_a_body_in_many_steps(self, hasty: Server) -> None:
        line = await hasty.dial()
        await line.say(post(4000), *([b"x" * 200] * 20), pause=SHORT / 6)  # more than three of them
        assert (await line.answer()).endswith(b"here you are")
        assert hasty.heard == [4000]
        await line.hang_up()

    async def test_may_wait_for_an_application_that_does_not_read(self, hasty: Server) -> None:
        line = await hasty.dial()
        sending = asyncio.create_task(line.say(post(3_000_000, b"/slow"), b"x" * 3_000_000))
        await asyncio.sleep(3 * SHORT)
        hasty.go_on.set()
        assert (await line.answer()).endswith(b"here you are")
        await sending
        assert hasty.heard == [3_000_000]
        await line.hang_up()

    async def test_may_wait_for_an_answer(self, hasty: Server) -> None:
        line = await hasty.dial()
        await line.say(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(3 * SHORT)
        hasty.go_on.set()
        assert (await line.answer()).endswith(b"here you are")
        await line.hang_up()

    async def test_may_ask_again_on_the_same_connection(self, server: Server) -> None:
        line = await server.dial()
        for path in (b"/", b"/large", b"/nowhere", b"/"):
            await line.say(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await line.answer()).startswith(b"HTTP/1.1 404" if path == b"/nowhere" else b"HTTP/1.1 200")
            await line.say(post(2000) + b"x" * 2000)
            assert (await line.answer()).endswith(b"here you are")
        await line.say(GET * 3)  # without waiting
        for _ in range(3):
            assert (await line.answer()).endswith(b"here you are")
        await line.hang_up()

    async def test_may_keep_a_websocket(self, hasty: Server) -> None:
        async with connect(f"ws://127.0.0.1:{hasty.port}/socket", compression=None, proxy=None) as socket:
            for n in range(4):
                await socket.send(str(n))
                assert await socket.recv() == str(n)
                await asyncio.sleep(SHORT)


def test_a_server_is_told_all_of_it() -> None:
    told = uvicorn.Config("x", **options(("192.0.2.1", "10.0.0.0/8")))
    assert (told.proxy_headers, told.forwarded_allow_ips) == (True, ["192.0.2.1", "10.0.0.0/8"])
    assert uvicorn.Config("x", **options()).proxy_headers is False
    assert Impatient.head_within <= 10
    assert Impatient.step <= 10
