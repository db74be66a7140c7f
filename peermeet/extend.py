"""The seam: what is added to a meeting comes in here, the built-in panels and controls too.

@panel("poll", title="Poll", icon="chart-bar")      a place beside the stage, and its button
@control(order=50)                                  a button in the bar under it
listen("poll", Poll.count)                          hears messages of a topic: handler(sender, data)
send_message("poll", choice="yes")                  what a click does; also set_attributes, command
load("my_polls")                                    import a plugin's module
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import reflex as rx

from .browser.actions import command, leave, send_message, set_attributes, toggle

__all__ = [
    "command",
    "control",
    "controls",
    "leave",
    "listen",
    "listeners",
    "load",
    "panel",
    "panels",
    "send_message",
    "set_attributes",
    "toggle",
]

Build = Callable[[], rx.Component]


class Panel(NamedTuple):
    """A place beside the stage. ``icon`` is a name of the lucide set. ``badge`` is a var with a number for its button;
    ``shown`` a var that tells whether there is such a panel for this person."""

    name: str
    title: str
    icon: str
    build: Build
    badge: Any = None
    shown: Any = True


class Control(NamedTuple):
    """Something in the bar, from left to right by ``order``."""

    order: int
    name: str
    build: Build


_panels: dict[str, Panel] = {}
_controls: dict[str, Control] = {}
_listeners: dict[str, list[Any]] = {}


def panel(name: str, *, title: str, icon: str, badge: Any = None, shown: Any = True) -> Callable[[Build], Build]:
    """Put a panel beside the stage. Raises ValueError if the name is taken by another function."""

    def add(build: Build) -> Build:
        _add(_panels, name, Panel(name, title, icon, build, badge, shown))
        return build

    return add


def control(*, order: int = 50) -> Callable[[Build], Build]:
    """Put a control into the bar; its name is the function's. Microphone is 10, camera 20, raised
    hand 30, panels 80, leave 90."""

    def add(build: Build) -> Build:
        _add(_controls, build.__name__, Control(order, build.__name__, build))
        return build

    return add


def listen(topic: str, handler: Any) -> None:
    """Call an event handler with ``(sender, data)`` for every message of a topic: the participant's id, a dict."""
    handlers = _listeners.setdefault(topic, [])
    if handler not in handlers:
        handlers.append(handler)


def load(module: str) -> None:
    """Import a plugin. Raises ImportError with the module's name if there is none."""
    importlib.import_module(module)


def panels() -> tuple[Panel, ...]:
    """Return the panels in the order in which they were added."""
    return tuple(_panels.values())


def controls() -> tuple[Control, ...]:
    """Return the controls from left to right."""
    return tuple(sorted(_controls.values(), key=lambda c: c.order))


def listeners(topic: str) -> tuple[Any, ...]:
    """Return who listens to a topic."""
    return tuple(_listeners.get(topic, ()))


def _add(registry: dict[str, Any], name: str, entry: Any) -> None:
    known = registry.get(name)
    if known is not None and known.build.__module__ != entry.build.__module__:
        raise ValueError(f"{name!r} is there already, from {known.build.__module__}")
    registry[name] = entry
