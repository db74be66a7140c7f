"""What somebody can do to the pages of others who speaks to the server by a program of their own, or has got into the
store: their words are words, and the call goes on."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

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
            shown = ada.page.locator(".people .who bdi")
            await expect(shown).to_have_count(len(names) + 1)
            assert sorted(await shown.all_text_contents()) == sorted([*names, "Ada"])
            tiles = await ada.page.locator(".tile").evaluate_all(
                "(all) => all.map((t) => t.getAttribute('aria-label'))"
            )
            assert sorted(tiles) == sorted([*names, "You"])
        await nothing_ran(ada, dialogs)
    await ada.page.click("#panel-chat")
    lines = ada.page.locator(".line p")
    while await ada.button("Show earlier").count():
        await ada.button("Show earlier").click()
        await asyncio.sleep(0.2)
    await expect(lines).to_have_count(len(said))
    assert await lines.all_text_contents() == said
    links = await ada.page.locator(".line a").evaluate_all("(all) => all.map((a) => a.protocol)")
    assert set(links) <= {"http:", "https:"}
    await nothing_ran(ada, dialogs)
    await ada.page.reload()  # and again, by who comes later
    await ada.joins()
    await ada.page.click("#panel-chat")
    await expect(lines.last).to_have_text(said[-1], use_inner_text=True)
    await nothing_ran(ada, dialogs)


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


async def test_whoever_talks_nonsense_to_the_others_browsers_disturbs_nobody(person: People, outside: Outside) -> None:
    said = r"peermeet:|OperationError|InvalidAccessError"  # what did not fit is said in the console, as a warning
    ada, bob = await person("Ada", account=True, tolerates=(said,)), await person("Bob", tolerates=(said,))
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await ada.sees_moving(1)
    chance = random.Random(4711)
    sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    lines = [
        *(
            "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
            "m=video 9 X 0\r\n",
            "a=ice-ufrag:u\r\n",
            "a=ice-pwd:" + "p" * 24 + "\r\n",
        ),
        *("a=fingerprint:sha-256 00\r\n", "a=setup:actpass\r\n", "a=mid:0\r\n", "c=IN IP4 0.0.0.0\r\n", "x" * 5_000),
        *("\r\n\r\n", "a=candidate:\r\n", "\x00", "a=mid:__proto__\r\n", "m=audio 9 X 0\r\n" * 1_000, "💥"),
    ]
    async with outside.joins(code(path), "Mallory") as mallory:
        live = (await mallory.event("welcomed"))["room"]["participants"]
        targets = [p["id"] for p in live if p["name"] in {"Ada", "Bob"}]
        assert len(targets) == 2
        for n in range(200):
            words = sdp + "".join(chance.choices(lines, k=chance.randrange(12)))
            kind = chance.choice(["offer", "answer", "pranswer", "rollback"])
            candidates = [
                {"candidate": chance.choice([*lines, "candidate:1 1 udp 1 10.0.0.1 22 typ host"])[:512], "sdpMid": "0"}
                for _ in range(chance.randrange(24))
            ]
            signal = {"type": "signal", "to": targets[n % 2], "description": {"type": kind, "sdp": words[:48_000]}}
            answer = await mallory.command(signal | {"candidates": candidates})
            if answer:  # more than the server takes
                await asyncio.sleep(0.1)
        for one, other in ((ada, "Bob"), (bob, "Ada")):
            await one.sees_tiles(other, "Mallory")
            await one.sees_moving(1)
            assert (await one.connections()).count("connected") == 1
    for one in (ada, bob):
        await one.hears(1)
        assert (await one.connections()).count("connected") == 1


async def test_whoever_fills_the_chat_keeps_nobody_out_of_their_page(person: People, outside: Outside) -> None:
    """As many of the longest lines as a room keeps: who comes then sees who is there, and can write."""
    ada = await person("Ada", account=True, refuses=SIX)
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    async with outside.joins(code(path), "Mallory") as mallory:
        for _ in range(200):
            line = {"type": "send_message", "topic": "chat", "data": {"text": "💥" * 2_000}}
            while await mallory.command(line):  # noqa: ASYNC110 (the server wants it so)
                await asyncio.sleep(0.3)
            mallory.events.clear()
        bob = await person("Bob", refuses=SIX)
        await bob.joins(path)
        await bob.page.click("#panel-people")
        await expect(bob.page.locator(".people li")).to_have_count(3)
        await bob.page.click("#panel-chat")
        await expect(bob.page.locator(".line p").last).to_contain_text("💥")
        sockets = await bob.sockets("/_event")
        field = bob.page.locator(".composer textarea")
        await field.fill("and yet")
        await field.press("Enter")
        await expect(bob.page.locator(".line p").last).to_have_text("and yet", use_inner_text=True)
        assert await bob.sockets("/_event") == sockets == 1


async def test_what_is_sent_is_encrypted(person: People) -> None:
    """DTLS-SRTP on every connection, by what the browser itself says of it."""
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    for one in (ada, bob):
        await one.sees_moving(1)
        transports = await one.page.evaluate(
            """async () => {
                 const found = [];
                 for (const pc of window.pcs) {
                   for (const one of (await pc.getStats()).values()) if (one.type === "transport") found.push(one);
                 }
                 return found;
               }"""
        )
        assert [found["dtlsState"] for found in transports] == ["connected"]
        for found in transports:
            assert found["srtpCipher"].startswith(("AES_CM_128", "AEAD_AES"))
            assert found["tlsVersion"] in {"FEFD", "FEFC"}  # DTLS 1.2, 1.3
            assert found["localCertificateId"]
            assert found["remoteCertificateId"]


async def test_a_fingerprint_that_was_exchanged_on_the_way_gets_no_media(person: People) -> None:
    """Who steps in between changes the fingerprint in the descriptions; the browsers then do not trust each other."""
    swap = """
      const take = RTCPeerConnection.prototype.setRemoteDescription;
      RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
        const other = sdp.replace(/^(a=fingerprint:sha-256 )(..):(..)/gm, (_, head, a, b) => `${head}${b}:${a}`);
        return take.call(this, { type, sdp: other });
      };
    """
    ada, bob = await person("Ada", account=True), await person("Bob")
    await bob.context.add_init_script(swap)
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await ada.sees_tiles("Bob")
    await until(lambda: _failed(ada, bob), "the handshake has failed")
    for one in (ada, bob):
        assert "connected" not in await one.connections()
        assert sum((await one.frames()).values()) == 0
        assert sum((await one.energy()).values()) == 0


async def _failed(*people: Person) -> bool:
    """Whether somebody's browser has seen that the other is not who they were said to be."""
    states = [
        await one.page.evaluate(
            """async () => {
                 const found = [];
                 for (const pc of window.pcs) {
                   const all = [...(await pc.getStats()).values()];
                   found.push(...all.filter((one) => one.type === "transport").map((one) => one.dtlsState));
                 }
                 return found;
               }"""
        )
        for one in people
    ]
    return any("failed" in state or "closed" in state for state in states)


