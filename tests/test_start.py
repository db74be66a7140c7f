"""``python -m peermeet``: what stops it before anything slow is done, and when the pages are built anew."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peermeet import __main__ as start
from peermeet.config import Settings

ROOT = Path(__file__).parent.parent


def run(*arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PEERMEET_")}
    return subprocess.run(
        [sys.executable, "-m", "peermeet", *arguments],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"} | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class TestItStopsBeforeAnythingIsBuilt:
    @pytest.mark.parametrize(
        ("arguments", "environ", "said"),
        [
            ([], {"PEERMEET_PORT": "http"}, "PEERMEET_PORT: 'http' cannot be used. Allowed: a number from 1 to 65535."),
            (["--port", "0"], {}, "PEERMEET_PORT: '0' cannot be used. Allowed: a number from 1 to 65535."),
            (["--port", "1"], {"PEERMEET_GRACE": "no"}, "PEERMEET_GRACE: 'no' cannot be used."),
            (["--data", ""], {}, "PEERMEET_DATA: '' cannot be used. Allowed: a folder."),
            ([], {"PEERMEET_SECRET": "hunter2"}, "PEERMEET_SECRET: cannot be used. Allowed: at least 32 bytes"),
            ([], {"PEERMEET_REDIS_URL": "redis://:hunter2@127.0.0.1:1"}, "PEERMEET_REDIS_URL: Redis does not answer"),
        ],
    )
    def test_at_a_bad_setting(self, tmp_path: Path, arguments: list[str], environ: dict[str, str], said: str) -> None:
        done = run(*arguments, folder=tmp_path, **environ)
        assert done.returncode == 2
        assert done.stderr.startswith(f"peermeet: {said}")
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
        assert "hunter2" not in done.stderr
        assert list(tmp_path.iterdir()) == []  # no data folder, nothing built

    def test_at_a_port_that_is_taken(self, tmp_path: Path, taken: int) -> None:
        done = run("--host", "127.0.0.1", "--port", str(taken), folder=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"peermeet: cannot listen on 127.0.0.1 port {taken}: ")
        assert done.stderr.endswith("Choose another with --port.\n")
        assert done.stdout == ""
        assert list(tmp_path.iterdir()) == []

    def test_at_an_address_that_is_not_ours(self, tmp_path: Path) -> None:
        done = run("--host", "192.0.2.1", folder=tmp_path)  # TEST-NET-1, RFC 5737
        assert done.returncode == 2
        assert "cannot listen on 192.0.2.1 port 3000" in done.stderr
        assert "Traceback" not in done.stderr

    def test_for_help(self, tmp_path: Path) -> None:
        done = run("--help", folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        for option in ("--port", "--host", "--data"):
            assert option in done.stdout

    def test_at_an_option_that_is_none(self, tmp_path: Path) -> None:
        done = run("--prot", "1", folder=tmp_path)
        assert done.returncode == 2
        assert "--prot" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_port_is_not_handed_on_to_what_builds_the_pages() -> None:
    with start.listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1]
        assert not listener.get_inheritable()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_it_may_open_as_many_files_as_the_system_allows() -> None:
    """In a process of its own: whoever runs the tests keeps the limit they have."""
    story = """if True:
        import resource
        from peermeet import __main__ as start
        def limits(*_):
            print(*resource.getrlimit(resource.RLIMIT_NOFILE))
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, most))
        limits()
        start.check = start.listen = start.build = lambda *_: None
        start.serve = limits
        start.main([])
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PEERMEET_")}
    command = [sys.executable, "-c", story]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=True)
    before, after = (line.split() for line in done.stdout.splitlines())
    assert before == ["512", after[1]]
    assert after[0] == after[1]


