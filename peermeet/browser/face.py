"""What every Python face of assets/peermeet is: props down, events up. What they do is told there.

A module here is one of the .jsx files there. Children are Python's; the browser's half decides only whether they show
and what a click does.
"""

from __future__ import annotations

import reflex as rx


def library(name: str) -> str:
    """Return where the bundle finds one of the .jsx files."""
    return f"$/public/peermeet/{name}.jsx"


class Face(rx.Component):
    """One of the components of a .jsx file."""
