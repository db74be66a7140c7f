"""A MongoDB server for the tests, of whatever kind is to be had: see ``find``.

SecantusDB speaks MongoDB's protocol well enough to test against. It is licensed under the GPL, so it is never
imported: it has a virtual environment of its own, outside of the project, and a process of its own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

SECANTUS = "SecantusDB==0.7.0b3"
SECANTUS_HOME = Path.home() / ".cache" / "peermeet-tests" / "secantus-0.7.0b3"
STARTS_WITHIN = 30  # seconds; 1 to 2 are usual

# What starts a server that keeps its data in this folder and listens on this port.
Command = Callable[[Path, int], list[str]]


class NoMongo(Exception):
    """No server is to be had; the text says why."""


def find() -> Command:
    """A ``mongod`` on the PATH, else SecantusDB, installed when it is not there yet."""
    if mongod := shutil.which("mongod"):
        return lambda data, port: [*(mongod, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(data))]
    secantus = _secantus()
    return lambda data, port: [
        *(secantus, "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(data)),
        *("--standalone", "--sync-on-commit", "--cache-size", "256M"),
    ]


def _secantus() -> str:
    program = SECANTUS_HOME / "bin" / "secantusd-py"
    complete = SECANTUS_HOME / "complete"
    SECANTUS_HOME.mkdir(parents=True, exist_ok=True)
    with (SECANTUS_HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may begin at once
        if not complete.exists():
            try:
                _run(sys.executable, "-m", "venv", str(SECANTUS_HOME))
                _run(str(SECANTUS_HOME / "bin" / "python"), "-m", "pip", "install", "--quiet", SECANTUS)
            except (OSError, subprocess.SubprocessError) as error:
                said = getattr(error, "stderr", None) or error
                raise NoMongo(f"no mongod, and {SECANTUS} is not to be installed: {said}") from error
            complete.touch()
    return str(program)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=300, stdin=subprocess.DEVNULL, capture_output=True, text=True)


class Server:
    """One server process. After ``kill`` it may be started again, on the same port with the same data."""

    def __init__(self, command: Command, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._data = folder / "data"
        self._data.mkdir()
        self._log = folder / "log"
        self._command = command(self._data, port)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"mongodb://127.0.0.1:{port}/?directConnection=true"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + STARTS_WITHIN
        with MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=200) as client:
            while True:
                try:
                    client.admin.command("ping")
                    return
                except PyMongoError as error:
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        self.kill()
                        raise NoMongo(f"{self._command[0]} did not start: {self._log.read_text()}") from error

    def kill(self) -> None:
        """Ends it without a chance to tidy up: what was acknowledged must be on disk anyway."""
        if self._process is not None:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
