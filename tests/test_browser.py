"""Where a browser for the tests comes from; every program here is a fake of one line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import browser


class Machine:
    """A machine with nothing on its PATH but what a test puts there, and a Python that knows no Playwright."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin = folder / "bin"
        self.python = folder / "python"
        self.bin.mkdir()
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setattr(sys, "executable", str(self.python))
        monkeypatch.delenv("PEERMEET_CHROMIUM", raising=False)

    def has(self, name: str, does: str = "exit 0") -> str:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
        return str(path)

    def playwright(self, does: str) -> None:
        """$1 is -c for the question where its browser is, -m for the order to install one."""
        self.python.write_text(f"#!/bin/sh\n{does}\n")
        self.python.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", browser.NAMES)
def test_one_on_the_path(machine: Machine, name: str) -> None:
    assert browser.find() is None
    path = machine.has(name)
    assert browser.find() == browser.ensure() == path


def test_the_named_one_is_taken_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has("chromium")
    named = machine.has("my-own")
    monkeypatch.setenv("PEERMEET_CHROMIUM", named)
    assert browser.find() == browser.ensure() == named


def test_the_named_one_must_be_there(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has("chromium")
    monkeypatch.setenv("PEERMEET_CHROMIUM", str(machine.bin / "nothing"))
    for look in browser.find, browser.ensure:
        with pytest.raises(browser.NoBrowser, match="PEERMEET_CHROMIUM"):
            look()


def test_one_that_does_not_start_is_passed_over(machine: Machine) -> None:
    machine.has("chromium", does="echo 'install the snap' >&2; exit 1")
    chrome = machine.has("google-chrome")
    assert browser.find() == chrome


def test_playwrights_own(machine: Machine, tmp_path: Path) -> None:
    own = machine.has("own-chromium")
    machine.playwright(f"[ $1 = -c ] && echo {own}")
    assert browser.find() == own


def test_playwrights_own_is_not_installed(machine: Machine) -> None:
    machine.playwright(f"[ $1 = -c ] && echo {machine.bin}/not-there")
    assert browser.find() is None


def test_playwright_installs_its_own(machine: Machine) -> None:
    sound = machine.has("sound")
    own = machine.bin / "own"
    machine.playwright(f"[ $1 = -c ] && echo {own} || /bin/ln -s {sound} {own}")
    machine.has("apt-get", does="exit 1")
    assert browser.ensure() == str(own)


def test_debian_installs_its_own(machine: Machine) -> None:
    sound = machine.has("sound")
    path = machine.bin / "chromium"
    machine.playwright("exit 1")
    machine.has("apt-get", does=f"[ $1 = update ] || /bin/ln -s {sound} {path}")
    assert browser.ensure() == str(path)


def test_debian_is_asked_by_root_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = machine.bin / "asked"
    machine.has("apt-get", does=f"echo > {asked}")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(browser.NoBrowser, match="apt-get install chromium"):
        browser.ensure()
    assert not asked.exists()


def test_nothing_helps(machine: Machine) -> None:
    machine.playwright("exit 1")
    machine.has("apt-get", does="exit 100")
    with pytest.raises(browser.NoBrowser, match="PEERMEET_CHROMIUM"):
        browser.ensure()
