"""``python -m tests.bench.signaling [joins] [relay] [memory] [growth]``: what signaling costs; README's figures of it.

A real ``python -m peermeet`` on one core, its clients in this process on another. With ``--redis``, two such processes
on one Redis are measured in the same run beside the one in memory, people of each room spread over both; with
``--beside DIR``, the PeerMeet in another folder is. Rounds take turns, so that what slows the machine slows all alike.

What a *join* is, in four sizes. Rooms of 4 are filled one by one, so a join meets 1.5 others on average; the figures
are averages over the four.

    seated    connect with a ticket that the bench made, `join`, hear the room
    ticket    the same, but the ticket is asked for over HTTP, on a TCP connection of its own
    complete  the same, a microphone and a camera published, and with each of the others an offer, an answer and two
              bundles of candidates: what the pages do (6 relayed signals a join)
    trickled  as complete, but each of the 7 candidates of either side alone (24 relayed signals a join)

The last two are measured without asking for the ticket too. Every command is acknowledged, as the pages want it. The
pages' own event socket, by which Reflex draws, is not part of any of this. Users and rooms are made through the store
before the server starts, sessions and tickets with its secret, and clients come from many loopback addresses: the
server checks and counts all it always does.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop

from . import growth, joins, memory, relay
from .client import Address, Client, Refused
from .figures import ratio, table, told
from .joins import Make, filled
from .machine import Running, Setup, allow_files, serve
from .meeting import BUNDLED, SILENT, TRICKLED
from .peermeet import Participant
from .town import Town

SIZE = 4  # people in a room
WARM = 12  # rooms that are filled before anything is measured
JOINS = 100  # rooms of one measurement of joins
RELAY = 200  # rooms among which signals are relayed
PACES = (200, 500, 1000)  # signals a second at which latency is measured
NEARLY = 0.9  # of what a server can relay: above it a steady pace measures the queue alone
SEATS = (1000, 2000, 3000, 4000)
LARGEST = 32  # people in the room whose growth is counted
KINDS = {  # script, ticket over HTTP, publishes
    "seated": (SILENT, False, False),
    "ticket": (SILENT, True, False),
    "complete, no ticket": (BUNDLED, False, True),
    "complete": (BUNDLED, True, True),
    "trickled, no ticket": (TRICKLED, False, True),
    "trickled": (TRICKLED, True, True),
}


class Place(NamedTuple):
    """A server that runs, and the people and rooms that it knows."""

    running: Running
    town: Town

    @property
    def rooms(self) -> list[str]:
        return list(self.town.rooms)

    def make(self, *, over_http: bool = False, publishes: bool = True) -> Make:
        """Return what makes the client of a room's nth person; neighbours are at different processes."""

        def made(room: str, n: int) -> Client:
            person, ports = self.town.rooms[room][n], self.running.ports
            address = Address("127.0.0.1", ports[n % len(ports)], person.source)
            return Participant(address, self.town, person, room, over_http=over_http, publishes=publishes)

        return made

    async def warm(self) -> None:
        async with filled(self.rooms[:WARM], SIZE, self.make(over_http=True), BUNDLED):
            pass


