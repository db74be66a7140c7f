"""What connections may cost: sockets of one address and of one user, what they leave unread, and how they flood."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

from peermeet.signaling import limits
from peermeet.signaling.limits import Rate
from tests.signaling.conftest import House, offer
from tests.signaling.wire import Socket


async def until(true: Callable[[], bool], within: float = 5.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def all_gone(house: House) -> None:
    """Whatever earlier tests have opened is closed on the server's side too."""
    await until(lambda: not house.signaling._connections and not house.signaling._sio.eio.sockets)


@contextlib.asynccontextmanager
async def many(house: House, number: int, **how: Any) -> AsyncIterator[list[Socket]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(house.socket(**how)) for _ in range(number)]


async def turned_away(socket: Socket) -> int:
    """Whether a socket hears that there are too many, without having said anything; with which code it is closed."""
    assert json.loads((await socket.hear())[1:])["upgrades"] == []
    answer = json.loads((await socket.hear()).removeprefix("44/meeting,"))
    assert answer["message"] == answer["data"]["code"] == "too_many"
    assert answer["data"]["message"]
    return await socket.gone()


class TestSocketsOfAnAddress:
    @pytest.fixture(autouse=True)
    async def four(self, house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
        await all_gone(house)
        monkeypatch.setattr(limits, "SOCKETS_OF_ADDRESS", 4)
        yield
        monkeypatch.undo()

    async def test_are_so_many_and_no_more(self, house: House) -> None:
        async with many(house, 4) as sockets:
            for _ in range(20):
                async with house.socket() as more:
                    assert await turned_away(more) == 1013
            assert len(house.signaling._sio.eio.sockets) == 4
            await sockets[0].say("1")
            await sockets[0].gone()
            await until(lambda: len(house.signaling._sio.eio.sockets) == 3)
            async with house.socket() as ada:
                assert "sid" in await ada.connect({"ticket": house.ticket(await house.room())})

    async def test_are_counted_for_each_address(self, house: House) -> None:
        async with many(house, 4), house.socket(local_addr=("127.0.0.2", 0)) as elsewhere:
            assert "sid" in await elsewhere.connect({"ticket": house.ticket(await house.room())})

    @pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
    async def test_are_not_fooled_by_what_a_request_says(self, house: House, name: str) -> None:
        async with many(house, 4), house.socket(additional_headers={name: "198.51.100.7"}) as more:
            assert await turned_away(more) == 1013

    async def test_a_program_hears_why(self, house: House) -> None:
        import socketio

        client = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        refusals: list[Any] = []
        client.on("connect_error", refusals.append, namespace="/meeting")
        async with many(house, 4):
            with pytest.raises(socketio.exceptions.ConnectionError):
                await client.connect(
                    house.url.replace("ws:", "http:"),
                    socketio_path="/rtc",
                    namespaces=["/meeting"],
                    transports=["websocket"],
                )
        assert refusals[0]["data"]["code"] == "too_many"
        await client.disconnect()

    async def test_come_and_go_and_leave_nothing(self, house: House) -> None:
        for _ in range(10):
            async with many(house, 4):
                pass
            await until(lambda: not house.signaling.asgi._sockets)  # type: ignore[attr-defined]


class TestSocketsOfAUser:
    async def test_are_so_many_and_no_more(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        await all_gone(house)
        monkeypatch.setattr(limits, "SOCKETS_OF_USER", 3)
        room = await house.room()
        async with many(house, 5) as sockets:
            for n, one in enumerate(sockets[:3]):
                await house.seat(one, room, "u-ada", device=f"page-number-{n}")
            for one in sockets[3:]:
                assert (await one.connect({"ticket": house.ticket(room)}))["message"] == "too_many"
                await one.gone()
            async with house.socket() as bob:
                await house.seat(bob, room, "u-bob")
            async with house.socket() as back:
                assert (await back.connect({"resume": sockets[0].resume}))["message"] == "too_many"
            await sockets[1].command({"type": "leave"})
            await sockets[1].gone()
            await until(lambda: house.signaling._sockets["u-ada"] == 2)
            async with house.socket() as back:
                await back.join({"resume": sockets[0].resume}, room)
        await all_gone(house)
        assert not house.signaling._sockets
        monkeypatch.undo()


def deaf(house: House) -> socket.socket:
    """A connection whose receiving end holds next to nothing."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    address = urlsplit(house.url)
    made.connect((address.hostname, address.port))
    made.setblocking(False)
    return made


class TestWhoDoesNotRead:
    @pytest.fixture(autouse=True)
    def soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "UNREAD_CHARACTERS", 400_000)
        for kind in ("signal", "say"):
            monkeypatch.setitem(limits.COMMANDS, kind, {"socket": Rate(1, 100_000)})

    async def test_is_cut_off_and_holds_up_nobody(self, house: House) -> None:
        room = await house.room()
        async with (
            house.socket() as ada,
            house.socket(sock=deaf(house), max_queue=1, close_timeout=0.1) as bob,
            house.socket() as cem,
        ):
            await house.seat(ada, room, "u-ada")
            await house.seat(bob, room, "u-bob")
            await house.seat(cem, room, "u-cem")
            words, slowest, most = offer("x" * 40_000), 0.0, 0
            for _ in range(400):
                at = time.monotonic()
                assert await ada.command({"type": "signal", "to": bob.you, "description": words}) == {}
                slowest = max(slowest, time.monotonic() - at)
                most = max(most, self.waiting(house, bob))
                if self.waiting(house, bob) < 0:
                    break
            else:
                raise AssertionError("never cut off")
            assert most < 700_000  # the bound, or sixteen frames
            assert slowest < 1.0
            gone: dict[str, Any] = {}
            while gone.get("presence") != "away":
                gone = (await cem.event("participant_changed"))["participant"]
            assert gone["id"] == bob.you
            await until(lambda: len(house.signaling._sio.eio.sockets) == 2)
            assert len(house.signaling._connections) == 2
            async with house.socket() as back:  # the seat is still theirs
                await back.join({"resume": bob.resume}, room)

    @staticmethod
    def waiting(house: House, one: Socket) -> int:
        """How many characters wait for somebody; -1 once they are gone."""
        for connection in house.signaling._connections.values():
            if connection.seat is not None and connection.seat.participant == one.you:
                socket = house.signaling._sio.eio.sockets.get(connection.eio_sid)
                return sum(len(packet.data or "") for packet in socket.queue._queue if packet) if socket else -1
        return -1

    async def test_is_cut_off_though_nobody_else_speaks(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "UNREAD_CHARACTERS", 20_000)
        room = await house.room()
        async with house.socket(sock=deaf(house), max_queue=1, close_timeout=0.1) as bob:
            await house.seat(bob, room, "u-bob")
            message = {"type": "send_message", "topic": "n", "data": "x" * 4_000}
            with contextlib.suppress(ConnectionClosed):  # by the kernel in the end, for nobody is left to do so
                async with asyncio.timeout(20):
                    while True:
                        await bob.say(f"42/meeting,{json.dumps(['command', message])}")
            await until(lambda: not house.signaling._connections and not house.signaling._sio.eio.sockets)

    async def test_and_is_told_to_go_goes(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "CLOSE_WITHIN", 0.1)
        monkeypatch.setattr(limits, "UNREAD_CHARACTERS", 10**9)
        room = await house.room()
        async with house.socket() as ada, house.socket(sock=deaf(house), max_queue=1, close_timeout=0.1) as bob:
            await house.seat(ada, room, "u-ada", role="host")
            await house.seat(bob, room, "u-bob")
            for _ in range(200):
                await ada.command({"type": "signal", "to": bob.you, "description": offer("x" * 40_000)})
            assert await ada.command({"type": "remove", "id": bob.you}) == {}
            await until(lambda: len(house.signaling._sio.eio.sockets) == 1)

    async def test_who_reads_may_be_sent_as_much_as_there_is(self, house: House) -> None:
        async with house.pair() as (ada, bob, _):
            words = offer("x" * 40_000)
            for _ in range(100):
                assert await ada.command({"type": "signal", "to": bob.you, "description": words}) == {}
                await bob.event("signaled")
            assert await bob.quiet()
