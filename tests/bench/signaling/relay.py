"""Relayed signals per second, and how long one takes: first as many as the server can, then at a steady pace."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import NamedTuple

from .client import PATIENCE, Client, Refused
from .figures import percentile
from .machine import Running
from .meeting import BUNDLED, Meeting

UNDER_WAY = 64  # signals at once when the server is to do as many as it can
SECONDS = 8.0  # of one measurement
MARK = b"candidate:mark"  # in every signal: which one it is
BODIES = BUNDLED.offers + BUNDLED.answers  # what is relayed, in turn


class Relayed(NamedTuple):
    """One run: signals a second, seconds from when one was due to its arrival, milliseconds of processor for each."""

    rate: float
    p50: float
    p99: float
    cost: float
    redis: float
    client: float


class Traffic:
    """Signals between people who sit in the same rooms. Who speaks with whom comes by chance, the same in every run."""

    def __init__(self, meetings: Sequence[Meeting]) -> None:
        self._meetings = meetings
        self._chance = random.Random(1)
        self._due: dict[int, float] = {}
        self._number = 0
        self._took: list[float] = []
        self._arrived = self._nothing
        for meeting in meetings:
            for client in meeting.clients:
                client.signaled = self._hear

    async def flood(self, running: Running, seconds: float = SECONDS) -> Relayed:
        """Keep so many under way that the server is never idle."""
        self._arrived = self._send
        measured = _Measured(running)
        for _ in range(UNDER_WAY):
            self._send()
        await asyncio.sleep(seconds)
        result = measured.result(self._take())
        self._arrived = self._nothing
        await self._all_arrive()
        return result

    async def stream(self, running: Running, rate: float, seconds: float = SECONDS) -> Relayed:
        """Send at chance intervals of this mean, whether or not the server keeps up: who waits is counted as waiting
        from when the signal was due."""
        measured, due = _Measured(running), time.perf_counter()
        end = due + seconds
        while due < end:
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            while due <= time.perf_counter():
                self._send(due)
                due += self._chance.expovariate(rate)
        await self._all_arrive()
        return measured.result(self._take())

    def _send(self, due: float | None = None) -> None:
        meeting = self._chance.choice(self._meetings)
        sender, receiver = self._chance.sample(meeting.clients, 2)
        self._number += 1
        self._due[self._number] = due or time.perf_counter()
        sender.signal(receiver.id, marked(BODIES[self._number % len(BODIES)], self._number))

    def _hear(self, me: Client, by: str, message: bytes) -> None:
        self._took.append(time.perf_counter() - self._due.pop(number(message)))
        self._arrived()

    def _nothing(self) -> None:
        pass

    def _take(self) -> list[float]:
        took, self._took = self._took, []
        return took

    async def _all_arrive(self) -> None:
        deadline = time.perf_counter() + PATIENCE
        while self._due:
            if time.perf_counter() > deadline:
                raise Refused(f"{len(self._due)} signals did not arrive")
            await asyncio.sleep(0.01)
        for meeting in self._meetings:
            meeting.check()


class _Measured:
    """From here until `result`."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._cpu, self._redis, self._own = running.cpu(), running.redis_cpu(), time.process_time()
        self._began = time.perf_counter()

    def result(self, took: list[float]) -> Relayed:
        seconds, n = time.perf_counter() - self._began, len(took)
        cost, redis = self._running.cpu() - self._cpu, self._running.redis_cpu() - self._redis
        return Relayed(
            n / seconds,
            percentile(took, 0.5),
            percentile(took, 0.99),
            1000 * cost / n,
            1000 * redis / n,
            (time.process_time() - self._own) / seconds,
        )


def marked(body: str, number: int) -> str:
    """Return a signal's inside with its number in it, where either side of any protocol hands it on as it is."""
    if body.startswith('"description"'):
        return body.replace("v=0", f"{MARK.decode()}{number} ", 1)
    return body.replace("candidate:", f"{MARK.decode()}{number} ", 1)


def number(message: bytes) -> int:
    """Return which signal a message brings."""
    start = message.index(MARK) + len(MARK)
    return int(message[start : message.index(b" ", start)])
