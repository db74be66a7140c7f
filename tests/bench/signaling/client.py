"""Somebody in a meeting, whatever the protocol, and the WebSocket they have: cheap, so that a client's cost does not
hide the server's.

A protocol is a `Client` with three verbs of its own, `open`, `hear` and `signal`; the scenarios know no more of it.
Another server is measured beside ours by another such class.
"""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, cast

from .frames import CLOSE, PING, PONG, TEXT, Frames, frame, size

PATIENCE = 30.0  # seconds for anything; a server that is saturated answers late, not never


class Refused(Exception):
    """The server said no, or closed the connection; its text is what it said."""


class Address(NamedTuple):
    """Where a server process listens, and the loopback address that somebody comes from: a server that bounds the
    sockets of one address sees as many as it would in the world."""

    host: str
    port: int
    source: str


class Socket(asyncio.Protocol):
    """One WebSocket. ``hear`` is given every text frame's payload; ``lost`` is called when the connection is over."""

    def __init__(self, address: Address, path: str, hear: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {address.host}:{address.port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
        self._hear = hear
        self._lost = lost
        self._frames = Frames()
        self._head = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self.upgraded = False
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is none by name
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.upgraded:
            self._head += data
            head, end, rest = bytes(self._head).partition(b"\r\n\r\n")
            if not end:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self.close()
                return
            self.upgraded, data = True, rest
        for opcode, payload in self._frames.feed(data):
            if opcode == TEXT:
                self._hear(payload)
            elif opcode == PING:
                self._write(frame(payload, PONG))
            elif opcode == CLOSE:
                self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()
        self._lost()

    def say(self, payload: bytes) -> None:
        self._write(frame(payload))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


class Client(ABC):
    """Somebody in a meeting. ``met`` is told of everybody else there, each once, as soon as one may signal to them;
    ``signaled`` of everything that arrives from another: by whom, and the whole message; ``troubled`` when something
    was refused."""

    path = "/"

    def __init__(self, address: Address) -> None:
        self.address = address
        self.socket = Socket(address, self.path, self._count, self._lost)
        self.id = ""
        self.met: Callable[[Client, str], None] = lambda me, other: None
        self.signaled: Callable[[Client, str, bytes], None] = lambda me, by, message: None
        self.troubled: Callable[[], None] = lambda: None
        self.messages = 0  # that the server sent, heartbeats apart
        self.bytes = 0  # of their frames
        self.refused: str | None = None
        self._joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def join(self) -> None:
        """Connect and sit down; returns when the server has said that one sits."""
        async with asyncio.timeout(PATIENCE):
            await self.open()
            await self._joined

    async def open(self) -> None:
        """Make the connection. What is said on it first is up to the protocol."""
        host, port, source = self.address
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self.socket, host, port, local_addr=(source, 0))

    @abstractmethod
    def hear(self, message: bytes) -> bool:
        """Take one message; tell whether it counts, as heartbeats do not."""

    @abstractmethod
    def signal(self, to: str, body: str) -> None:
        """Have something relayed to somebody. ``body`` is the inside of a JSON object."""

    async def settled(self) -> None:
        """Wait until the server has answered all that was asked, where the protocol has answers."""
        return

    async def leave(self) -> None:
        """Close the connection; with more ceremony where the protocol has some."""
        self.socket.close()
        await self.socket.ended.wait()

    def seated(self) -> None:
        if not self._joined.done():
            self._joined.set_result(None)

    def refuse(self, why: str) -> None:
        """Remember what the server refused: a bench whose commands are refused measures nothing."""
        self.refused = self.refused or why
        self.troubled()
        if not self._joined.done():
            self._joined.set_exception(Refused(why))

    def _count(self, message: bytes) -> None:
        if self.hear(message):
            self.messages += 1
            self.bytes += size(message)

    def _lost(self) -> None:
        self.refuse("the connection was closed")


async def post(address: Address, path: str, body: bytes, cookie: str) -> bytes:
    """Return the answer's body, on a connection of its own from one's own address."""
    host, port, source = address
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
    try:
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\nCookie: {cookie}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        async with asyncio.timeout(PATIENCE):
            head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    status = re.match(rb"HTTP/1.1 (\d+)", head)
    if status is None or int(status[1]) >= HTTPStatus.BAD_REQUEST:
        raise Refused(answer.decode())
    return answer
