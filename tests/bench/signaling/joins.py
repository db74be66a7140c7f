"""Joins per second, and what one costs the server: rooms are filled one person after the other, several at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from .client import Client
from .machine import Running
from .meeting import Meeting, Script

AT_ONCE = 8  # rooms that are filled at the same time: enough that the server never waits for a client
PAUSE = 0.5  # seconds after everybody has left: closing their sockets is no part of what is measured next
Make = Callable[[str, int], Client]  # the client of a room's nth person


class Joins(NamedTuple):
    """One run. Costs are milliseconds of processor for each join; ``client`` is how busy the bench's own core was."""

    rate: float
    cost: float
    redis: float
    client: float


@asynccontextmanager
async def filled(rooms: Sequence[str], size: int, make: Make, script: Script) -> AsyncIterator[list[Meeting]]:
    """Fill rooms; afterwards everybody leaves."""
    waiting, meetings = iter(rooms), list[Meeting]()

    async def fill() -> None:
        for room in waiting:
            meeting = Meeting(script)
            meetings.append(meeting)
            for n in range(size):
                await meeting.joins(make(room, n))
            await meeting.settles()

    try:
        async with asyncio.TaskGroup() as fillers:
            for _ in range(AT_ONCE):
                fillers.create_task(fill())
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    yield meetings
    for meeting in meetings:
        await meeting.leaves()
    await asyncio.sleep(PAUSE)


async def measure(running: Running, rooms: Sequence[str], size: int, make: Make, script: Script) -> Joins:
    own, redis, cpu, began = time.process_time(), running.redis_cpu(), running.cpu(), time.perf_counter()
    async with filled(rooms, size, make, script):
        seconds, joins = time.perf_counter() - began, len(rooms) * size
        cost, shared = running.cpu() - cpu, running.redis_cpu() - redis
        client = (time.process_time() - own) / seconds
        return Joins(joins / seconds, 1000 * cost / joins, 1000 * shared / joins, client)
