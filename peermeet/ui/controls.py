"""The bar under the stage. Every control comes through `extend.control`, as a plugin's would."""

from __future__ import annotations

import reflex as rx

from ..browser.asking import raise_hand, reactions
from ..browser.devices import source_toggle
from ..browser.menu import menu, menu_button, menu_items
from ..extend import Panel, command, control, leave, panels
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


@control(order=30)
def hand() -> rx.Component:
    """Raise a hand, or react: what one does without a word."""
    return menu(
        menu_button(
            rx.icon("hand", size=22), class_name="round", aria_label="Raise hand or react", title="Raise hand or react"
        ),
        menu_items(
            raise_hand(
                rx.icon("hand", size=18),
                label_up="Raise hand",
                label_down="Lower hand",
                class_name="menu-item",
                id="raise-hand",
            ),
            reactions(class_name="emojis", role="group", aria_label="Reactions"),
            class_name="menu-items",
            aria_label="Raise hand or react",
        ),
        class_name="hand-menu",
    )


def _badge(panel: Panel) -> tuple[object, list[rx.Component]]:
    """What a panel's button is called, and the number on it."""
    if panel.badge is None:
        return panel.title, []
    label = rx.cond(panel.badge > 0, f"{panel.title}, {panel.badge} new", panel.title)
    number = rx.cond(panel.badge > 99, "99+", panel.badge.to_string())
    return label, [rx.cond(panel.badge > 0, rx.el.span(number, class_name="badge", aria_hidden=True))]


def _panel_button(panel: Panel) -> rx.Component:
    label, badge = _badge(panel)
    button = rx.el.button(
        rx.icon(panel.icon, size=22),
        *badge,
        type="button",
        class_name="round",
        aria_label=label,
        title=panel.title,
        aria_pressed=MeetingState.panel == panel.name,
        on_click=MeetingState.show_panel(panel.name),
        id=f"panel-{panel.name}",
    )
    return button if panel.shown is True else rx.cond(panel.shown, button)


@control(order=80)
def panel_buttons() -> rx.Component:
    """One button a panel."""
    return rx.fragment(*[_panel_button(panel) for panel in panels()])


def _end_for_all() -> rx.Component:
    return menu(
        menu_button("End", class_name="round danger end", aria_label="End for all", title="End for all", id="end"),
        menu_items(
            rx.el.p("End the meeting for everybody?"),
            rx.el.button(
                "End for all",
                type="button",
                class_name="button danger",
                on_click=command("end_meeting"),
                id="end-for-all",
            ),
            rx.el.button("Go on", type="button", class_name="button"),
            class_name="menu-items ask",
            aria_label="End the meeting for everybody?",
        ),
    )


@control(order=90)
def leave_button() -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.icon("phone-off", size=22),
            type="button",
            class_name="round danger",
            aria_label="Leave",
            title="Leave",
            on_click=leave(),
            id="leave",
        ),
        rx.cond(MeetingState.hosting, _end_for_all()),
        class_name="leaving",
    )
