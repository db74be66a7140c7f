"""``python -m tests.bench.flood [ROUNDS]``: what floods cost those who stand beside them, and the server.

In one run, against a real server: the round trip of a signal between two people, in the room of a flooder and in
another one, while it is quiet and in the second in which one seat sends ten thousand signals; two thousand sockets that
connect and never say who they are; frames of sixteen megabytes. The flooder is a process of its own, with its frames
made before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
from websockets.exceptions import ConnectionClosed

from peermeet.services import COOKIE, new_code
from peermeet.store import RoomRecord
from peermeet.store.sqlite import SqliteStore
from tests.e2e.server import Server
from tests.signaling.wire import Socket

SDP = "v=0\r\n" + "a=candidate:1 1 udp 2122260223 192.0.2.7 54321 typ host\r\n" * 30  # two kilobytes, as a short offer
SIGNALS = 10_000
WITHIN = 1.0  # seconds in which they are sent
PAUSE = 0.008  # seconds between two round trips of those beside: fewer in a second than their own bucket holds
IDLE, ADDRESSES = 2_000, 20


class Guest:
    def __init__(self, server: Server, name: str) -> None:
        self.http = server.url.replace("localhost", "127.0.0.1")
        self.ws = self.http.replace("http:", "ws:")
        answer = httpx.post(f"{self.http}/api/guests", json={"name": name}, trust_env=False)
        self.cookie = answer.cookies[COOKIE]

    def ticket(self, room: str) -> str:
        headers = {"cookie": f"{COOKIE}={self.cookie}"}
        answer = httpx.post(f"{self.http}/api/tickets", json={"room": room}, headers=headers, trust_env=False)
        return str(answer.json()["ticket"])

    @contextlib.asynccontextmanager
    async def sits(self, room: str) -> AsyncIterator[Socket]:
        async with Socket(self.ws) as socket:
            yield await socket.join({"ticket": self.ticket(room)}, room, f"page-of-{os.urandom(4).hex()}")
            await socket.command({"type": "leave"})


async def round_trips(one: Socket, other: Socket, seconds: float) -> list[float]:
    """How long a signal takes from being said by the one to being heard by the other, again and again, in ms."""
    took: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        answered = one.command({"type": "signal", "to": other.you, "description": {"type": "offer", "sdp": SDP}})
        heard = other.event("signaled")
        answer, event = await asyncio.gather(answered, heard)
        while event["by"] != one.you:
            event = await other.event("signaled")
        assert answer == {}, answer
        took.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(PAUSE)
    return took


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def floods(server: Server, rooms: tuple[str, str], rounds: int) -> None:
    people = [await asyncio.to_thread(Guest, server, name) for name in ("Ada", "Bob", "Cem", "Dan")]
    quiet: dict[str, list[float]] = {"the same room": [], "another room": []}
    loud: dict[str, list[float]] = {"the same room": [], "another room": []}
    cut: list[float] = []
    for _ in range(rounds):
        # New seats for each round: its own buckets are full again.
        async with contextlib.AsyncExitStack() as stack:
            ada, bob, cem, dan = [
                await stack.enter_async_context(one.sits(room))
                for one, room in zip(people, (rooms[0], rooms[0], rooms[1], rooms[1]), strict=True)
            ]
            for into, flood in ((quiet, False), (loud, True)):
                flooder = await flooding(Guest(server, "Mallory"), rooms[0], bob.you) if flood else None
                measured = await asyncio.gather(round_trips(ada, bob, WITHIN), round_trips(cem, dan, WITHIN))
                for name, took in zip(into, measured, strict=True):
                    into[name] += took
                if flooder is not None:
                    out, _ = await flooder.communicate()
                    cut.append(float(out))
                await asyncio.sleep(6)  # for the buckets of those who measure
    for name, still in quiet.items():
        before, during = p95(still), p95(loud[name])
        print(
            f"round trip in {name}: quiet p95 {before:.2f} ms, in the flood's second {during:.2f} ms "
            f"({len(loud[name])} of them), ratio {during / before:.2f}"
        )
    print(f"the flooder was cut after {statistics.median(cut) * 1000:.0f} ms (median of {rounds})")


async def flooding(mallory: Guest, room: str, target: str) -> asyncio.subprocess.Process:
    """Start a flooder and wait until it sits and its frames are made."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.flood", "--flooder", mallory.ws, mallory.ticket(room), room, target),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def flood(ws: str, ticket: str, room: str, target: str) -> None:
    """Send ten thousand signals in a second, or until cut; say after how long that was."""
    async with Socket(ws) as mallory:
        await mallory.join({"ticket": ticket}, room, "page-of-mallory")
        signal = {"type": "signal", "to": target, "description": {"type": "offer", "sdp": SDP}}
        frames = [frame(f"42/meeting,{n}{json.dumps(['command', signal])}".encode()) for n in range(SIGNALS)]
        print("ready", flush=True)
        start, transport = time.perf_counter(), mallory._ws.transport
        listening = asyncio.create_task(mallory.gone(within=WITHIN * 5))
        for n in range(0, SIGNALS, 100):
            transport.write(b"".join(frames[n : n + 100]))
            await asyncio.sleep(max(0.0, start + WITHIN * n / SIGNALS - time.perf_counter()))
            if listening.done():
                break
        with contextlib.suppress(ConnectionClosed):
            await listening
        print(time.perf_counter() - start, flush=True)


