"""The door from both sides: who waits at it, who answers it, and what it says to those who are outside again."""

from __future__ import annotations

import reflex as rx

from ..browser.actions import cancel
from ..browser.components import when
from ..browser.door import ending, waited
from ..extend import command
from .frame import page_link
from .state import MeetingState
from .texts import ENDINGS
from .views import Knock

_WAITING = {
    "lobby": ("You have knocked.", "A host will let you in."),
    "host": ("Waiting for the host.", "You come in as soon as a host is there."),
    "full": ("The room is full.", "You come in as soon as a seat is free."),
}


def waiting() -> rx.Component:
    """Outside, with a knock that nobody has answered yet."""
    return rx.el.div(
        rx.el.div(  # without the clock, which would be read out every second
            *[
                when(
                    rx.el.div(rx.el.strong(title), rx.el.p(text, class_name="muted")), phases=["waiting"], waiting=[why]
                )
                for why, (title, text) in _WAITING.items()
            ],
            role="status",
        ),
        rx.el.p(rx.icon("hourglass", size=16), "Waiting for ", waited(), class_name="row muted"),
        rx.el.button("Cancel", type="button", class_name="button wide", on_click=cancel(), id="cancel"),
        class_name="card waiting",
    )


def _knock(knock: Knock) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.bdi(knock["name"], class_name="ellipsis", title=knock["name"]),
            rx.el.small(rx.cond(knock["guest"], "guest", "account"), " · wants to come in"),
            class_name="who",
        ),
        rx.el.button(
            "Deny",
            type="button",
            class_name="button small",
            aria_label=f"Deny {knock['name']}",
            on_click=command("deny", id=knock["id"]),
        ),
        rx.el.button(
            "Admit",
            type="button",
            class_name="button primary small",
            aria_label=f"Admit {knock['name']}",
            on_click=command("admit", id=knock["id"]),
        ),
        key=knock["id"],
    )


def knocks() -> rx.Component:
    """Inside: a small card for each who knocks, over the stage and nothing else."""
    return rx.fragment(
        rx.el.p(MeetingState.news, role="status", class_name="unseen"),
        rx.cond(
            MeetingState.knocks.length() > 0,
            rx.el.section(
                rx.cond(
                    MeetingState.knocks.length() > 1,
                    rx.el.header(
                        rx.el.span(f"{MeetingState.knocks.length()} people are waiting"),
                        rx.el.button("Deny all", type="button", class_name="button small", on_click=command("deny")),
                        rx.el.button(
                            "Admit all", type="button", class_name="button primary small", on_click=command("admit")
                        ),
                    ),
                ),
                rx.el.ul(rx.foreach(MeetingState.knocks, _knock)),
                class_name="knocks",
                aria_label="At the door",
            ),
        ),
    )


def outside() -> rx.Component:
    """Outside again: why, and what one can do."""
    return when(
        ending(page_link("To your rooms", "/lobby", class_name="button"), texts=ENDINGS, class_name="narrow centred"),
        phases=["left", "refused"],
    )
