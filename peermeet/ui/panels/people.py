"""Who is here."""

from __future__ import annotations

import reflex as rx

from ...extend import panel
from ..state import MeetingState, Person


def _person(person: Person) -> rx.Component:
    return rx.el.li(
        rx.el.span(person["name"], class_name="ellipsis", title=person["name"]),
        rx.cond(person["id"] == MeetingState.you, rx.el.small("you")),
        rx.cond(person["role"] == "host", rx.el.small("host")),
        rx.cond(person["guest"], rx.el.small("guest")),
        rx.cond(person["away"], rx.el.small("reconnecting")),
        rx.cond(
            person["microphone"],
            rx.icon("mic", size=16, aria_label="Microphone on"),
            rx.icon("mic-off", size=16, aria_label="Microphone off"),
        ),
        key=person["id"],
    )


@panel("people", title="People", icon="users")
def people() -> rx.Component:
    return rx.el.ul(rx.foreach(MeetingState.people, _person), class_name="people")
