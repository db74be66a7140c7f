"""The doors of a room as switches, for the panel in the meeting and for the room's own page. What a switch shows is
what the room has said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

_DOORS = {
    "lobby": ("Lobby", "Who is no host knocks, and a host lets them in."),
    "locked": ("Lock", "Nobody new comes in."),
    "wait_for_host": ("Wait for the host", "Others wait at the door until a host is here."),
    "one_device": ("One device a person", "Who joins again moves to the newer tab or device."),
    "relay_only": ("Relay only", "Media goes through the server's relay, and nobody here learns another's address."),
}
_NO_RELAY = "This server has no relay (TURN)."
_CHAT = {
    "off": "Keep nothing",
    "meeting": "Keep it for this meeting",
    "forever": "Keep it with the room",
}


def switches(doors: Any, relays: Any, turn: Callable[[str, Any], Any]) -> rx.Component:
    """A switch for each door. ``turn(door, on)`` is what a click does; ``relays``: whether there is any."""
    return rx.el.ul(*[_switch(door, doors[door], relays, turn) for door in _DOORS], class_name="doors")


def _switch(door: str, on: Any, relays: Any, turn: Callable[[str, Any], Any]) -> rx.Component:
    name, what = _DOORS[door]
    lacking = ~relays & ~on if door == "relay_only" else False
    return rx.el.li(
        rx.el.div(
            rx.el.span(name, id=f"door-{door}-name"),
            rx.el.small(what if lacking is False else rx.cond(lacking, _NO_RELAY, what), id=f"door-{door}-what"),
            class_name="door-text",
        ),
        rx.el.button(
            rx.el.i(),
            type="button",
            role="switch",
            class_name="switch",
            id=f"door-{door}",
            disabled=lacking,
            aria_checked=on,
            aria_labelledby=f"door-{door}-name",
            aria_describedby=f"door-{door}-what",
            on_click=turn(door, ~on),
        ),
    )


def keeping(kept: Any, choose: Callable[[str], Any]) -> rx.Component:
    """How long the chat is kept. ``choose(kept)`` is what a click does."""
    return rx.el.section(
        rx.el.h3("Chat", id="door-chat"),
        rx.el.div(
            *[
                rx.el.button(
                    text,
                    type="button",
                    role="radio",
                    class_name="choice",
                    aria_checked=kept == name,
                    on_click=choose(name),
                )
                for name, text in _CHAT.items()
            ],
            role="radiogroup",
            aria_labelledby="door-chat",
            class_name="choices",
        ),
        rx.el.small("Keeping nothing takes away what was kept."),
    )
