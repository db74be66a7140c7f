"""Reflex's event socket: what is counted and what is not let through, before Reflex is asked."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from peermeet.sidedoor import SideDoor, understood
from peermeet.signaling import limits
from peermeet.signaling.limits import Rate

HERE, THERE = "192.0.2.7", "198.51.100.1"
EVENT = {
    "name": "state.lobby_state.create",
    "payload": {"form": {"title": "Den"}},
    "router_data": {"pathname": "/lobby"},
}


def event(**changes: Any) -> str:
    return f"42/_event,{json.dumps(['event', EVENT | changes])}"


class Reflex:
    """What stands behind the door: accepts, and writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            self.heard.append(scope["type"])
            return
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        self.open += 1
        try:
            while (message := await receive())["type"] == "websocket.receive":
                self.heard.append(message["text"])
        finally:
            self.open -= 1


class Tab:
    """A page's socket. What it says waits in a queue, as it does in the kernel."""

    def __init__(self, door: SideDoor, address: str = HERE, query: str | None = None, path: str = "/_event/") -> None:
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._said.put_nowait({"type": "websocket.connect"})
        self.sent: list[Message] = []
        query = f"EIO=4&transport=websocket&token={uuid.uuid4()}" if query is None else query
        scope = {"type": "websocket", "path": path, "query_string": query.encode(), "client": (address, 1)}
        self._task = asyncio.create_task(self._run(door, scope))

    async def _run(self, door: SideDoor, scope: Scope) -> None:
        async def send(message: Message) -> None:
            self.sent.append(message)

        await door(scope, self._said.get, send)

    def say(self, *frames: str) -> Tab:
        for frame in frames:
            self._said.put_nowait({"type": "websocket.receive", "text": frame})
        return self

    def hang_up(self) -> Tab:
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1001})
        return self

    async def ended(self) -> None:
        async with asyncio.timeout(5):
            await self._task

    async def is_in(self) -> bool:
        """Whether it was let in; it says something, so that there is an answer."""
        for _ in range(20):
            await asyncio.sleep(0)
        return self.sent[0]["type"] == "websocket.accept"


@pytest.fixture
def reflex() -> Reflex:
    return Reflex()


@pytest.fixture
def door(reflex: Reflex) -> SideDoor:
    return SideDoor(reflex)


class TestFrames:
    @pytest.mark.parametrize(
        "frame",
        [
            "1",
            "3",
            "40/_event,",
            '40/_event,{"event":{}}',
            "41/_event,",
            event(),
            event(payload={}),
            event(router_data={}),
            event(more="x"),
            f"42/_event,17{json.dumps(['event', EVENT])}",
            '42/_event,["event",{"name":"hydrate"}]',
            '42/_event,["ping"]',
            '42/_event,["client_error",{"message":"x"}]',
            event(payload={"text": '👩‍💻 " \\ \u2028'}),
        ],
        ids=lambda frame: frame[:40],
    )
    def test_that_a_page_sends(self, frame: str) -> None:
        assert understood(frame)

    @pytest.mark.parametrize(
        "frame",
        [
            *(
                "",
                "x",
                "2",
                "2probe",
                "3x",
                "5",
                "6",
                "9",
                "é",
                "4",
                "40",
                "40{}",
                "41",
                "40/meeting,{}",
                "42",
                "43/_event,0[]",
            ),
            *("42/_event,", "42/_event,[", "42/_event,[]", "42/_event,{}", "42/_event,null", '42/_event,["event"]'),
            *(
                '42/_event,["event","text"]',
                '42/_event,["event",[]]',
                '42/_event,["event",null]',
                '42/_event,["event",{}]',
            ),
            *(
                '42/_event,["event",{"name":1}]',
                '42/_event,["connect",{},{}]',
                '42/_event,["disconnect","x"]',
                '42/_event,["*"]',
            ),
            *('42/_event,["subscribe",{}]', '42/_event,[["event"],{}]', '42/_event,["ping",1,2]', "42/_event,[1]"),
            *(event(name=["x"]), event(payload="x"), event(payload=[1]), event(payload=None), event(router_data="x")),
            *(f"{event()}x", event(payload={"x": float("nan")}), "42/_event," + 20_000 * "[", "42/_event,²[]"),
            '42/_event,["event",{"name":"x"},{"name":"y"}]',
            '452-/_event,["event",{"_placeholder":true,"num":0}]',
            '42/_event,["event",' + 20_000 * '{"a":' + "0" + 20_000 * "}" + "]",
        ],
        ids=lambda frame: frame[:40] or "nothing",
    )
    async def test_that_none_sends_end_the_socket(self, door: SideDoor, reflex: Reflex, frame: str) -> None:
        tab = Tab(door).say("40/_event,", event(), frame, event(name="after"))
        await tab.ended()
        assert reflex.heard == ["40/_event,", event()]
        assert reflex.open == 0

    async def test_that_are_binary_end_the_socket(self, door: SideDoor, reflex: Reflex) -> None:
        tab = Tab(door).say("40/_event,")
        tab._said.put_nowait({"type": "websocket.receive", "bytes": b"4"})
        await tab.ended()
        assert reflex.heard == ["40/_event,"]


