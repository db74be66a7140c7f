"""What can be sent, heard, refused or set stands in the documents, and nothing else does."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from peermeet.core import wire
from peermeet.core.errors import SENTENCES
from peermeet.core.events import Told
from peermeet.core.permissions import ALLOWED
from peermeet.core.wire import TYPES
from peermeet.signaling.ice import is_refresh

ROOT = Path(__file__).parent.parent
PROTOCOL = (ROOT / "peermeet/signaling/PROTOCOL.md").read_text("utf-8")
# From a heading to the next one: what kind of thing, its name, its text.
SECTION = re.compile(r"^### (command|event) `(\w+)`\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = {(kind, name): text for kind, name, text in SECTION.findall(PROTOCOL)}
COMMANDS = {"join", "refresh_ice", *TYPES}  # those two are the shell's, the others are the core's
EVENTS = {event.__struct_config__.tag for event in Told.__args__}
CODES = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", PROTOCOL.split("## Codes")[1], re.MULTILINE))))
FOR_TESTS = ("PEERMEET_TEST_", "PEERMEET_CHROMIUM")  # what the tests read; no settings of the program


def test_every_command_and_event_has_one_section() -> None:
    assert sorted(SECTIONS) == sorted(SECTION[:2] for SECTION in SECTION.findall(PROTOCOL))
    assert {name for kind, name in SECTIONS if kind == "command"} == COMMANDS
    assert {name for kind, name in SECTIONS if kind == "event"} == EVENTS


def test_every_heading_of_a_section_is_read() -> None:
    assert len(re.findall(r"^### ", PROTOCOL, re.MULTILINE)) == len(SECTIONS)


@pytest.mark.parametrize(("kind", "name"), SECTIONS)
def test_an_example_is_right(kind: str, name: str) -> None:
    example = re.search(r"```json\n(.*?)```", SECTIONS[kind, name], re.DOTALL)
    assert example, "a section has an example"
    message = json.loads(example[1])
    assert message["type"] == name
    if '"...":' in example[1]:
        return  # "as above": not whole
    if name == "join":
        wire.parse_join(message)
    elif name == "refresh_ice":
        assert is_refresh(message)
    elif kind == "command":
        wire.parse(message, "p-1")
    else:
        wire.parse_event(message)


def test_who_may_what_is_told_as_it_is() -> None:
    rows = re.findall(
        r"^\| (`.*) \| ?(.*?) \| ?(.*?) \| ?(.*?) \| (yes) \|$", PROTOCOL.split("## Governing")[1], re.MULTILINE
    )
    told: dict[str, set[str]] = {role: set() for role in ("listener", "member", "cohost", "host")}
    for names, *columns in rows:
        for role, may in zip(told, columns, strict=True):
            told[role] |= set(re.findall(r"`(\w+)`", names)) if may == "yes" else set()
    assert told == {role: {kind.__struct_config__.tag for kind in may} for role, may in ALLOWED.items()}


def spoken(path: Path) -> Iterator[str]:
    """Yield each code that stands as a word of its own in a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and node.value in SENTENCES:
            yield node.value


def test_every_code_that_signaling_gives_stands_in_the_table() -> None:
    speakers = [ROOT / "peermeet/auth/tokens.py", *(ROOT / "peermeet/signaling").glob("*.py")]
    speakers += [path for path in (ROOT / "peermeet/core").glob("*.py") if path.name not in {"errors.py", "names.py"}]
    assert {code for path in speakers for code in spoken(path)} <= CODES


def test_every_code_of_the_table_has_its_sentence() -> None:
    assert CODES
    assert set(SENTENCES) >= CODES


def test_every_code_that_is_named_stands_in_the_table() -> None:
    named = "".join(re.findall(r"Refusals:(.*?)\.\s", PROTOCOL, re.DOTALL))
    assert set(re.findall(r"`(\w+)`", named)) <= CODES


@pytest.mark.parametrize("document", ["README.md", ".env.example"])
def test_every_setting_is_told(document: str) -> None:
    from peermeet.config import VARIABLES

    told = set(re.findall(r"\bPEERMEET_[A-Z0-9_]*[A-Z0-9]\b", (ROOT / document).read_text("utf-8")))
    assert {name for name in told if not name.startswith(FOR_TESTS)} == set(VARIABLES)
