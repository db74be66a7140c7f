"""Debian's redis-server on loopback, for the tests: no file, killed and started again as they like."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
from typing import Any

import pytest
from redis import asyncio as aioredis

START = 10.0  # seconds


class RedisServer:
    """Each start begins with nothing, on the same port."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            if os.environ.get("CI"):
                pytest.fail("redis-server is not installed, and CI has to have it")
            pytest.skip("redis-server is not installed")
        options = ("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp")
        nothing = asyncio.subprocess.DEVNULL
        self._process = await asyncio.create_subprocess_exec(program, *options, stdout=nothing, stderr=nothing)
        async with asyncio.timeout(START):
            while not await self._answers():  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.02)

    async def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            await process.wait()

    async def empty(self) -> None:
        """Have it run, with nothing in it."""
        if self._process is None:
            await self.start()
        async with aioredis.Redis.from_url(self.url) as client:
            await client.flushall()

    async def rooms(self) -> list[dict[str, Any]]:
        """The rooms of all servers, as they are kept there."""
        async with aioredis.Redis.from_url(self.url) as client:
            values = [await client.get(key) async for key in client.scan_iter("peermeet:room:*")]
        return [json.loads(value.split(b" ", 2)[2])["room"] for value in values if value]

    async def _answers(self) -> bool:
        try:
            async with aioredis.Redis.from_url(self.url) as client:
                return bool(await client.ping())
        except (aioredis.RedisError, OSError):
            return False
