"""What somebody can do to the pages of others who speaks to the server by a program of their own, or has got into the
store: their words are words, and the call goes on."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from peermeet.auth.tokens import Tokens, keep_secret
from peermeet.services import new_code
from peermeet.store import RoomRecord
from peermeet.store.sqlite import SqliteStore
from tests.signaling.wire import Socket

from .payloads import PAYLOADS
from .person import People, Person, until
from .server import Server

pytestmark = pytest.mark.browser

SEATS = 10  # of twelve; one is Ada's
# Counts what a policy had to forbid: it should not even have come to that.
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
SIX = {"audio": "NotFoundError", "video": "NotFoundError"}  # nobody needs to be seen here


class Outside:
    """What somebody has who knows the server's secret: tickets with any words in them. Nobody does; but what a page
    shows must not rest on what the server lets through."""

    def __init__(self, server: Server) -> None:
        self._ws = server.url.replace("http:", "ws:")
        self._tokens = Tokens(keep_secret(server.data), timedelta(hours=1), lambda: datetime.now(UTC))

    @contextlib.asynccontextmanager
    async def joins(self, room: str, name: str, **more: Any) -> AsyncIterator[Socket]:
        user = f"u-{random.randrange(10**9)}"
        ticket = self._tokens.ticket(room=room, user=user, name=name, role="member", guest=True, **more)
        async with Socket(self._ws, max_queue=None) as socket:
            yield await socket.join({"ticket": ticket}, room, f"page-of-{user}")
            await socket.command({"type": "leave"})


@pytest.fixture
def outside(server: Server) -> Outside:
    return Outside(server)


def code(path: str) -> str:
    return path.rpartition("/")[2]


async def nothing_ran(one: Person, dialogs: list[str]) -> None:
    assert dialogs == []
    assert await one.page.evaluate("() => [typeof window.ran, Object.prototype.ran ?? null, window.violations]") == [
        "undefined",
        None,
        [],
    ]


async def watched(person: People, name: str, **options: Any) -> tuple[Person, list[str]]:
    """Somebody with an account, and the dialogs that open at theirs."""
    one = await person(name, account=True, refuses=SIX, **options)
    await one.context.add_init_script(LISTEN)
    dialogs: list[str] = []

    async def note(dialog: Any) -> None:
        dialogs.append(dialog.message)
        await dialog.dismiss()

    one.page.on("dialog", note)
    return one, dialogs


async def test_names_chat_hands_and_reactions_are_text(person: People, outside: Outside) -> None:
    ada, dialogs = await watched(person, "Ada")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await ada.page.click("#panel-people")
    said: list[str] = []
    for start in range(0, len(PAYLOADS), SEATS):
        names = PAYLOADS[start : start + SEATS]
        async with contextlib.AsyncExitStack() as stack:
            for name in names:
                mallory = await stack.enter_async_context(outside.joins(code(path), name))
                for command in (
                    {"type": "publish", "source": "camera", "stream_id": name[:64]},
                    {"type": "set_attributes", "attributes": {"hand": name, "name": name}},
                    {"type": "send_message", "topic": "reaction", "data": {"emoji": name}},
                    {"type": "send_message", "topic": "reaction", "data": name},
                    {"type": "send_message", "topic": "chat", "data": {"text": name}},
                ):
                    assert await mallory.command(command) == {}
                said.append(name)
            await until(lambda names=names: _are_there(ada, names), f"{names} at Ada's")
        await nothing_ran(ada, dialogs)
    await ada.page.click("#panel-chat")
    lines = ada.page.locator(".line p")
    for shown_so_far in range(50, len(said), 50):  # a screenful at a time
        await expect(lines).to_have_count(shown_so_far)
        await ada.button("Show earlier messages").click()
    await expect(lines).to_have_count(len(said))
    assert await lines.all_text_contents() == said
    links = await ada.page.locator(".line a").evaluate_all("(all) => all.map((a) => a.protocol)")
    assert set(links) <= {"http:", "https:"}
    await nothing_ran(ada, dialogs)


async def _are_there(one: Person, names: list[str]) -> bool:
    """The people panel, which Reflex draws, and the stage show just these besides oneself. The one comes after the
    other, and those who left before may stand there for a moment."""
    people = await one.page.locator(".people .who bdi").all_text_contents()
    tiles = await one.page.locator(".tile").evaluate_all("(all) => all.map((t) => t.getAttribute('aria-label'))")
    return sorted(people) == sorted([*names, one.name]) and sorted(tiles) == sorted([*names, "You"])


async def test_titles_and_names_that_lie_in_the_store_are_text(person: People, server: Server) -> None:
    ada, dialogs = await watched(person, "Ada")
    answer = await ada.context.request.get(f"{server.url}/api/session")
    owner = (await answer.json())["user"]["id"]
    store = await SqliteStore.open(server.data / "peermeet.db")
    codes = {title: new_code() for title in PAYLOADS}
    start = datetime.now(UTC)
    for n, (title, room) in enumerate(codes.items()):
        await store.add_room(RoomRecord(room, title, owner, start - timedelta(seconds=n)))
    await store.rename_user(owner, PAYLOADS[32])
    await store.close()
    await ada.goto("/lobby")
    titles = ada.page.locator(".room-title")
    await expect(titles).to_have_count(len(PAYLOADS))
    assert await titles.all_text_contents() == PAYLOADS
    await expect(ada.page.locator("#who")).to_have_text(PAYLOADS[32])
    await nothing_ran(ada, dialogs)
    for title in PAYLOADS[::12]:
        await ada.opens(f"/meet/{codes[title]}")
        await until(lambda title=title: _shows(ada, title), f"the title {title!r} of a room", patience=5)
        await nothing_ran(ada, dialogs)


async def _shows(one: Person, text: str) -> bool:
    return text in await one.page.evaluate("() => document.body.textContent")


async def test_the_server_lets_none_of_it_in_as_a_name(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as browser:
        refused = 0
        for name in PAYLOADS:
            answer = await browser.post("/api/guests", json={"name": name})
            assert answer.status_code in {201, 422}
            assert answer.status_code == 422 or not set(name) & set("<>")
            refused += answer.status_code == 422
    assert refused > len(PAYLOADS) / 2


async def test_no_text_breaks_out_of_its_place(person: People, outside: Outside) -> None:
    """Names and lines without end, piled marks, and letters that turn the direction of all that follows."""
    ada, _ = await watched(person, "Ada", viewport={"width": 390, "height": 844})
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    zalgo = "".join(letter + "\u0300\u0316\u0334\u0489" * 8 for letter in "he comes")
    words = ["W" * 500, zalgo, "\u202egpj.exe \u2066 \u2069", "\u200f\u200f" * 100, "https://x.example/" + "y" * 1_900]
    async with contextlib.AsyncExitStack() as stack:
        for word in words:
            mallory = await stack.enter_async_context(outside.joins(code(path), word[:900]))
            await mallory.command({"type": "send_message", "topic": "chat", "data": {"text": word}})
        for panel in ("#panel-people", "#panel-chat"):
            await ada.page.click(panel)
            await expect(ada.page.locator(".tile")).to_have_count(len(words) + 1)
            wide = await ada.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0
            await expect(ada.page.locator("#leave")).to_be_in_viewport(ratio=1)
            await ada.page.click(panel)
        await ada.page.click("#panel-chat")
        await expect(ada.page.locator(".line p")).to_have_count(len(words))
        # Each name and each line is its own, whatever direction it turns to: "bdi", or the like by style.
        turned = await ada.page.evaluate(
            """() => [...document.querySelectorAll(".line p, .line bdi, .tile-name")]
                 .every((one) => one.closest("bdi") || getComputedStyle(one).unicodeBidi !== "normal")"""
        )
        assert turned
