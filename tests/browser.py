"""A Chromium for the tests that drive one: ``python -m tests.browser`` makes sure there is one and prints its path.

In this order: PEERMEET_CHROMIUM, one on the PATH, Playwright's own; if none of them starts, Playwright is asked to
install its own, and then Debian's package manager to install Debian's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 300  # seconds for an installation: about 170 MB over a slow line
ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    print(p.chromium.executable_path)
"""
ADVICE = """There is no Chromium here, and none could be installed. One of these will do:
  - set PEERMEET_CHROMIUM to the path of a Chromium or Chrome
  - install one with the system's package manager, for instance: apt-get install chromium
  - python -m playwright install --with-deps chromium"""


class NoBrowser(Exception):
    """There is no browser; the text says what to do."""


def find() -> str | None:
    """Return the path of a browser that starts, or None; installs nothing. Raises `NoBrowser` if
    PEERMEET_CHROMIUM names something that is not there."""
    if named := os.environ.get("PEERMEET_CHROMIUM"):
        if path := shutil.which(named):
            return path
        raise NoBrowser(f"PEERMEET_CHROMIUM is {named!r}, and there is no such program.")
    return next(filter(_starts, _candidates()), None)


def ensure() -> str:
    """Return the path of a browser, installing one if need be, or raise `NoBrowser`."""
    if path := find():
        return path
    for install in (_playwright, _debian):
        if install() and (path := find()):
            return path
    raise NoBrowser(ADVICE)


def _candidates() -> Iterator[str]:
    yield from filter(None, map(shutil.which, NAMES))
    # In a process of its own: Playwright's synchronous interface refuses to run inside an event loop.
    asked = _run(sys.executable, "-c", ASK_PLAYWRIGHT, patience=30, quiet=True)
    if asked is not None and os.path.isfile(asked.strip()):
        yield asked.strip()


def _starts(path: str) -> bool:
    """Ubuntu's chromium-browser may be a script that only recommends a snap, Playwright's may lack libraries."""
    return _run(path, "--version", patience=30, quiet=True) is not None


def _playwright() -> bool:
    return _run(sys.executable, "-m", "playwright", "install", "chromium") is not None


def _debian() -> bool:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    install = ("install", "-y", "--no-install-recommends", "chromium")
    return _run("apt-get", "update") is not None and _run("apt-get", *install) is not None


def _run(*command: str, patience: float = PATIENCE, quiet: bool = False) -> str | None:
    """Return what a program printed, or None if it failed. Unless quiet, it speaks on standard error."""
    out = (subprocess.PIPE, subprocess.DEVNULL) if quiet else (2, 2)
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=out[0],
            stderr=out[1],
            env=env,
            timeout=patience,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout or "") if done.returncode == 0 else None


if __name__ == "__main__":
    try:
        print(ensure())
    except NoBrowser as nothing:
        sys.exit(str(nothing))
