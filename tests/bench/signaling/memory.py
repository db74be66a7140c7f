"""Memory of the server for each participant who sits there idle, and whether it grows in a straight line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

from .figures import Line, line
from .joins import Make, filled
from .machine import Running
from .meeting import SILENT

# Seconds until a join's own timers are over (the server gives five to join) and a heartbeat has gone round.
SETTLE = 8.0
WATCHED = 10.0  # seconds for which idleness is measured: two heartbeats of everybody


class Memory(NamedTuple):
    """One run, in kB: the server's share and Redis's at each number of participants. ``idle`` is the part of one core
    that the most of them cost while nothing happens. What the kernel keeps of a socket is in neither."""

    seats: list[int]
    server: list[float]
    redis: list[float]
    idle: float

    @property
    def line(self) -> Line:
        return line(self.seats, self.server)


async def measure(running: Running, rooms: Sequence[str], size: int, make: Make, steps: Sequence[int]) -> Memory:
    found = Memory([], [], [], 0.0)
    seats = 0
    async with AsyncExitStack() as stack:
        for step in steps:
            await stack.enter_async_context(filled(rooms[seats // size : step // size], size, make, SILENT))
            await asyncio.sleep(SETTLE)
            seats = step
            found.seats.append(seats)
            found.server.append(running.memory())
            found.redis.append(running.redis_memory())
        before = running.cpu()
        await asyncio.sleep(WATCHED)
        return found._replace(idle=(running.cpu() - before) / WATCHED)
