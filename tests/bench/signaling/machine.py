"""The programs that are measured, each on the core it is given, and what Linux says they cost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
START = 180  # seconds; a first start builds the pages
STOP = 15  # seconds; uvicorn gives its connections three
SOFT = 1024  # open files that a process may have until it asks for more: what Debian and systemd start it with
FILES = 10_000  # that the bench itself needs: a socket for each of 4,000 people, and room to spare
TICK = os.sysconf("SC_CLK_TCK")


class Setup(NamedTuple):
    """What is measured: so many processes of the PeerMeet in ``root``, on Redis or each on its own."""

    name: str
    root: Path = ROOT
    processes: int = 1
    redis: bool = False


class Running(NamedTuple):
    """A setup that serves. ``leaders`` began the sessions that its processes are in; ``redis`` is Redis's own pid."""

    setup: Setup
    ports: list[int]
    leaders: list[int]
    redis: int | None

    def cpu(self) -> float:
        """Return the seconds of processor that the server's processes have used, user and system."""
        return sum(cpu(pid) for leader in self.leaders for pid in session(leader))

    def redis_cpu(self) -> float:
        return cpu(self.redis) if self.redis else 0.0

    def memory(self) -> float:
        """Return the kB of memory that are the server's processes' share (PSS)."""
        return sum(memory(pid) for leader in self.leaders for pid in session(leader))

    def redis_memory(self) -> float:
        return memory(self.redis) if self.redis else 0.0


@asynccontextmanager
async def serve(setup: Setup, data: Path, cores: Sequence[int], **settings: str) -> AsyncIterator[Running]:
    """Start a setup on a data folder, each process pinned to the next of ``cores``, Redis to the last."""
    inherited = {name: text for name, text in os.environ.items() if not name.lstrip("_").startswith(OURS)}
    environ = inherited | {"PEERMEET_DATA": str(data)} | settings
    async with contextlib.AsyncExitStack() as stack:
        redis = None
        if setup.redis:
            port = free_port()
            redis = stack.enter_context(_redis(port, cores[-1], data / "redis.log"))
            environ["PEERMEET_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
        ports, leaders = [], []
        for n in range(setup.processes):
            ports.append(free_port())
            command = [sys.executable, "-m", "peermeet", "--host", "127.0.0.1", "--port", str(ports[-1])]
            log = data / f"server-{n}.log"
            leader = stack.enter_context(_program(command, setup.root, environ, cores[n % len(cores)], log))
            await asyncio.to_thread(_wait_until_it_serves, leader, ports[-1], log)
            leaders.append(leader.pid)
        yield Running(setup, ports, leaders, redis)


def session(leader: int) -> list[int]:
    """Return the processes of a session, whoever is whose parent."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int(_stat(int(entry.name))[3]) == leader:
                    found.append(int(entry.name))
    return found


def cpu(pid: int) -> float:
    """Return the seconds of processor that a process has used, all its threads together (proc_pid_stat(5))."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int) -> float:
    """Return a process's proportional set size in kB: what it shares is counted in parts."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return float(next(row.split()[1] for row in rows if row.startswith("Pss:")))


def allow_files() -> None:
    """Let this process open as many sockets as the largest run needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        sys.exit(f"this shell may open {hard} files, the bench needs {FILES}: see `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


OURS = ("PEERMEET_", "REFLEX_")


@contextlib.contextmanager
def _program(
    command: list[str], folder: Path, environ: dict[str, str], core: int, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    def pinned() -> None:
        os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, hard))

    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=pinned,  # noqa: PLW1509 (no thread of the bench holds a lock meanwhile)
        )
    try:
        yield process
    finally:
        for blow in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, blow)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP)
                break


@contextlib.contextmanager
def _redis(port: int, core: int, log: Path) -> Iterator[int]:
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("redis-server is not installed (Debian's package of that name)")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with _program(command, log.parent, dict(os.environ), core, log) as process:
        deadline = time.monotonic() + STOP
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"redis-server did not start:\n{log.read_text('utf-8', 'replace')}")
            time.sleep(0.02)
        yield process.pid


def _wait_until_it_serves(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the server did not start ({process.returncode}):\n{log.read_text('utf-8', 'replace')[-4000:]}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third one on: the second may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
