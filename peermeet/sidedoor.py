"""What passes Reflex's own event socket before Reflex sees it.

Pages need that socket before anybody has signed in, so it is open to everybody. Reflex keeps a state for each that ever
connected, for twelve hours; answers every event, each of which costs milliseconds; and says aloud in its log what it
does not understand. So sockets, new pages and events are counted here, and what no page of ours sends ends the socket.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .signaling import limits
from .signaling.buckets import Buckets, Payers

log = logging.getLogger("peermeet.sidedoor")

PATH = "/_event"
TOKEN = re.compile(rb"(?:^|&)token=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:&|$)")  # a tab's, as Reflex makes them
# What Reflex's client sends: close, pong, and of its namespace the packets connect, disconnect, event.
FRAME = re.compile(r"1\Z|3\Z|4[01]/_event,|42/_event,\d*(?=\[)")
EVENTS = {"event", "client_error", "ping"}
GONE: Message = {"type": "websocket.disconnect", "code": 1008}


class Event(msgspec.Struct):
    """An event of a page, in the shape that Reflex understands."""

    name: str
    payload: dict[str, object] = {}
    router_data: dict[str, object] = {}


class SideDoor:
    """Wraps the application; all that is not Reflex's socket passes as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sockets: Counter[str] = Counter()  # of each address
        self._buckets = Buckets(limits.PAGES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket" or not scope["path"].startswith(PATH):
            await self._app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else "unknown"
        if not TOKEN.search(scope["query_string"]) or not self._may_open(address):
            log.info("a page's socket refused")
            await send({"type": "websocket.close", "code": 1008})
            return
        self._sockets[address] += 1
        try:
            await self._app(scope, _Page(receive, self._buckets, address), send)
        finally:
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]

    def _may_open(self, address: str) -> bool:
        if self._sockets[address] >= limits.PAGE_SOCKETS_OF_ADDRESS:
            return False
        return self._buckets.take("open", {"address": address}, time.monotonic())


class _Page:
    """What one page says, frame by frame and no faster than it may."""

    def __init__(self, receive: Receive, buckets: Buckets, address: str) -> None:
        self._receive = receive
        self._buckets = buckets
        self._payers: Payers = {"socket": str(id(self)), "address": address}
        self._connected = False
        self._deadline = asyncio.get_running_loop().time() + limits.JOIN_WITHIN

    async def __call__(self) -> Message:
        try:
            async with asyncio.timeout_at(None if self._connected else self._deadline):
                message = await self._receive()
        except TimeoutError:
            log.info("a page's socket closed: it did not connect")
            return GONE
        if message["type"] != "websocket.receive":
            return message
        text = message.get("text") or ""
        if not understood(text):
            log.info("a page's socket closed: unreadable frame")
            return GONE
        self._connected = self._connected or text.startswith("40")
        if text.startswith("42"):
            await self._wait()
        return message

    async def _wait(self) -> None:
        """Hold an event back until it is paid for: whoever sends too many waits, and nobody else. A page whose room is
        loud hears it late, and loses nothing."""
        while not self._buckets.take("event", self._payers, time.monotonic()):  # noqa: ASYNC110 (only time fills it)
            await asyncio.sleep(1 / limits.PAGES["event"]["socket"].a_second)


def understood(text: str) -> bool:
    """Tell whether a frame is one that a page of ours sends."""
    found = FRAME.match(text)
    if found is None:
        return False
    if not text.startswith("42"):
        return True
    try:
        first, *said = msgspec.json.decode(text[found.end() :], type=list[msgspec.Raw])
        name = msgspec.json.decode(first, type=str)
        if name == "event":
            (event,) = said
            msgspec.json.decode(event, type=Event)
        return name in EVENTS and len(said) <= 1
    except (msgspec.MsgspecError, ValueError, RecursionError):  # of Unicode too
        return False
