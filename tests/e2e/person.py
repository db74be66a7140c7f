"""Somebody in front of a browser, in the domain's words. What the page does wrong meanwhile is remembered."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Locator, Page, Request, WebSocket, expect

PATIENCE = 20.0  # seconds that anything may take here; a test that means a time says so
WATCH = (Path(__file__).parent / "watch.js").read_text("utf-8")
SMALL = {"width": 320, "height": 240, "frameRate": 15}  # twelve pictures of this size fit on two cores
PASSWORD = "seven quiet herons on a pier"
# What a browser writes into the console by itself while a server is away.
SERVER_AWAY = (r"WebSocket connection to .* failed", r"Failed to load resource: net::ERR_(CONNECTION|EMPTY|SOCKET)")
JWT = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.")

expect.set_options(timeout=PATIENCE * 1000)


async def until(look: Callable[[], Awaitable[Any]], what: str, patience: float = PATIENCE) -> Any:
    """Return what `look` finds as soon as it finds something. By polling: `wait_for_function` evaluates a string,
    which the content security policy forbids."""
    deadline = time.monotonic() + patience
    while not (found := await look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {what}")
        await asyncio.sleep(0.1)
    return found


class Overheard:
    """What a tab says on the way: addresses and headers of requests, their bodies by path, frames of its sockets."""

    def __init__(self, page: Page) -> None:
        self.lines: list[str] = []  # what proxies and logs see
        self.frames: list[str] = []
        self.bodies: list[tuple[str, str]] = []
        page.on("request", self._request)
        page.on("websocket", self._socket)

    def _request(self, request: Request) -> None:
        self.lines += [request.url, *request.headers.values()]
        if request.post_data:
            self.bodies.append((urlsplit(request.url).path, request.post_data))

    def _socket(self, socket: WebSocket) -> None:
        self.lines.append(socket.url)
        for event in ("framesent", "framereceived"):
            socket.on(event, lambda frame: self.frames.append(str(frame)))

    def says(self, secret: str) -> set[str]:
        """Where a secret is said: the paths of bodies; "line" and "frame" stand for all else."""
        said = {path for path, body in self.bodies if secret in body}
        said |= {"line"} if any(secret in line for line in self.lines) else set()
        return said | ({"frame"} if any(secret in frame for frame in self.frames) else set())


class Person:
    """One tab of one browser. `another_tab` is the same person's."""

    def __init__(self, name: str, url: str, page: Page) -> None:
        self.name = name
        self.url = url
        self.page = page
        self.email = f"{re.sub('[^a-z]', '', name.lower()) or 'somebody'}-{time.time_ns()}@example.org"

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    async def another_tab(self) -> Person:
        tab = Person(self.name, self.url, await self.context.new_page())
        tab.email = self.email
        return tab

    async def goto(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def arrives_at(self, path: str) -> None:
        await self.page.wait_for_url(self.url + path)

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name, exact=isinstance(name, str))

    # accounts

    async def has_account(self) -> None:
        """Register without the form, which has tests of its own."""
        form = {"name": self.name, "email": self.email, "password": PASSWORD}
        answer = await self.context.request.post(f"{self.url}/api/users", data=form)
        assert answer.status == 201, await answer.text()

    async def fills(self, **fields: str) -> None:
        for name, text in fields.items():
            await self.page.fill(f"#{name}", text)

    async def registers(self, **changes: str) -> None:
        await self.page.locator(".tab", has_text="Create account").click()
        await self.fills(**{"name": self.name, "email": self.email, "password": PASSWORD} | changes)
        await self.page.click("#register")

    async def signs_in(self, **changes: str) -> None:
        await self.fills(**{"email": self.email, "password": PASSWORD} | changes)
        await self.page.click("#sign-in")

    async def is_told(self, code: str, sentence: str, *, beside: str = "") -> None:
        """A refusal shows beside the field it is about, or for the whole form."""
        error = self.page.locator(f"#{beside}-error" if beside else ".form-error")
        await expect(error).to_be_visible()
        await expect(error).to_contain_text(sentence)
        assert await error.get_attribute("data-code") == code

    async def cookie(self) -> dict[str, Any]:
        """The session's; what only knows the device again stays when it ends."""
        (cookie,) = await self.sessions()
        return cookie

    async def sessions(self) -> list[dict[str, Any]]:
        return [dict(c) for c in await self.context.cookies() if c["name"] == "peermeet_session"]

    async def knows(self) -> list[str]:
        """All that a script of this page could read, and all the page's text."""
        return await self.page.evaluate(
            """() => [document.cookie, document.documentElement.outerHTML,
                      ...[localStorage, sessionStorage].flatMap((store) => Object.values(store))]"""
        )

    # rooms

    async def creates(self, title: str) -> str:
        """Create a room in the lobby and return its path."""
        if not self.page.url.startswith(f"{self.url}/lobby"):
            await self.goto("/lobby")
        await self.page.fill("#title", title)
        await self.page.click("#create")
        return str(await self.room(title).locator(".room-title").get_attribute("href"))

    def room(self, title: str) -> Locator:
        """A room's card in the lobby."""
        return self.page.locator(".room").filter(has=self.page.get_by_text(title, exact=True))

    async def counts(self, title: str, present: int) -> None:
        await expect(self.room(title).locator(".presence")).to_have_attribute("data-present", str(present))

    async def sets_up(self, path: str) -> None:
        """Open the page of one's own room, by the path of its meeting."""
        await self.goto(path.replace("/meet/", "/room/"))
        await expect(self.page.locator("#history")).to_be_visible()

    async def deletes(self) -> None:
        """Delete the room whose page is open."""
        await self.page.click("#delete-room")
        await self.page.click("#delete-for-good")
        await self.arrives_at("/lobby")

    async def invites(self, role: str = "Member", life: str = "A week", uses: int | None = None) -> str:
        """Make an invitation, on the page of a room or in the panel, and return its link."""
        await self.page.select_option("#invitation-role", label=role)
        await self.page.select_option("#invitation-life", label=life)
        await self.page.fill("#invitation-uses", str(uses or ""))
        before = await self.page.locator(".invitations > li").count()
        await self.page.click("#invite")
        await expect(self.page.locator(".invitations > li")).to_have_count(before + 1)
        return await self.page.input_value("#invitation-link")

    def invitation(self, number: int) -> Locator:
        """A line of the list of invitations."""
        return self.page.locator(f"[data-invitation='{number}']")

    # before

    async def opens(self, path: str) -> None:
        """Open a room's link and wait until camera and microphone are what they will be."""
        await self.goto(path)
        await expect(self.page.locator("#join")).to_be_enabled()
        for source in ("microphone", "camera"):
            await expect(self.page.locator(f"#{source}")).to_have_attribute("data-busy", "false")

    async def switches(self, source: str, *, on: bool) -> None:
        button = self.page.locator(f"#{source}")
        await expect(button).not_to_have_attribute("data-on", json.dumps(on))
        await button.click()
        await self.has(source, on=on)

    async def has(self, source: str, *, on: bool) -> None:
        await expect(self.page.locator(f"#{source}")).to_have_attribute("data-on", json.dumps(on))

    async def notices(self, *codes: str) -> list[str]:
        """Wait for these notices about devices and return their sentences."""
        lines = self.page.locator(".notices p")
        await expect(lines).to_have_count(len(codes))
        assert [await line.get_attribute("data-code") for line in await lines.all()] == list(codes)
        return await lines.all_inner_texts()

    async def joins(self, path: str | None = None) -> None:
        """Enter a meeting, by its link or from the page that is open."""
        if path is not None:
            await self.opens(path)
        await self.presses_join()
        await self.is_in("joined")

    async def presses_join(self) -> None:
        """Give a name if asked for one, and press the button."""
        await expect(self.page.locator("#join")).to_be_enabled()
        if await self.page.locator("#name").count():
            await self.page.fill("#name", self.name)
        await self.page.click("#join")

    async def is_in(self, phase: str) -> None:
        await expect(self.page.locator(".meeting")).to_have_attribute("data-phase", phase)

    # during

    async def leaves(self) -> None:
        await self.page.click("#leave")
        await self.is_in("left")

    def tile(self, name: str) -> Locator:
        return self.page.get_by_role("group", name=name, exact=True).and_(self.page.locator(".tile"))

    async def sees_tiles(self, *names: str) -> None:
        """Wait for exactly these tiles, in this order; one's own is the last."""
        await until(lambda: self._shows([*names, "You"]), f"tiles of {names} at {self.name}'s")

    async def sees_no_tile(self, name: str) -> None:
        await expect(self.tile(name)).to_have_count(0)

    async def _shows(self, names: list[str]) -> bool:
        shown = await self.page.evaluate(
            "() => [...document.querySelectorAll('.tile')].map((tile) => tile.getAttribute('aria-label'))"
        )
        return sorted(shown) == sorted(names) and shown[-1] == "You"

    async def pictures(self) -> dict[int, int]:
        """How many frames each video element of the stage has painted."""
        painted = await self.page.evaluate(
            """() => [...document.querySelectorAll(".stage video")]
                       .map((video) => video.getVideoPlaybackQuality().totalVideoFrames)"""
        )
        return dict(enumerate(painted))

    async def rtp(self, direction: str, kind: str, figure: str) -> dict[int, float]:
        """A figure of getStats by connection, summed over its streams."""
        sums: dict[int, float] = {}
        for stream in await self.page.evaluate("() => window.rtp()"):
            if (stream["direction"], stream["kind"]) == (direction, kind):
                sums[stream["link"]] = sums.get(stream["link"], 0) + stream[figure]
        return sums

    async def frames(self) -> dict[int, float]:
        return await self.rtp("inbound", "video", "frames")

    async def energy(self) -> dict[int, float]:
        return await self.rtp("inbound", "audio", "energy")

    async def sees_moving(self, n: int) -> None:
        """Frames of exactly n others are decoded, and more of them as time goes."""
        await self._grow(self.frames, n, 5, f"{self.name} decodes {n} moving pictures")

    async def hears(self, n: int) -> None:
        """Sound of exactly n others arrives. The fake microphone beeps once a second."""
        await self._grow(self.energy, n, 1e-5, f"{self.name} hears {n} others")

    async def sees_painted(self, n: int) -> None:
        """Exactly n pictures of the stage move, one's own counted."""
        await self._grow(self.pictures, n, 5, f"{n} pictures move on {self.name}'s stage")

    async def _grow(self, look: Callable[[], Awaitable[dict[int, Any]]], n: int, by: float, what: str) -> None:
        before = now = await look()

        async def grown() -> bool:
            nonlocal now
            now = await look()
            more = [link for link, value in now.items() if value >= before.get(link, 0) + by]
            return len(more) == n == sum(value > 0 for value in now.values())

        try:
            await until(grown, what)
        except AssertionError as late:
            late.add_note(f"before: {before}, now: {now}, connections: {await self.connections()}")
            raise

    async def sends_nothing(self, kind: str, seconds: float = 1.0) -> None:
        """Wait until what is on its way is out, then see that not a byte follows."""

        async def silent() -> bool:
            before = await self.rtp("outbound", kind, "bytes")
            await asyncio.sleep(seconds)
            return before == await self.rtp("outbound", kind, "bytes")

        await until(silent, f"{self.name} sends no {kind}", patience=5)

    async def connections(self) -> list[str]:
        """The state of every peer connection that this page ever made."""
        return await self.page.evaluate("() => window.pcs.map((pc) => pc.connectionState)")

    async def live_tracks(self, kind: str = "") -> int:
        """How many tracks of the camera or microphone were never stopped: what keeps its light on."""
        return await self.page.evaluate(
            """(kind) => window.tracks.filter((track) => track.readyState === "live"
                                                         && (!kind || track.kind === kind)).length""",
            kind,
        )

    async def drops_socket(self, path: str) -> None:
        """Lose the WebSocket to that path, as a train in a tunnel does; the page may open another."""
        closed = await self.page.evaluate(
            """(path) => window.sockets.filter((socket) => socket.url.includes(path) && socket.readyState === 1)
                           .map((socket) => socket.close()).length""",
            path,
        )
        assert closed == 1, f"{closed} sockets to {path}"

    async def sockets(self, path: str) -> int:
        """How many WebSockets to that path this page ever opened."""
        return await self.page.evaluate(
            "(path) => window.sockets.filter((socket) => socket.url.includes(path)).length", path
        )

    async def watches_tiles(self) -> None:
        await self.page.evaluate("() => window.watchTiles()")

    async def saw(self) -> list[dict[str, Any]]:
        """What became of the tiles since `watches_tiles`: ``{at, tiles: {name: presence}}``."""
        return await self.page.evaluate("() => window.seen")


