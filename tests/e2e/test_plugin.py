"""A plugin of twenty lines, in a copy of the house: its pages are others, so they are built elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from .person import People
from .server import ROOT, Server

pytestmark = pytest.mark.browser

HOUSE = ("assets", "peermeet", "reflex.lock", "requirements.txt", "rxconfig.py")


@pytest.fixture
async def server_with_poll(tmp_path: Path) -> AsyncIterator[Server]:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in HOUSE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "external"))
        else:
            shutil.copy(ROOT / name, copy)
    shutil.copy(Path(__file__).with_name("poll_plugin.py"), copy / "my_polls.py")
    running = Server(tmp_path / "data", root=copy, PEERMEET_PLUGINS="my_polls")
    await running.start()
    yield running
    await running.stop()


async def test_a_vote_is_counted_by_everybody(server_with_poll: Server, person: People) -> None:
    ada = await person("Ada", account=True, url=server_with_poll.url)
    bob = await person("Bob", url=server_with_poll.url)
    path = await ada.creates("Shall we?")
    await ada.joins(path)
    await bob.joins(path)
    for one in (ada, bob):
        await one.button("Poll").click()
        await expect(one.page.get_by_text("0 votes")).to_be_visible()
    await ada.button("Yes").click()
    for one in (ada, bob):
        await expect(one.page.get_by_text("1 votes")).to_be_visible()
    await bob.button("Yes").click()
    for one in (ada, bob):
        await expect(one.page.get_by_text("2 votes")).to_be_visible()
    await ada.button("Close Poll").click()
    await expect(ada.page.get_by_text("2 votes")).to_have_count(0)
    await expect(ada.page.locator("#panel-people")).to_be_visible()