class Bench:
    """What was asked for on the command line, and the four measurements."""

    def __init__(self, setups: Sequence[Setup], cores: Sequence[int], rounds: int, out: Path) -> None:
        self._setups = setups
        self._cores = cores
        self._rounds = rounds
        self._out = out

    async def joins(self) -> None:
        found: dict[tuple[str, str], list[joins.Joins]] = {}
        async with AsyncExitStack() as stack:
            places = [await stack.enter_async_context(self._place(setup, JOINS)) for setup in self._setups]
            for place in places:
                await place.warm()
            for _ in range(self._rounds):
                for kind, (script, over_http, publishes) in KINDS.items():
                    for place in places:
                        make = place.make(over_http=over_http, publishes=publishes)
                        run = await joins.measure(place.running, place.rooms, SIZE, make, script)
                        found.setdefault((kind, place.running.setup.name), []).append(run)
        head = ["join", "server", "joins/s", "CPU ms a join", "to the first", "Redis ms", "client busy"]
        rows = [
            [
                kind,
                server,
                told([run.rate for run in runs]),
                told([run.cost for run in runs], 2),
                ratio([run.cost for run in runs], [run.cost for run in found[kind, self._setups[0].name]]),
                told([run.redis for run in runs], 2) if any(run.redis for run in runs) else "",
                f"{max(run.client for run in runs):.0%}",
            ]
            for (kind, server), runs in found.items()
        ]
        self._tell(f"Joins: {JOINS} rooms of {SIZE} a run, {joins.AT_ONCE} rooms at once", head, rows)

    async def relay(self) -> None:
        found: dict[tuple[str, str], list[relay.Relayed]] = {}
        async with AsyncExitStack() as stack:
            places = [await stack.enter_async_context(self._place(setup, RELAY)) for setup in self._setups]
            for place in places:
                await place.warm()
            for _ in range(self._rounds):
                for place in places:
                    name = place.running.setup.name
                    async with filled(place.rooms, SIZE, place.make(), SILENT) as meetings:
                        await asyncio.sleep(memory.SETTLE)
                        traffic = relay.Traffic(meetings)
                        most = await traffic.flood(place.running)
                        found.setdefault(("as many as it can", name), []).append(most)
                        for pace in PACES:
                            if pace < NEARLY * most.rate:
                                run = await traffic.stream(place.running, pace)
                                found.setdefault((f"{pace:,} a second", name), []).append(run)
        head = ["load", "server", "signals/s", "p50 ms", "p99 ms", "CPU ms a signal", "Redis ms", "client busy"]
        rows = [
            [
                load,
                server,
                told([run.rate for run in runs], 0),
                told([1000 * run.p50 for run in runs], 2),
                told([1000 * run.p99 for run in runs], 2),
                told([run.cost for run in runs], 3),
                told([run.redis for run in runs], 3) if any(run.redis for run in runs) else "",
                f"{max(run.client for run in runs):.0%}",
            ]
            for (load, server), runs in sorted(found.items(), key=lambda item: (len(item[0][0]), item[0][0]))
        ]
        self._tell(
            f"Relayed signals: {RELAY} rooms of {SIZE}, whose heartbeats are in the cost; {relay.SECONDS:g} s a run",
            head,
            rows,
        )

    async def memory(self) -> None:
        rows = []
        for setup in self._setups:
            runs: list[memory.Memory] = []
            for _ in range(self._rounds):
                async with self._place(setup, max(SEATS) // SIZE) as place:
                    await place.warm()
                    runs.append(await memory.measure(place.running, place.rooms, SIZE, place.make(), SEATS))
            lines = [run.line for run in runs]
            rows.append(
                [
                    setup.name,
                    *(told([run.server[n] / 1000 for run in runs], 0) for n in range(len(SEATS))),
                    told([found.slope for found in lines], 1),
                    f"{min(found.fit for found in lines):.5f}",
                    told([run.redis[-1] / 1000 for run in runs], 0) if setup.redis else "",
                    told([100 * run.idle for run in runs], 0),
                ]
            )
        head = ["server", *(f"MB at {seats:,}" for seats in SEATS), "kB each", "worst R²"]
        head += ["Redis MB", f"% of a core at {max(SEATS):,}"]
        self._tell("Memory of idle seated participants (PSS of the server's processes)", head, rows)

    async def growth(self) -> None:
        kinds = {"seated": (SILENT, False), "published too": (SILENT, True), "complete": (BUNDLED, True)}
        for setup in self._setups:
            async with self._place(setup, len(kinds), LARGEST, PEERMEET_CAPACITY="64") as place:
                found = [
                    await growth.measure(name, room, LARGEST, place.make(publishes=publishes), script)
                    for room, (name, (script, publishes)) in zip(place.rooms, kinds.items(), strict=True)
                ]
            rows = [
                [
                    kind.name,
                    *(f"{kind.messages[kind.sizes.index(n)]:,} / {kind.bytes[kind.sizes.index(n)]:,}" for n in TOLD),
                    *(f"{fit.slope:,.1f} (R² {fit.fit:.5f})" for fit in kind.lines),
                ]
                for kind in found
            ]
            head = ["join", *(f"room of {n}" for n in TOLD), "messages each", "bytes each"]
            self._tell(f"Messages / bytes that the server sends for one join, {setup.name}", head, rows)
            file = self._out / f"growth-{setup.name.replace(' ', '-')}.png"
            growth.draw(found, file)
            print(f"plot: {file}\n", flush=True)

    @asynccontextmanager
    async def _place(self, setup: Setup, rooms: int, size: int = SIZE, **settings: str) -> AsyncIterator[Place]:
        with tempfile.TemporaryDirectory() as folder:
            town = await Town.found(Path(folder), rooms, size)
            async with serve(setup, Path(folder), self._cores, PEERMEET_SECRET=town.secret, **settings) as running:
                print(f"{setup.name}: process {', '.join(map(str, running.leaders))}", file=sys.stderr, flush=True)
                yield Place(running, town)

    def _tell(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        print(f"{title}; {self._rounds} rounds, load {os.getloadavg()[0]:.1f}\n\n{table(head, rows)}\n", flush=True)


TOLD = (2, 4, 8, 16, LARGEST)


def state(root: Path) -> str:
    """Return which commit a folder holds, and whether it was changed since."""
    asked = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no commit"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.signaling", description=__doc__.split("\n\n")[1])
    what = ("joins", "relay", "memory", "growth")
    parser.add_argument("what", nargs="*", metavar="joins, relay, memory, growth", help="default: all")
    parser.add_argument("--redis", action="store_true", help="measure two processes on one Redis beside the one")
    beside = "measure the PeerMeet in that folder too; may be given several times"
    parser.add_argument("--beside", metavar="DIR", type=Path, action="append", default=[], help=beside)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default 3)")
    parser.add_argument("--cores", default="0", help="of the server's processes, the last one Redis's too (default 0)")
    parser.add_argument("--client", type=int, default=1, help="the core of the clients (default 1)")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "peermeet-bench", help="for plots")
    asked = parser.parse_args()
    if unknown := set(asked.what) - set(what):
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    setups = [Setup("in memory")]
    if asked.redis:
        setups.append(Setup("two on Redis", processes=2, redis=True))
    setups += [Setup(f"in {folder.name}", root=folder.resolve()) for folder in asked.beside]
    allow_files()
    cores = [int(core) for core in asked.cores.split(",")]
    os.sched_setaffinity(0, {asked.client})
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; servers on {asked.cores},"
        f" clients on {asked.client}"
    )
    print("; ".join(f"{setup.name}: {state(setup.root)}" for setup in setups) + "\n", flush=True)
    bench = Bench(setups, cores, asked.rounds, asked.out)

    async def run() -> None:
        this = asyncio.current_task()
        assert this is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)  # the servers end with the bench
        for name in asked.what or what:
            await getattr(bench, name)()

    gc.disable()  # its pauses would be counted as the server's; a run makes little garbage
    try:
        uvloop.run(run())
    except Refused as refused:
        sys.exit(f"nothing was measured: {refused}")
    except asyncio.CancelledError:
        sys.exit("ended")


if __name__ == "__main__":
    main()