class People:
    """Makes people, each in a fresh browser context, and sees them off."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self._contexts: list[BrowserContext] = []
        self._complaints: list[str] = []

    async def __call__(
        self,
        name: str,
        *,
        account: bool = False,
        url: str = "",
        size: dict[str, int] | None = SMALL,
        refuses: dict[str, str] | None = None,
        tolerates: tuple[str, ...] = (),
        **options: Any,
    ) -> Person:
        """`refuses` makes the browser refuse a kind of device by the name of an error. Whatever stands in the console
        as an error fails the test, but for what it `tolerates`."""
        asked = {"viewport": {"width": 1280, "height": 800}, "permissions": ["camera", "microphone"]} | options
        context = await self._browser.new_context(**asked)
        self._contexts.append(context)
        wishes = json.dumps({"size": size, "refuses": refuses or {}})
        await context.add_init_script(f"window.peermeetTest = {wishes};\n{WATCH}")

        def complain(text: str) -> None:
            if not any(re.search(pattern, text) for pattern in tolerates):
                self._complaints.append(f"{name}: {text}")

        # A warning of ours is something that went wrong and healed: on loopback nothing does.
        context.on(
            "console",
            lambda said: (
                complain(f"{said.text} ({said.location['url']})")
                if said.type == "error" or (said.type == "warning" and "peermeet" in said.text)
                else None
            ),
        )
        context.on("weberror", lambda error: complain(f"uncaught {error.error}"))
        person = Person(name, url or self._url, await context.new_page())
        if account:
            await person.has_account()
        return person

    async def leave(self) -> None:
        for context in reversed(self._contexts):
            await context.close()
        if self._complaints:
            raise AssertionError("\n".join(["there are errors in the console:", *self._complaints]))
