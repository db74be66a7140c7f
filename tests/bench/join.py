"""``python -m tests.bench.join [ROUNDS]``: page weight, and how long until one sees the other.

In one run, round by round: PeerMeet beside a bare inline page with one WebSocket (bare.html), each with a fresh
browser context and an empty cache, the other person waiting in the call. A frame counts when it is painted
(requestVideoFrameCallback), by the clock of the page that sees it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.browser import ensure

ROOT = Path(__file__).parent.parent.parent
FLAGS = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--no-sandbox"]
# Runs before anything of the page: notes when Join was there and pressed, and when the other's first frame was painted.
WATCH = """
(() => {
  const seen = new WeakSet();
  window.marks = { opened: performance.timeOrigin };
  new MutationObserver(() => {
    const join = document.querySelector("#join:not(:disabled)");
    if (join && !join.closest("fieldset:disabled") && !window.marks.ready && window.JOIN_AT_ONCE) {
      window.marks.ready = Date.now(); join.click(); window.marks.pressed = Date.now();
    }
    for (const video of document.querySelectorAll("%s")) {
      if (seen.has(video)) continue;
      seen.add(video);
      video.requestVideoFrameCallback(() => { window.marks.frame ??= Date.now(); });
    }
  }).observe(document, { childList: true, subtree: true, attributes: true });
})();
"""
BARE, OURS = "#other", '.tile[data-mine="false"] video'


async def bare_server(port: int) -> uvicorn.Server:
    sockets: set[WebSocket] = set()

    async def relay(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets.add(websocket)
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                text = await websocket.receive_text()
                for other in sockets - {websocket}:
                    with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # gone with its page
                        await other.send_text(text)
        sockets.discard(websocket)

    async def page(request: object) -> FileResponse:
        return FileResponse(Path(__file__).parent / "bare.html")

    app = Starlette(routes=[Route("/", page), WebSocketRoute("/relay", relay)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="websockets-sansio"))
    asyncio.get_running_loop().create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.02)
    return server


@contextlib.contextmanager
def our_server(port: int) -> Iterator[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PEERMEET_")} | {"PEERMEET_LOG_LEVEL": "warning"}
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "peermeet", "--port", str(port), "--data", data]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)
        url = f"http://localhost:{port}"
        try:
            while True:
                assert process.poll() is None, "the server ended"
                with contextlib.suppress(OSError), urllib.request.urlopen(url + "/ping", timeout=2):
                    break
                time.sleep(0.1)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)


@contextlib.asynccontextmanager
async def somebody(browser: Browser, *scripts: str, state: object = None) -> AsyncIterator[Page]:
    context: BrowserContext = await browser.new_context(permissions=["camera", "microphone"], storage_state=state)
    for script in scripts:
        await context.add_init_script(script)
    yield await context.new_page()
    await context.close()


async def framed(page: Page) -> dict[str, float]:
    for _ in range(1000):
        marks: dict[str, float] = await page.evaluate("window.marks ?? {}")
        if "frame" in marks:
            return {"opened": marks["frame"] - marks["opened"], "pressed": marks["frame"] - marks["pressed"]}
        await asyncio.sleep(0.02)
    raise TimeoutError(f"no frame within 20 s: {marks}, {await page.evaluate('document.body.innerText')}")


async def measure(browser: Browser, url: str, video: str, state: object = None) -> dict[str, float]:
    watch = WATCH % video.replace('"', '\\"')
    async with somebody(browser, watch, "window.JOIN_AT_ONCE = true", state=state) as other:
        await other.goto(url)
        for _ in range(500):  # the other sits there, alone, and has settled
            if await other.evaluate("Boolean(window.marks?.pressed)"):
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(1.5)
        async with somebody(browser, watch, "window.JOIN_AT_ONCE = true", state=state) as page:
            await page.goto(url, wait_until="commit")
            return await framed(page)


async def weigh(browser: Browser, url: str, state: object) -> tuple[float, int]:
    """Return kB transferred and requests of a first load."""
    async with somebody(browser, state=state) as page:
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        total, requests = 0.0, 0

        def finished(event: dict[str, float]) -> None:
            nonlocal total, requests
            total, requests = total + event["encodedDataLength"], requests + 1

        session.on("Network.loadingFinished", finished)
        await page.goto(url)
        await page.wait_for_selector("#join")
        await asyncio.sleep(1)
        return total / 1000, requests


async def sign_up(browser: Browser, url: str) -> tuple[str, object]:
    """Return a room's link and the signed-in state of its owner."""
    async with somebody(browser) as page:
        await page.goto(url)
        person = {"name": "Ada", "email": "ada@example.org", "password": "a bench has no secrets"}
        answer = await page.request.post(url + "/api/users", data=person)
        assert answer.status == 201, await answer.text()
        await page.goto(url + "/lobby")
        await page.fill("#title", "Bench")
        await page.click("#create")
        path = await page.get_attribute(".room-title", "href")
        return url + str(path), await page.context.storage_state()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("", 0))
        return int(free.getsockname()[1])


async def main(rounds: int) -> None:
    port = free_port()
    server = await bare_server(port)
    with our_server(free_port()) as url:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=ensure(), args=FLAGS)
            link, state = await sign_up(browser, url)
            kilobytes, requests = await weigh(browser, link, state)
            print(f"first load of the meeting page: {kilobytes:.0f} kB, {requests} requests")
            bare, ours = [], []
            for _ in range(rounds + 1):  # the first warms both up
                bare.append(await measure(browser, f"http://localhost:{port}/", BARE))
                ours.append(await measure(browser, link, OURS, state))
            for what in ("opened", "pressed"):
                a, b = (statistics.median(r[what] for r in rs[1:]) for rs in (ours, bare))
                ratio = statistics.median(o[what] / r[what] for o, r in zip(ours[1:], bare[1:], strict=True))
                worst = max(r[what] for r in ours[1:])
                name = "opening the link" if what == "opened" else "pressing join"
                print(f"{name} to first frame: {a:.0f} ms (worst {worst:.0f}); bare page {b:.0f} ms; ratio {ratio:.2f}")
            await browser.close()
    server.should_exit = True


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10))
