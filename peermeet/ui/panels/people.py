"""Who is here, in which order hands are up, and what one may ask of them; for hosts, who may not come back."""

from __future__ import annotations

import reflex as rx

from ...browser.forms import copy_button
from ...browser.menu import menu, menu_button, menu_items
from ...extend import command, panel
from ..state import MeetingState
from ..views import Out, Person

_ROLES = {"host": "Make host", "cohost": "Make co-host", "member": "Make member", "listener": "Make listener"}


def item(icon: str, text: str, on_click: object, class_name: str = "") -> rx.Component:
    """One line of a menu."""
    return rx.el.button(
        rx.icon(icon, size=16), text, type="button", class_name=f"menu-item {class_name}", on_click=on_click
    )


def _appoint(person: Person) -> list[rx.Component]:
    icons = {"host": "crown", "cohost": "user-cog", "member": "user", "listener": "headphones"}
    return [
        rx.cond(
            person["role"] != role,
            item(icons[role], text, command("set_role", id=person["id"], role=role)),
        )
        for role, text in _ROLES.items()
    ]


def _silence(person: Person, source: str, *, silenced: object, on: object, texts: tuple[str, str, str]) -> rx.Component:
    ask, silence, lift = texts
    icons = {"microphone": ("mic-off", "volume-x", "volume-2"), "camera": ("video-off", "eye-off", "eye")}[source]
    return rx.fragment(
        rx.cond(on, item(icons[0], ask, command("ask_mute", id=person["id"], source=source))),
        rx.cond(
            silenced,
            item(icons[2], lift, command("silence", id=person["id"], source=source, on=False)),
            item(icons[1], silence, command("silence", id=person["id"], source=source, on=True)),
        ),
    )


def _menu(person: Person) -> rx.Component:
    return menu(
        menu_button(
            rx.icon("ellipsis", size=18),
            class_name="button quiet small",
            aria_label=f"More about {person['name']}",
            title="More",
        ),
        menu_items(
            item("message-circle", "Write privately", MeetingState.write_to(person["id"])),
            rx.cond(person["appoint"], rx.fragment(rx.el.hr(), *_appoint(person))),
            rx.cond(
                person["below"],
                rx.fragment(
                    rx.el.hr(),
                    _silence(
                        person,
                        "microphone",
                        silenced=person["unheard"],
                        on=person["microphone"],
                        texts=("Ask to mute", "Silence for all", "Let be heard again"),
                    ),
                    _silence(
                        person,
                        "camera",
                        silenced=person["unseen"],
                        on=person["camera"],
                        texts=("Ask to switch the camera off", "Hide camera for all", "Show camera again"),
                    ),
                    rx.el.hr(),
                    item("user-minus", "Remove", command("remove", id=person["id"]), "danger"),
                    rx.cond(MeetingState.hosting, item("ban", "Ban", command("ban", id=person["id"]), "danger")),
                ),
            ),
            class_name="menu-items",
            aria_label=f"More about {person['name']}",
        ),
    )


def _marks(person: Person) -> rx.Component:
    """What to know of somebody, in small print."""
    return rx.el.small(
        rx.cond(person["me"], rx.el.span("you")),
        rx.match(
            person["role"],
            ("host", rx.el.span("host")),
            ("cohost", rx.el.span("co-host")),
            ("listener", rx.el.span("listener")),
            rx.fragment(),
        ),
        rx.cond(person["guest"], rx.el.span("guest")),
        rx.cond(person["unheard"], rx.el.span("silenced")),
        rx.cond(person["unseen"], rx.el.span("camera hidden")),
        rx.cond(person["away"], rx.el.span("reconnecting")),
        class_name="marks",
    )


def _person(person: Person) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.bdi(person["name"], class_name="ellipsis", title=person["name"]),
            _marks(person),
            class_name="who",
        ),
        rx.cond(
            person["hand"] > 0,
            rx.el.span(
                rx.icon("hand", size=16, aria_hidden=True),
                person["hand"],
                class_name="hand",
                role="img",
                aria_label=f"Hand raised, number {person['hand']}",
            ),
        ),
        rx.cond(
            person["microphone"] & ~person["unheard"],
            rx.icon("mic", size=16, role="img", aria_label="Microphone on"),
            rx.icon("mic-off", size=16, role="img", aria_label="Microphone off"),
        ),
        rx.cond(person["me"], rx.el.span(class_name="no-menu"), _menu(person)),
        key=person["id"],
        data_person=person["id"],
    )


def _out(out: Out) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.bdi(out["name"], class_name="ellipsis", title=out["name"]),
            rx.el.small(rx.cond(out["banned"], "banned", "removed"), class_name="marks"),
            class_name="who",
        ),
        rx.el.button(
            "Let come back",
            type="button",
            class_name="button small",
            aria_label=f"Let {out['name']} come back",
            on_click=command("allow", user=out["user"]),
        ),
        key=out["user"],
    )


@panel("people", title="People", icon="users")
def people() -> rx.Component:
    return rx.el.div(
        rx.el.ul(rx.foreach(MeetingState.people, _person), class_name="people"),
        rx.cond(
            MeetingState.hosting & (MeetingState.out.length() > 0),
            rx.el.section(
                rx.el.h3("May not come back"),
                rx.el.ul(rx.foreach(MeetingState.out, _out), class_name="people"),
                aria_label="May not come back",
            ),
        ),
        rx.el.footer(
            copy_button(
                rx.icon("link", size=16),
                "Copy the link",
                path="/meet/" + MeetingState.code,
                copied="Copied",
                class_name="button small",
            ),
            rx.cond(
                MeetingState.keeping & (MeetingState.people.length() > 1),
                menu(
                    menu_button(rx.icon("volume-x", size=16), "Everybody…", class_name="button small"),
                    menu_items(
                        item("volume-x", "Silence all but hosts", command("silence", source="microphone", on=True)),
                        item("volume-2", "Let all be heard again", command("silence", source="microphone", on=False)),
                        class_name="menu-items",
                        aria_label="Everybody",
                    ),
                ),
            ),
            class_name="panel-foot row",
        ),
        class_name="panel-body",
    )
