"""The plan of the house, held: which room may look into which. Read from the imports, nothing is run."""

from __future__ import annotations

import ast
import graphlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BEHIND_THE_DOOR = {
    "core",
    "config",
    "gate",
    "sidedoor",
    "serving",
    "discretion",
    "auth",
    "routes",
    "store",
    "signaling",
    "browser",
    "extend",
    "services",
    "ui",
}
MAY_LOOK_INTO = {
    "core": set(),
    "config": set(),
    "gate": {"core"},
    "serving": {"signaling"},
    "discretion": set(),
    "sidedoor": {"signaling"},
    "auth": {"core"},
    "routes": {"core"},
    "store": {"core"},
    "signaling": {"core"},
    "browser": {"core"},
    "extend": {"browser", "core"},
    "services": {"core", "config", "auth", "store"},
    "ui": {"core", "auth", "store", "browser", "extend", "services"},
    "app": BEHIND_THE_DOOR,
    "__main__": BEHIND_THE_DOOR | {"app"},
    "__init__": set(),
    "rxconfig": {"config", "browser"},
}
CLOCKS_AND_CHANCE = {"time", "datetime", "random", "secrets", "uuid", "asyncio", "socket"}
CORE_MAY_IMPORT = (sys.stdlib_module_names - CLOCKS_AND_CHANCE) | {"msgspec"}
TOP = {"peermeet", "assets", "tests", "reflex.lock", "deploy"}
TOP |= {"rxconfig.py", "requirements.txt", "pyproject.toml", "README.md", "LICENSE"}


def imports(source: str, package: str) -> Iterator[str]:
    """Yield the dotted name of everything imported, relative names resolved against the module's package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def seen(source: str, package: str) -> set[str]:
    """Return the rooms of ours that a module looks into."""
    names = [name.split(".") for name in imports(source, package)]
    return {name[1] if len(name) > 1 else "__init__" for name in names if name[0] == "peermeet"}


def wrong(source: str, package: str, room: str) -> set[str]:
    """Return what a module of that room imports although it may not."""
    bad = seen(source, package) - MAY_LOOK_INTO[room] - {room}
    if room == "core":
        tops = {name.split(".")[0] for name in imports(source, package)}
        bad |= tops - CORE_MAY_IMPORT - {"peermeet", "__future__"}
    return bad


def modules() -> Iterator[tuple[Path, str, str]]:
    """Yield each module of ours: its file, its package and its room."""
    for path in sorted((ROOT / "peermeet").rglob("*.py")):
        place = path.relative_to(ROOT)
        yield path, ".".join(place.parent.parts), place.with_suffix("").parts[1]
    if (ROOT / "rxconfig.py").exists():
        yield ROOT / "rxconfig.py", "", "rxconfig"


@pytest.mark.parametrize(("path", "package", "room"), list(modules()), ids=lambda value: getattr(value, "stem", value))
def test_a_room_looks_only_where_the_plan_says(path: Path, package: str, room: str) -> None:
    assert room in MAY_LOOK_INTO, "a new room needs a row in the plan"
    assert wrong(path.read_text("utf-8"), package, room) == set()


def test_no_two_rooms_look_into_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for path, package, room in modules():
        graph.setdefault(room, set()).update(seen(path.read_text("utf-8"), package) - {room})
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize(
    ("source", "package", "room", "bad"),
    [
        ("from ..core.room import step", "peermeet.signaling", "signaling", set()),
        ("from . import wire\nfrom .model import Room\nimport msgspec, re", "peermeet.core", "core", set()),
        ("from ..ui.state import MeetingState", "peermeet.signaling", "signaling", {"ui"}),
        ("from .. import signaling", "peermeet.ui", "ui", {"signaling"}),
        ("from ... import signaling", "peermeet.ui.pages", "ui", {"signaling"}),
        ("from .app import app", "peermeet", "services", {"app"}),
        ("import peermeet.store.sqlite as s", "peermeet.signaling", "signaling", {"store"}),
        ("from peermeet import app", "peermeet", "__main__", set()),
        ("import peermeet", "peermeet.auth", "auth", {"__init__"}),
        ("def later():\n    from ..config import Settings", "peermeet.ui", "ui", {"config"}),
        ("if 1:\n    import time, asyncio.tasks", "peermeet.core", "core", {"time", "asyncio"}),
        ("from datetime import datetime\nimport reflex", "peermeet.core", "core", {"datetime", "reflex"}),
    ],
)
def test_the_guard_is_awake(source: str, package: str, room: str, bad: set[str]) -> None:
    assert wrong(source, package, room) == bad


def test_nothing_is_named_after_nothing() -> None:
    places = [ROOT / name for name in ("peermeet", "assets", "tests")]
    named = {path.stem.lower() for place in places for path in place.rglob("*") if "external" not in path.parts}
    assert not named & {"utils", "util", "helpers", "helper", "common"}


def test_nothing_lies_before_the_door() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    tracked = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    tops = {name.split("/")[0] for name in tracked.stdout.split("\0") if name}
    assert {top for top in tops if not top.startswith(".")} <= TOP


def test_no_radix_and_nothing_else_that_is_not_used() -> None:
    """One component of it anywhere would double the weight of every page."""
    package = json.loads((ROOT / "reflex.lock" / "package.json").read_text("utf-8"))
    names = {*package["dependencies"], *package["devDependencies"]}
    assert not [name for name in names if "radix" in name or "tailwind" in name or name == "sonner"]


ASSETS = ROOT / "assets" / "peermeet"


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*.js")), ids=lambda path: path.stem)
def test_a_plain_module_imports_what_node_has_too(path: Path) -> None:
    lacking = [name for name in _imported(path) if not re.fullmatch(r"\./[a-z]+\.js", name)]
    assert lacking == []


def test_every_python_face_has_a_component_in_the_file_of_its_name() -> None:
    faces = {
        (path.stem, tag)
        for path in (ROOT / "peermeet" / "browser").glob("*.py")
        for tag in re.findall(r'^    tag = "(\w+)"$', path.read_text("utf-8"), re.MULTILINE)
    }
    exported = {
        (path.stem, name)
        for path in ASSETS.glob("*.jsx")
        for name in re.findall(r"^export function (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert faces
    assert faces - exported == set()


def _imported(path: Path) -> list[str]:
    return re.findall(r'^(?:import|export)\b[^;"=]*"([^"]+)";', path.read_text("utf-8"), re.MULTILINE)
