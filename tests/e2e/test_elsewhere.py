"""By whatever port and host name the one address is reached, and however many browsers meet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

from tests import browser

from .conftest import FLAGS
from .person import People, Person
from .server import Server

pytestmark = pytest.mark.browser

# Browsers in processes of their own cannot resolve each other's mDNS names where nobody answers multicast.
PLAIN_ADDRESSES = "--disable-features=WebRtcHideLocalIpsWithMdns"


@contextlib.asynccontextmanager
async def relayed(port: int) -> AsyncIterator[int]:
    """Another port that leads to this one, as a proxy or a forwarded port does; `Host` is passed on as it came."""
    pipes: set[asyncio.Task[None]] = set()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        for pair in ((reader, back), (there, writer)):
            pipe = asyncio.create_task(pour(*pair))
            pipes.add(pipe)
            pipe.add_done_callback(pipes.discard)

    server = await asyncio.start_server(join, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)


async def test_another_port_and_host_name_do_as_well(person: People, server: Server) -> None:
    async with relayed(server.port) as port:
        ada = await person("Ada", account=True, url=f"http://127.0.0.1:{port}")
        bob = await person("Bob")
        path = await ada.creates("Through the tunnel")
        await ada.joins(path)
        await bob.joins(path)
        for one, other in ((ada, "Bob"), (bob, "Ada")):
            await one.sees_tiles(other)
            await one.sees_moving(1)
        for one in (ada, bob):
            await one.context.close()


@pytest.fixture
async def three_browsers(chromium: Browser) -> AsyncIterator[list[Browser]]:
    async with async_playwright() as playwright:
        program = browser.find()
        yield [
            await playwright.chromium.launch(executable_path=program, args=[*FLAGS, PLAIN_ADDRESSES]) for _ in range(3)
        ]


async def test_no_pair_stays_without_a_link(three_browsers: list[Browser], server: Server) -> None:
    """Three processes that join at once, three times: offers cross, and Chromium is left to none of its ways to
    forget a pair."""
    people = [People(one, server.url) for one in three_browsers]
    ada, bob, cem = [await p(name, account=True) for p, name in zip(people, ("Ada", "Bob", "Cem"), strict=True)]
    path = await ada.creates("Weekly planning")
    for _ in range(3):
        everybody: tuple[Person, ...] = (ada, bob, cem)
        await asyncio.gather(*(one.opens(path) for one in everybody))
        await asyncio.gather(*(one.joins() for one in everybody))
        await asyncio.gather(*(one.sees_moving(2) for one in everybody))
        await asyncio.gather(*(one.leaves() for one in everybody))
    for p in people:
        await p.leave()
