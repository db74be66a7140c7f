"""What the log leaves out of what libraries and errors say."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from peermeet import discretion

SECRET = "eyJhbGciOi.the-session-of-somebody"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that would be written, by a handler that a library may have added itself."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    inner, root = logging.getLogRecordFactory(), logging.getLogger()
    discretion.install()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)
    logging.setLogRecordFactory(inner)


@pytest.mark.parametrize(
    ("name", "message", "args", "said"),
    [
        ("reflex.app", f"No token. Event data: {{'x': '{SECRET}'}}", (), "No token. Event data …"),
        (
            "reflex_base.event.processor",
            f"Error processing event queue entry for Event(name='x', router_data={{'cookie': '{SECRET}'}})",
            (),
            "Error processing event queue entry for Event …",
        ),
        (
            "reflex.app",
            f"Attempting to send delta to disconnected client {SECRET!r}",
            (),
            "Attempting to send delta to",
        ),
        ("reflex.app", "Error for handler LobbyState.create: %s", (SECRET,), "Error for handler LobbyState.create …"),
        ("uvicorn.error", "Exception in ASGI application\n", (), "Exception in ASGI application"),
        ("uvicorn.error", "Invalid HTTP request received.", (), "Invalid HTTP request received."),
        ("engineio.server", "message async handler error", (), "message async handler error"),
        ("x", f'"{SECRET}"', (), "…"),
        ("x", f"[{SECRET}", (), "…"),
        ("x", "%s %d", (1, 2), "1 2"),
        ("peermeetings", f"a name like ours: {SECRET}", (), "a name like ours …"),
    ],
)
def test_a_library_s_line_ends_where_a_value_begins(
    log: io.StringIO, name: str, message: str, args: tuple[Any, ...], said: str
) -> None:
    logging.getLogger(name).error(message, *args)  # Engine.IO's own says nothing less
    assert log.getvalue().startswith(said)
    assert log.getvalue().count("\n") == 1
    assert SECRET not in log.getvalue()


def test_our_own_lines_are_as_they_are(log: io.StringIO) -> None:
    logging.getLogger("peermeet.signaling").warning("room %s: %s left (%d now)", "3k7q-9t2mz-x8vd", "p-1", 2)
    assert log.getvalue() == "room 3k7q-9t2mz-x8vd: p-1 left (2 now)\n"


@pytest.mark.parametrize("name", ["peermeet.signaling", "engineio.server"])
def test_an_error_says_where_it_came_from_and_not_what_was_wrong(log: io.StringIO, name: str) -> None:
    def parse(text: str) -> object:
        try:
            return int(text)
        except ValueError as error:
            raise KeyError(text) from error

    try:
        parse(SECRET)
    except KeyError:
        logging.getLogger(name).exception("a command failed")
    said = log.getvalue()
    assert said.startswith("a command failed\nTraceback (most recent call last):\n")
    assert "return int(text)" in said
    assert said.index("builtins.ValueError\n") < said.index("builtins.KeyError\n")
    assert said.count("in parse") == 2
    assert SECRET not in said


def test_an_error_s_words_are_left_where_they_are_the_machine_s(log: io.StringIO) -> None:
    try:
        os.listdir("/nowhere/at/all")
    except OSError:
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    assert "builtins.FileNotFoundError: [Errno 2] No such file or directory: '/nowhere/at/all'" in log.getvalue()


def test_an_error_that_hides_another_says_only_itself(log: io.StringIO) -> None:
    try:
        try:
            int(SECRET)
        except ValueError:
            raise RuntimeError from None
    except RuntimeError:
        logging.getLogger("peermeet").exception("failed")
    assert "ValueError" not in log.getvalue()
    assert log.getvalue().endswith("builtins.RuntimeError\n")


def test_a_sender_s_fault_has_no_trace(log: io.StringIO) -> None:
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        logging.getLogger("uvicorn.error").exception("Invalid UTF-8 sequence received from client.")
    assert log.getvalue() == "Invalid UTF-8 sequence received from client.\n"