def frame(text: bytes) -> bytes:
    """A WebSocket frame as a client sends one (RFC 6455, section 5.2), masked with zeros."""
    length = len(text)
    head = struct.pack("!BBH", 0x81, 0x80 | 126, length) if length > 125 else struct.pack("!BB", 0x81, 0x80 | length)
    return head + bytes(4) + text


async def strangers(server: Server) -> None:
    """Sockets that connect and never authenticate, as many from each of twenty addresses as one may have."""
    url, before = server.url.replace("http:", "ws:").replace("localhost", "127.0.0.1"), server.memory()
    start, most, lives = time.perf_counter(), 0, []

    async def stand(n: int) -> None:
        async with Socket(url, local_addr=(f"127.0.1.{n % ADDRESSES + 1}", 0)) as socket:
            at = time.perf_counter()
            await socket.gone(within=60)
            lives.append(time.perf_counter() - at)

    standing = asyncio.gather(*(stand(n) for n in range(IDLE)))
    while not standing.done():
        await asyncio.sleep(0.1)
        most = max(most, server.memory())
    await standing
    print(
        f"{IDLE} sockets that never authenticate: each dropped after {max(lives):.1f} s at the most, all gone after "
        f"{time.perf_counter() - start:.1f} s; memory +{(most - before) / IDLE:.0f} kB each while they stood, "
        f"{(server.memory() - before) / 1000:+.0f} MB after"
    )


async def giants(server: Server) -> None:
    url, before, most = server.url.replace("http:", "ws:").replace("localhost", "127.0.0.1"), server.memory(), 0
    for _ in range(20):
        async with Socket(url, close_timeout=1) as socket:
            with contextlib.suppress(ConnectionClosed):
                await socket.say("4" + "x" * 16_000_000)
            code = await socket.gone(within=10)
        most = max(most, server.memory())
    print(f"20 frames of 16 MB: closed with {code}; memory at most {(most - before) / 1000:+.0f} MB")


async def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        server = Server(data, PEERMEET_LOG_LEVEL="warning")
        await server.start()
        try:
            store = await SqliteStore.open(data / "peermeet.db")
            rooms = (new_code(), new_code())
            for code in rooms:
                await store.add_room(RoomRecord(code, "Bench", "nobody", datetime.now(UTC)))
            await store.close()
            await giants(server)
            await floods(server, rooms, rounds)
            for _ in range(2):  # what the first have cost is there for the second
                await strangers(server)
        finally:
            await server.stop()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--flooder"]:
        asyncio.run(flood(*sys.argv[2:]))
    else:
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
