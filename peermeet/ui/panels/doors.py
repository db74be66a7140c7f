"""For hosts: who comes in, and what the room keeps. What a switch shows is what the room has said."""

from __future__ import annotations

import reflex as rx

from ...extend import command, panel
from ..state import MeetingState

_DOORS = {
    "lobby": ("Lobby", "Who is no host knocks, and a host lets them in."),
    "locked": ("Lock", "Nobody new comes in."),
    "wait_for_host": ("Wait for the host", "Others wait at the door until a host is here."),
    "one_device": ("One device a person", "Who joins again moves to the newer tab or device."),
}
_CHAT = {
    "off": "Keep nothing",
    "meeting": "Keep it for this meeting",
    "forever": "Keep it with the room",
}


def _switch(door: str) -> rx.Component:
    name, what = _DOORS[door]
    on = MeetingState.doors[door]
    return rx.el.li(
        rx.el.div(
            rx.el.span(name, id=f"door-{door}-name"), rx.el.small(what, id=f"door-{door}-what"), class_name="door-text"
        ),
        rx.el.button(
            rx.el.i(),
            type="button",
            role="switch",
            class_name="switch",
            id=f"door-{door}",
            aria_checked=on,
            aria_labelledby=f"door-{door}-name",
            aria_describedby=f"door-{door}-what",
            on_click=command("set_room", **{door: ~on}),
        ),
    )


def _keeping(kept: str) -> rx.Component:
    return rx.el.button(
        _CHAT[kept],
        type="button",
        role="radio",
        class_name="choice",
        aria_checked=MeetingState.doors["chat"] == kept,
        on_click=command("set_room", chat=kept),
    )


@panel("doors", title="Doors", icon="door-open", shown=MeetingState.hosting)
def doors() -> rx.Component:
    return rx.el.div(
        rx.el.ul(*[_switch(door) for door in _DOORS], class_name="doors"),
        rx.el.section(
            rx.el.h3("Chat", id="door-chat"),
            rx.el.div(
                *[_keeping(kept) for kept in _CHAT],
                role="radiogroup",
                aria_labelledby="door-chat",
                class_name="choices",
            ),
            rx.el.small("Keeping nothing takes away what was kept."),
        ),
        class_name="panel-body",
    )
