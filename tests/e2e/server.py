"""The real thing: ``python -m peermeet`` in a process group, on a port and with a data folder of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
START = 180  # seconds; a first start builds the pages, on a busy machine
STOP = 10  # seconds; uvicorn gives its connections three


class Server:
    """Can be stopped and started again: same port, same data."""

    def __init__(self, data: Path, *, root: Path = ROOT, **settings: str) -> None:
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self._root = root
        self.data = data
        self._log = data.with_suffix(".log")
        # A setting of whoever runs the tests, or of a test before, is none of this server's.
        inherited = {name: text for name, text in os.environ.items() if not name.lstrip("_").startswith(OURS)}
        self._environ = inherited | {"PEERMEET_BCRYPT_ROUNDS": "4"} | settings
        self._process: asyncio.subprocess.Process | None = None

    def sets(self, **settings: str) -> None:
        """Set something for the next start."""
        self._environ |= settings

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "peermeet", "--port", str(self.port), "--data", str(self.data)),
                cwd=self._root,
                env=self._environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START
        while not await asyncio.to_thread(self._answers):
            if self._process.returncode is not None or time.monotonic() > deadline:
                state = self._process.returncode
                await self.stop()
                raise AssertionError(f"the server did not start ({state}):\n{self.log()[-4000:]}")
            await asyncio.sleep(0.05)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for blow in (how, signal.SIGKILL):
            if process.returncode is None:
                os.killpg(process.pid, blow)
            try:
                await asyncio.wait_for(process.wait(), STOP)
            except TimeoutError:
                continue
            return

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    def memory(self) -> int:
        """Resident memory in kB, as Linux counts it."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace") if self._log.exists() else ""

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False


OURS = ("PEERMEET_", "REFLEX_")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]
