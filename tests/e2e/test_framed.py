"""Whose pages may show ours, and what every answer says of that: another site in a real frame."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser

from .server import Server

pytestmark = pytest.mark.browser

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