async def test_signing_out_in_one_tab_ends_the_meeting_in_the_others(person: People) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await bob.sees_tiles("Ada")
    lobby = await ada.another_tab()
    await lobby.goto("/lobby")
    await lobby.button("Sign out").click()
    await lobby.arrives_at("/")
    await bob.sees_tiles()
    await expect(ada.page.get_by_role("heading")).to_have_text("You have signed out")
    assert await ada.live_tracks() == 0
    assert await ada.connections() == await bob.connections() == ["closed"]


FRAME = """<!doctype html><title>portal</title><iframe src="%s" allow="camera; microphone" width="900" height="700">"""


@contextlib.asynccontextmanager
async def portal(inside: str) -> AsyncIterator[str]:
    """A page of another site that shows ours in a frame; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = (FRAME % inside).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        writer.close()

    serving = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with serving:
        yield f"http://portal.test:{serving.sockets[0].getsockname()[1]}"


async def framed(chromium: Browser, url: str) -> str:
    """What stands in the frame of that page."""
    context = await chromium.new_context()
    page = await context.new_page()
    await page.goto(url)
    frame = await (await page.wait_for_selector("iframe")).content_frame()
    assert frame is not None
    text = await frame.evaluate("() => document.documentElement.textContent")
    await context.close()
    return str(text)


async def test_another_site_cannot_show_our_pages_in_a_frame(chromium: Browser, server: Server) -> None:
    for path in ("/", "/lobby", "/meet/2222-22222-2222", "/nowhere"):
        async with portal(server.url + path) as url:
            assert "PeerMeet" not in await framed(chromium, url)


async def test_a_site_that_is_named_can_and_no_other(chromium: Browser, tmp_path: Path) -> None:
    inside = Server(tmp_path / "data")
    async with portal(inside.url) as url, portal(inside.url) as stranger:
        inside.sets(PEERMEET_FRAME_ANCESTORS=url)
        await inside.start()
        try:
            assert "PeerMeet" in await framed(chromium, url)
            assert "PeerMeet" not in await framed(chromium, stranger)
        finally:
            await inside.stop()


PATHS = [
    "/",
    "/lobby",
    "/meet/2222-22222-2222",
    "/peermeet.css",
    "/favicon.svg",
    "/api/session",
    "/rtc/",
    "/ping",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_of_the_server_says_how_it_may_be_used(server: Server, path: str) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as browser:
        page = await browser.get("/")
        script = next(part for part in page.text.split('"') if part.startswith("/assets/") and part.endswith(".js"))
        for asked in (path, script):
            headers = (await browser.get(asked)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"
            assert "camera=(self)" in headers["permissions-policy"]
            policy = headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "script-src 'self' 'sha256-" in policy
            assert "unsafe-eval" not in policy
            assert "server" not in headers
        headers = (await browser.get(path, headers={"x-forwarded-proto": "https"})).headers
        assert "strict-transport-security" not in headers  # said by somebody who is no proxy of ours
