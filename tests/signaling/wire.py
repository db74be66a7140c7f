"""A WebSocket that speaks Engine.IO 4 and Socket.IO 5 by hand, and therefore any nonsense too."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 5.0  # seconds for an answer that must come
Packet = dict[str, Any]


class Socket:
    """``async with Socket(url) as socket``; `connect` and `join` are the ordinary way, `say` is every other."""

    def __init__(
        self, url: str, query: str = "?EIO=4&transport=websocket", origin: str | None = None, **more: Any
    ) -> None:
        said: dict[str, Any] = {"compression": None, "ping_interval": None, "max_size": None, "proxy": None}
        self._asked = connect(f"{url}/rtc/{query}", origin=origin, **said, **more)
        self._numbers = count()
        self.events: list[Packet] = []
        self.told: list[Packet] = []  # all events there ever were
        self.you = ""
        self.resume = ""
        self.answer: Packet = {}

    async def __aenter__(self) -> Socket:
        self._ws: ClientConnection = await self._asked.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._asked.__aexit__(kind, error, trace)

    async def say(self, frame: str | bytes) -> None:
        await self._ws.send(frame)

    async def say_text(self, frame: bytes) -> None:
        """Send bytes as a text frame, whether they are UTF-8 or not."""
        await self._ws.send(frame, text=True)

    async def hear(self) -> str:
        """The next frame, heartbeat answered."""
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self._ws.recv()
                assert isinstance(frame, str)
                if frame != "2":
                    return frame
                await self._ws.send("3")

    async def connect(self, auth: object) -> Packet:
        """Connect to the namespace: ``{"sid": ...}``, or the refusal as Socket.IO carries it."""
        await self.say(f"40/meeting,{json.dumps(auth)}")
        while not (frame := await self.hear()).startswith(("40/meeting,", "44/meeting,")):
            pass
        packet: Packet = json.loads(frame.partition(",")[2])
        return packet

    async def command(self, message: object, event: object = "command") -> Packet:
        return await self.emit(json.dumps([event, message]))

    async def emit(self, text: str) -> Packet:
        """Send the text as an event's arguments; what it is answered. Events that come meanwhile are kept."""
        number = next(self._numbers)
        await self.say(f"42/meeting,{number}{text}")
        start = f"43/meeting,{number}["
        while not (frame := await self.hear()).startswith(start):
            self._keep(frame)
        (answer,) = json.loads(frame[len(start) - 1 :])
        return answer

    async def join(self, auth: object, room: str, device: str = "page-one") -> Socket:
        assert "sid" in await self.connect(auth)
        answer = await self.command({"type": "join", "room": room, "device": device})
        assert "error" not in answer, answer
        self.you, self.resume = answer["you"], answer["resume"]
        self.answer = answer
        return self

    async def event(self, kind: str) -> Packet:
        """The next event of that type; those before it are passed over."""
        while True:
            while self.events:
                if (event := self.events.pop(0))["type"] == kind:
                    return event
            self._keep(await self.hear())

    async def gone(self, within: float = 1.0) -> int:
        """Wait until the server has closed the connection, without doing anything about it; with which code."""
        try:
            async with asyncio.timeout(within):
                while True:
                    self._keep(str(await self._ws.recv()))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            raise AssertionError(f"still open after {within} s") from None

    async def quiet(self) -> bool:
        """Whether nothing but answers arrives: what was under way has arrived when an answer comes after it."""
        before = len(self.events)
        await self.command({"type": "no_such_command"})
        return len(self.events) == before

    def _keep(self, frame: str) -> None:
        if frame.startswith("42/meeting,"):
            name, event = json.loads(frame.partition(",")[2])
            assert name == "event"
            self.events.append(event)
            self.told.append(event)


def code(answer: Packet) -> str:
    """The code of a refusal."""
    error = answer["error"]
    assert set(error) == {"code", "message"}
    assert error["message"]
    found: str = error["code"]
    return found