class TestSockets:
    @pytest.mark.parametrize(
        "query",
        [
            "",
            "token=",
            "token=x",
            "token=%27",
            f"token={'a' * 36}",
            f"atoken={uuid.uuid4()}",
            "EIO=4&transport=websocket",
        ],
    )
    async def test_without_a_tab_s_token_are_none(self, door: SideDoor, reflex: Reflex, query: str) -> None:
        tab = Tab(door, query=query)
        await tab.ended()
        assert tab.sent == [{"type": "websocket.close", "code": 1008}]
        assert reflex.heard == []

    @pytest.mark.parametrize("path", ["/rtc/", "/", "/event"])
    async def test_of_others_pass(self, door: SideDoor, reflex: Reflex, path: str) -> None:
        await Tab(door, query="", path=path).say("whatever", "2").hang_up().ended()
        assert reflex.heard == ["whatever", "2"]

    async def test_requests_pass(self, door: SideDoor, reflex: Reflex) -> None:
        for kind in ("http", "lifespan"):
            await door({"type": kind, "path": "/_event/"}, None, None)  # type: ignore[arg-type]
        assert reflex.heard == ["http", "lifespan"]

    async def test_of_an_address_are_so_many_and_no_more(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "PAGE_SOCKETS_OF_ADDRESS", 3)
        tabs = [Tab(door) for _ in range(5)]
        assert [await tab.is_in() for tab in tabs] == [True] * 3 + [False] * 2
        far = Tab(door, THERE)
        assert await far.is_in()
        await tabs[0].hang_up().ended()
        later = Tab(door)
        assert await later.is_in()
        for tab in (*tabs[1:3], far, later):
            await tab.hang_up().ended()
        assert not door._sockets

    async def test_are_not_opened_faster_than_their_states_are_forgotten(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(limits.PAGES, "open", {"address": Rate(0, 4)})
        for n in range(6):
            tab = Tab(door)
            assert await tab.is_in() is (n < 4)
            await tab.hang_up().ended()
        far = Tab(door, THERE)
        assert await far.is_in()
        await far.hang_up().ended()

    async def test_that_never_connect_are_closed(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "JOIN_WITHIN", 0.1)
        silent, answering = Tab(door), Tab(door).say("3", "3")
        await asyncio.gather(silent.ended(), answering.ended())
        assert reflex.open == 0

    async def test_that_have_connected_may_stay(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "JOIN_WITHIN", 0.1)
        tab = Tab(door).say("40/_event,")
        await asyncio.sleep(0.3)
        assert reflex.open == 1
        await tab.say(event()).hang_up().ended()
        assert reflex.heard == ["40/_event,", event()]


class TestEvents:
    async def test_that_are_too_many_wait_and_none_is_lost(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(limits.PAGES, "event", {"socket": Rate(100, 5), "address": Rate(10_000, 10_000)})
        events = [event(name=f"n-{n}") for n in range(20)]
        flooding = Tab(door).say("40/_event,", *events)
        await flooding.is_in()
        assert reflex.heard == ["40/_event,", *events[:5]]  # the next one is held back
        other = Tab(door).say("40/_event,", event(name="other"))
        assert await other.is_in()
        assert reflex.heard[-1] == event(name="other")  # and holds up nobody
        reflex.heard.clear()
        await flooding.hang_up().ended()
        assert reflex.heard == events[5:]
        await other.hang_up().ended()

    async def test_of_many_tabs_are_bounded_by_their_address(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(limits.PAGES, "event", {"socket": Rate(1, 100), "address": Rate(0, 30)})
        tabs = [Tab(door).say("40/_event,", *[event()] * 20) for _ in range(3)]
        for tab in tabs:
            await tab.is_in()
        assert reflex.heard.count(event()) == 30
        far = Tab(door, THERE).say("40/_event,", event(name="far"))
        await far.is_in()
        assert reflex.heard[-1] == event(name="far")
        for tab in (*tabs, far):
            tab._task.cancel()

    async def test_are_all_that_is_counted(
        self, door: SideDoor, reflex: Reflex, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(limits.PAGES, "event", {"socket": Rate(0, 1), "address": Rate(0, 1)})
        await Tab(door).say("40/_event,", *["3"] * 50, event()).hang_up().ended()
        assert len(reflex.heard) == 52


def test_a_page_may_hear_a_full_room_at_once() -> None:
    """Sixty-four come in, each of them publishes two sources, and a tab tells its page of all of it."""
    assert limits.PAGES["event"]["socket"].burst >= 64 * 3