class TestTheFingerprint:
    @pytest.fixture
    def house(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A copy of what the pages are made of, and of the rest."""
        for name in ("assets", "peermeet", "reflex.lock"):
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "external"))
        for name in ("rxconfig.py", "requirements.txt"):
            shutil.copy(ROOT / name, tmp_path / name)
        monkeypatch.setattr(start, "ROOT", tmp_path)
        return tmp_path

    def now(self, **environ: str) -> str:
        return start.fingerprint(Settings.from_env(environ))

    def test_is_the_same_for_the_same_sources(self, house: Path) -> None:
        assert self.now() == self.now()

    @pytest.mark.parametrize(
        "source",
        [
            "assets/peermeet.css",
            "assets/peermeet/components.jsx",
            "peermeet/ui/texts.py",
            "peermeet/ui/pages/lobby.py",
            "peermeet/browser/components.py",
            "peermeet/extend.py",
            "peermeet/app.py",
            "rxconfig.py",
            "requirements.txt",
            "reflex.lock/package.json",
            "reflex.lock/bun.lock",
        ],
    )
    def test_changes_with_what_the_pages_are_made_of(self, house: Path, source: str) -> None:
        before = self.now()
        with (house / source).open("a") as out:
            out.write("\n")
        assert self.now() != before

    def test_changes_when_a_source_comes_goes_or_is_renamed(self, house: Path) -> None:
        prints = [self.now()]
        (house / "assets" / "new.svg").write_text("<svg/>")
        prints.append(self.now())
        (house / "assets" / "new.svg").rename(house / "assets" / "other.svg")
        prints.append(self.now())
        assert len(set(prints)) == 3
        (house / "assets" / "other.svg").unlink()
        assert self.now() == prints[0]

    @pytest.mark.parametrize(
        "source",
        [
            "peermeet/store/sqlite.py",
            "peermeet/signaling/server.py",
            "peermeet/signaling/PROTOCOL.md",
            "peermeet/auth/passwords.py",
            "peermeet/services.py",
            "peermeet/gate.py",
            "peermeet/config.py",
        ],
    )
    def test_does_not_with_the_rest_of_the_server(self, house: Path, source: str) -> None:
        before = self.now()
        with (house / source).open("a") as out:
            out.write("\n")
        assert self.now() == before

    def test_does_not_with_what_a_run_leaves_behind(self, house: Path) -> None:
        before = self.now()
        (house / "peermeet" / "ui" / "__pycache__").mkdir()
        (house / "peermeet" / "ui" / "__pycache__" / "state.cpython-311.pyc").write_bytes(b"x")
        (house / "assets" / "external").mkdir()
        (house / "assets" / "external" / "x.js").write_text("x")
        assert self.now() == before

    def test_changes_with_the_plugins_and_no_other_setting(self, house: Path) -> None:
        assert self.now(PEERMEET_PLUGINS="my_polls") != self.now()
        others = {"PEERMEET_PORT": "4000", "PEERMEET_SECRET": "x" * 32, "PEERMEET_CAPACITY": "3"}
        assert self.now(**others) == self.now()


class TestBuilding:
    @pytest.fixture
    def web(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(start, "WEB", tmp_path)
        monkeypatch.setattr(start, "STAMP", tmp_path / "peermeet-build")
        (tmp_path / "build" / "client").mkdir(parents=True)
        (tmp_path / "build" / "client" / "index.html").write_text("<html>")
        return tmp_path

    def test_is_done_once(self, web: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        built: list[list[str]] = []

        def done(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
            built.append(command)
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(subprocess, "run", done)
        settings = Settings.from_env({})
        start.build(settings)
        start.build(settings)
        assert len(built) == 1
        assert "building the pages" in capsys.readouterr().out
        (web / "build" / "client" / "index.html").unlink()
        start.build(settings)
        assert len(built) == 2

    def test_that_fails_says_why_and_is_tried_again(self, web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def failed(command: list[str], **how: object) -> subprocess.CompletedProcess[str]:
            return subprocess.CompletedProcess(command, 1, "", "vite: the disk is full")

        monkeypatch.setattr(subprocess, "run", failed)
        for _ in range(2):
            with pytest.raises(start.BuildFailed, match="the disk is full"):
                start.build(Settings.from_env({}))
        assert not (web / "peermeet-build").exists()
