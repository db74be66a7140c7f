"""``python -m tests.first_run``: run README's first command here and see whether the page and signaling answer.

Prints how long it took from the end of ``pip install`` to the first page (the cold start that README quotes), and
how long a second start takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aiohttp

ROOT = Path(__file__).parent.parent
PATIENCE = 180  # seconds for a build on a busy machine


def first_command() -> str:
    """Return the first shell command in README.md."""
    found = re.search(r"```sh\n(.+?)\n```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert found, "README.md has no command"
    return found[1]


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def started(command: str, port: int) -> Iterator[float]:
    """Run a command that serves on ``port``; yield the seconds until the first page."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PEERMEET_") and k != "VIRTUAL_ENV"}
    environ["PEERMEET_PORT"] = str(port)
    begun = time.monotonic()
    process = subprocess.Popen(command, shell=True, cwd=ROOT, env=environ, start_new_session=True)
    try:
        while True:
            if process.poll() is not None:
                sys.exit(f"the command ended with {process.returncode}")
            if time.monotonic() - begun > PATIENCE:
                sys.exit(f"no page within {PATIENCE} s")
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://localhost:{port}/", timeout=5) as page:
                assert b"PeerMeet" in page.read()
                break
            time.sleep(0.05)
        yield time.monotonic() - begun
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        while answers(port):  # the shell ends before what it started
            time.sleep(0.05)


async def handshake(port: int) -> None:
    """Connect to signaling without a ticket and be refused in its own words."""
    url = f"http://localhost:{port}/rtc/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket_:
        assert (await socket_.receive_str()).startswith("0{")
        await socket_.send_str("40/meeting,{}")
        answer = await socket_.receive_str()
        assert "no_ticket" in answer, answer


def main() -> None:
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    *install, run = first_command().split(" && ")
    subprocess.run(" && ".join(install), shell=True, cwd=ROOT, check=True)
    with started(run, port) as seconds:
        asyncio.run(handshake(port))
        print(f"cold start: {seconds:.1f} s from the command to the first page; signaling answers")
    with started(run, port) as seconds:
        asyncio.run(handshake(port))
        print(f"second start: {seconds:.1f} s")


if __name__ == "__main__":
    main()
