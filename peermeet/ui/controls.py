"""The bar under the stage. Every control comes through `extend.control`, as a plugin's would."""

from __future__ import annotations

import reflex as rx

from ..browser.components import source_toggle
from ..extend import control, leave, panels
from .state import MeetingState

_ICONS = {"microphone": ("mic", "mic-off"), "camera": ("video", "video-off")}


def source_button(source: str) -> rx.Component:
    """A round button that switches a source, and shows which of its two states it is in."""
    on, off = _ICONS[source]
    return source_toggle(
        rx.icon(on, size=22, class_name="when-on"),
        rx.icon(off, size=22, class_name="when-off"),
        source=source,
        label_on=f"Switch {source} off",
        label_off=f"Switch {source} on",
        class_name="round",
        id=source,
    )


@control(order=10)
def microphone() -> rx.Component:
    return source_button("microphone")


@control(order=20)
def camera() -> rx.Component:
    return source_button("camera")


@control(order=80)
def panel_buttons() -> rx.Component:
    """One button a panel."""
    return rx.fragment(
        *[
            rx.el.button(
                rx.icon(panel.icon, size=22),
                type="button",
                class_name="round",
                aria_label=panel.title,
                title=panel.title,
                aria_pressed=MeetingState.panel == panel.name,
                on_click=MeetingState.show_panel(panel.name),
                id=f"panel-{panel.name}",
            )
            for panel in panels()
        ]
    )


@control(order=90)
def leave_button() -> rx.Component:
    return rx.el.button(
        rx.icon("phone-off", size=22),
        type="button",
        class_name="round danger",
        aria_label="Leave",
        title="Leave",
        on_click=leave(),
        id="leave",
    )
