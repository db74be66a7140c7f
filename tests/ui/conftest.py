"""Reflex states without a browser: a tab is a state of its own, or the whole pipeline that an event runs through."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
from reflex.event import Event
from reflex.istate.manager.memory import StateManagerMemory
from reflex.state import State
from reflex_base.event.processor.base_state_processor import BaseStateEventProcessor

from peermeet import extend
from peermeet.services import COOKIE
from tests.auth.desk import Desk, open_desk

ROOT = Path(__file__).parent.parent.parent
S = TypeVar("S", bound=State)


@pytest.fixture(scope="session", autouse=True)
def app() -> ModuleType:
    """The front door, as Reflex imports it: in the project's folder, with nobody's settings."""
    before, level = Path.cwd(), logging.getLogger("peermeet").level
    set_ = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PEERMEET_")}
    os.chdir(ROOT)
    try:
        return importlib.import_module("peermeet.app")
    finally:
        os.chdir(before)
        os.environ.update(set_)
        logging.getLogger("peermeet").setLevel(level)


@pytest.fixture
async def desk(tmp_path: Path, app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """The services that the pages ask, while the test runs."""
    from peermeet.ui.state import House

    async with open_desk(tmp_path) as opened:
        monkeypatch.setattr(House, "services", lambda: opened.services)
        monkeypatch.setattr(House, "connected", lambda token: True)
        yield opened


@pytest.fixture
def registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has come through the seam yet; what does is forgotten after the test."""
    for registry in ("_panels", "_controls", "_listeners"):
        monkeypatch.setattr(extend, registry, {})


class Tab:
    """A browser's tab: one tree of states and the cookie of its socket."""

    def __init__(self, session: str | None = None, **params: str) -> None:
        self.root = State(_reflex_internal_init=True)  # type: ignore[call-arg]
        self.visit(**params)
        self.cookie(session)

    def visit(self, **params: str) -> None:
        self.root.rx_router_page = replace(self.root.rx_router_page, params=params)

    def cookie(self, session: str | None) -> None:
        cookie = f"{COOKIE}={session}" if session is not None else ""
        self.root.rx_router_headers = replace(self.root.rx_router_headers, cookie=cookie)

    async def state(self, kind: type[S]) -> S:
        return await self.root.get_state(kind)


@dataclass
class Wire:
    """Stands in for Reflex's event socket: what would be sent to the tab."""

    updates: list[Any]

    async def emit_update(self, update: Any, token: str) -> None:
        self.updates.append(update)

    def values(self, kind: type[State]) -> dict[str, Any]:
        """The vars of a state, as the tab knows them now."""
        known: dict[str, Any] = {}
        for update in self.updates:
            known.update((update.delta or {}).get(kind.get_full_name(), {}))
        return {name.removesuffix("_rx_state_"): value for name, value in known.items()}

    @property
    def events(self) -> list[Any]:
        """What the tab was told to do."""
        return [event for update in self.updates for event in update.events or []]


class Pipeline:
    """Runs events as the server does, from the socket to what goes back."""

    TOKEN = "a-tab"

    def __init__(self, processor: BaseStateEventProcessor, wire: Wire, errors: list[Exception]) -> None:
        self._processor = processor
        self.wire = wire
        self.errors = errors

    async def start(self, spec: Any, session: str | None, path: str, **query: str) -> Any:
        """Let the tab send an event; what is awaited for all that follows from it."""
        cookie = f"{COOKIE}={session}" if session else ""
        (event,) = Event.from_event_type(spec)
        event.router_data.update(
            {"pathname": path, "asPath": path, "headers": {"cookie": cookie}, "query": query, "token": self.TOKEN}
        )
        return await self._processor.enqueue(self.TOKEN, event)

    async def fire(self, spec: Any, session: str | None, path: str, **query: str) -> None:
        await (await self.start(spec, session, path, **query)).wait_all()
        if self.errors:
            raise self.errors[0]


@pytest.fixture
async def pipeline() -> AsyncIterator[Pipeline]:
    wire, errors = Wire([]), []
    handle: Callable[[Exception], None] = errors.append
    processor = BaseStateEventProcessor(backend_exception_handler=handle, graceful_shutdown_timeout=1)
    manager = StateManagerMemory()
    async with processor.configure(state_manager=manager, event_namespace=wire):  # type: ignore[arg-type]
        yield Pipeline(processor, wire, errors)
    await manager.close()


def leads_to(spec: Any) -> str:
    """Where a redirect leads."""
    assert spec.handler.fn.__qualname__ == "_redirect", spec
    arguments = {str(name): str(value) for name, value in spec.args}
    return arguments["path"].strip('"')
