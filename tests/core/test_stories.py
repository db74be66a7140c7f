"""The stories of tests/stories, through the core. node plays the same files through the mesh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peermeet.core import wire
from peermeet.core.commands import AnyCommand, FromShell
from peermeet.core.errors import Refusal
from peermeet.core.model import Room
from peermeet.core.room import evolve, step, view

STORIES = sorted((Path(__file__).parent.parent / "stories").glob("*.json"))
SHELL = {"join", "resume", "disconnect", "expire", "lift", "end"}
STAMPS = {"now", "stamp"}


def command(told: dict[str, Any]) -> AnyCommand:
    asked, by = told["command"], told["by"]
    stamps = {key: told[key] for key in STAMPS & told.keys()}
    if asked["type"] not in SHELL:
        return wire.parse(asked, by, **stamps)
    return msgspec.convert({**asked, **stamps, "by": by}, FromShell)


def travels(value: object) -> Any:
    return json.loads(msgspec.json.encode(value))


def play(room: Room, told: dict[str, Any]) -> tuple[Room, dict[str, list[Any]], str | None]:
    try:
        after, envelopes = step(room, command(told))
    except Refusal as refusal:
        return room, {}, refusal.code
    heard: dict[str, list[Any]] = {}
    for to, event in envelopes:
        for id in to:
            heard.setdefault(id, []).append(travels(wire.build(event)))
    return after, heard, None


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    story = json.loads(path.read_text("utf-8"))
    room = msgspec.convert(story["room"], Room)
    rooms: dict[str, Room] = {}  # as each participant knows it from what they heard
    for number, told in enumerate(story["steps"], 1):
        room, heard, refused = play(room, told)
        assert refused == told.get("refused"), f"step {number}"
        assert heard == told["hears"], f"step {number}"
        for id, events in heard.items():
            for event in events:
                rooms[id] = evolve(rooms.get(id, room), wire.parse_event(event))
        rosters = {id: [p.id for p in known.roster] for id, known in rooms.items()}
        for id, roster in told.get("rosters", {}).items():
            assert rosters[id] == roster, f"step {number}, {id}"
        for id, peers in told.get("peers", {}).items():
            here = room.find(id) is not None
            assert [p for p in rosters[id] if p != id and here] == peers, f"step {number}, {id}"
        for id, sees in told.get("sees", {}).items():
            assert travels(rooms[id]) == travels(view(room, id)) == sees, f"step {number}, {id}"


def test_there_are_stories() -> None:
    assert len(STORIES) >= 20
