"""A real server on loopback, as `app.py` puts it together; after each test it must still be whole."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from peermeet.gate import Gate
from peermeet.serving import options
from peermeet.signaling import limits
from peermeet.signaling.buckets import Buckets
from peermeet.signaling.server import Signaling
from tests.auth.desk import Desk, open_desk
from tests.signaling.wire import Socket, code

LIBRARIES = {"engineio.server", "uvicorn.error"}  # they call the first of some refusals an error
UVICORN_SAYS = {"Invalid UTF-8 sequence received from client."}  # with a trace, of its own doing; never with the data
SDP = "v=0 the words of this session description are nobody else's business"


@dataclass
class House:
    url: str
    desk: Desk
    signaling: Signaling
    secrets: list[str] = field(default_factory=lambda: [SDP])
    present: dict[str, int] = field(default_factory=dict)

    def socket(self, **how: Any) -> Socket:
        return Socket(self.url, **how)

    async def room(self, **settings: Any) -> str:
        return await self.desk.room(**settings)

    def ticket(self, room: str, user: str = "u-ada", **claims: Any) -> str:
        self.secrets.append(self.desk.ticket(room, user, user.removeprefix("u-").title(), **claims))
        return self.secrets[-1]

    async def seat(self, socket: Socket, room: str, user: str, device: str = "page-one", **claims: Any) -> Socket:
        """Join with a fresh ticket."""
        await socket.join({"ticket": self.ticket(room, user, **claims)}, room, device)
        self.secrets.append(socket.resume)
        return socket

    async def try_to_join(self, room: str, user: str, device: str = "page-one", **claims: Any) -> str:
        """With which code whoever comes with a fresh ticket is refused."""
        async with self.socket() as socket:
            assert "sid" in await socket.connect({"ticket": self.ticket(room, user, **claims)})
            return code(await socket.command({"type": "join", "room": room, "device": device}))

    @contextlib.asynccontextmanager
    async def pair(self) -> AsyncIterator[tuple[Socket, Socket, str]]:
        """Ada and Bob in a room of their own, all events of their coming passed over."""
        room = await self.room()
        async with self.socket() as ada, self.socket() as bob:
            await self.seat(ada, room, "u-ada")
            await self.seat(bob, room, "u-bob")
            assert (await ada.event("participant_joined"))["participant"]["id"] == bob.you
            assert await ada.quiet()
            assert await bob.quiet()
            bob.events.clear()
            yield ada, bob, room

    async def works(self) -> None:
        """Two people can still meet."""
        async with self.pair() as (ada, bob, _):
            assert await ada.command({"type": "signal", "to": bob.you, "description": offer()}) == {}
            assert (await bob.event("signaled"))["by"] == ada.you
            assert await bob.command({"type": "leave"}) == {}
            assert (await ada.event("participant_left"))["reason"] == "left"
            assert await ada.command({"type": "leave"}) == {}


def offer(sdp: str = SDP) -> dict[str, str]:
    return {"type": "offer", "sdp": sdp}


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # Ctrl-C is pytest's
        yield


@contextlib.asynccontextmanager
async def serving(folder: Path, desk: Desk, redis_url: str | None = None) -> AsyncIterator[House]:
    """A server, as `app.py` and `__main__.py` put it together."""
    present: dict[str, int] = {}
    signaling = Signaling(
        desk.services.admit,
        desk.services.open_room,
        ice_servers=[{"urls": "stun:stun.example.org"}],
        present=present.__setitem__,
        redis_url=redis_url,
    )
    desk.services.live = signaling.hub
    app = Gate(
        Starlette(routes=[Mount("/rtc", app=signaling.asgi)]), origins=["https://meet.example.org"], pages=folder
    )
    # Only with its protocol named does asyncio switch Nagle's algorithm off: 40 ms for each answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limits.USER_TIMEOUT // 20)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", **options() | {"timeout_graceful_shutdown": 1})
    server = Server(config)
    ticking = asyncio.create_task(signaling.run())
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    yield House(f"ws://127.0.0.1:{listener.getsockname()[1]}", desk, signaling, present=present)
    server.should_exit = True
    await serving
    ticking.cancel()
    await signaling.close()
    await asyncio.gather(ticking, return_exceptions=True)


@pytest.fixture(scope="session")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("signaling")
    async with open_desk(folder, capacity="4") as desk, serving(folder, desk) as house:
        yield house


@pytest.fixture
async def house(
    standing: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """The server. Whatever a test has done to it: two people can still meet there, and nothing was logged that
    should not be."""
    caplog.set_level(logging.DEBUG, "peermeet")
    monkeypatch.setattr(limits, "CLOSE_AFTER", 0.02)
    del standing.secrets[1:]
    standing.signaling._buckets = Buckets()  # all tests come from one address, and none is to pay for another
    yield standing
    monkeypatch.undo()  # whatever the test has shortened
    await standing.works()
    for record in (record for phase in ("setup", "call", "teardown") for record in caplog.get_records(phase)):
        said = record.getMessage()
        assert record.exc_info is None or said in UVICORN_SAYS, record.exc_text
        assert record.levelno < logging.ERROR or record.name in LIBRARIES, said
        assert "Traceback" not in said
        assert not [secret for secret in standing.secrets if secret in said]
