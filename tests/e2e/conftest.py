"""A server and a browser for the whole session; people for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests import browser

from .person import People
from .server import Server

YES_TO_ALL = "--use-fake-ui-for-media-stream"
FLAGS = [
    "--use-fake-device-for-media-stream",  # a green picture with a clock, and a beep a second
    YES_TO_ALL,
    "--no-sandbox",  # tests run as root in containers, and open no page but ours
    "--no-proxy-server",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    running = Server(tmp_path_factory.mktemp("server") / "data")
    await running.start()
    yield running
    await running.stop()


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    program = browser.find()
    if program is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(browser.ADVICE)
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=program, args=FLAGS)


@pytest.fixture
async def person(chromium: Browser, server: Server) -> AsyncIterator[People]:
    people = People(chromium, server.url)
    yield people
    await people.leave()


@pytest.fixture
async def room(person: People) -> str:
    """The path of a room whose owner is elsewhere."""
    owner = await person("Olga", account=True)
    path = await owner.creates("Tea at four")
    await owner.context.close()
    return path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The test that builds pages of its own comes last: what is cheaper may fail before."""
    items.sort(key=lambda item: item.path.name == "test_plugin.py")
