"""The lobby: create a room; own and recent rooms, and who is there now."""

from __future__ import annotations

import reflex as rx

from ...browser.forms import copy_button
from ..frame import page, top_bar
from ..state import Card, LobbyState, Viewer


def _create() -> rx.Component:
    return rx.el.form(
        rx.el.div(
            rx.el.label("New room", html_for="title"),
            rx.el.input(
                id="title",
                key=LobbyState.created,  # an empty field after each room
                name="title",
                type="text",
                placeholder="What is it about?",
                auto_complete="off",
                max_length=120,
                aria_describedby="title-error",
                aria_invalid=LobbyState.error != "",
            ),
            rx.el.p(LobbyState.error, id="title-error", role="alert", class_name="field-error"),
            class_name="field",
        ),
        rx.el.button(rx.icon("plus", size=18), "Create room", type="submit", class_name="button primary", id="create"),
        on_submit=LobbyState.create,
        reset_on_submit=False,
        class_name="card create",
        method="post",
    )


def _present(room: Card) -> rx.Component:
    return rx.el.span(
        rx.cond(
            room["present"] == 0,
            "nobody there",
            rx.cond(room["present"] == 1, "1 person there", f"{room['present']} people there"),
        ),
        class_name="presence",
        data_present=room["present"],
    )


def _room(room: Card) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.a(room["title"], href=room["path"], class_name="room-title ellipsis", title=room["title"]),
            rx.el.div(_present(room), rx.el.code(room["code"]), class_name="row muted"),
            class_name="room-text",
        ),
        rx.el.div(
            rx.el.a("Open", href=room["path"], class_name="button", aria_label=f"Open {room['title']}"),
            copy_button(
                rx.icon("link", size=16),
                path=room["path"],
                copied="Copied",
                class_name="button quiet",
                aria_label=f"Copy the link to {room['title']}",
                title="Copy link",
            ),
            rx.cond(
                room["mine"],
                rx.el.a(
                    rx.icon("settings", size=16),
                    href=f"/room/{room['code']}",
                    class_name="button quiet",
                    aria_label=f"Settings of {room['title']}",
                    title="Settings",
                ),
            ),
            class_name="row",
        ),
        class_name="card room",
        data_code=room["code"],
        key=room["code"],
    )


def lobby() -> rx.Component:
    return page(
        top_bar(),
        rx.el.main(
            rx.el.h1("Your rooms"),
            rx.cond(
                Viewer.account,
                _create(),
                rx.cond(
                    LobbyState.loaded,
                    rx.el.p(
                        "You are here as a guest. ",
                        rx.el.a("Create an account", href="/"),
                        " to have rooms of your own.",
                        class_name="card muted",
                    ),
                ),
            ),
            rx.cond(
                LobbyState.rooms.length() > 0,
                rx.el.ul(rx.foreach(LobbyState.rooms, _room), class_name="rooms"),
                rx.cond(
                    LobbyState.loaded,
                    rx.el.p(
                        "No rooms yet. Create one, send its link, and whoever opens it meets you there.",
                        class_name="empty",
                    ),
                    rx.el.div(
                        *[rx.el.div(class_name="card skeleton") for _ in range(2)], class_name="rooms", aria_hidden=True
                    ),
                ),
            ),
            class_name="narrow",
        ),
    )
