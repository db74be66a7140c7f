"""The front door: what PeerMeet is, in a sentence; sign in or register."""

from __future__ import annotations

import reflex as rx

from ...browser.forms import field_error, http_form
from ..frame import field, page, wordmark
from ..state import LoginState


def _sign_in() -> rx.Component:
    return http_form(
        field("Email", "email", type="email", auto_complete="username", input_mode="email", max_length=320),
        field("Password", "password", type="password", auto_complete="current-password", max_length=1000),
        field_error(class_name="field-error form-error"),
        rx.el.button("Sign in", type="submit", class_name="button primary wide", id="sign-in"),
        action="/api/session",
        next="/lobby",
        key="sign-in",
        aria_label="Sign in",
    )


def _register() -> rx.Component:
    return http_form(
        field("Name", "name", type="text", auto_complete="name", max_length=64),
        field("Email", "email", type="email", auto_complete="username", input_mode="email", max_length=320),
        field(
            "Password",
            "password",
            type="password",
            auto_complete="new-password",
            max_length=1000,
            hint="At least 10 characters. A few words in a row make a good one.",
        ),
        field_error(class_name="field-error form-error"),
        rx.el.button("Create account", type="submit", class_name="button primary wide", id="register"),
        action="/api/users",
        next="/lobby",
        key="register",
        aria_label="Create account",
    )


def _tab(label: str, registering: bool) -> rx.Component:
    return rx.el.button(
        label,
        type="button",
        class_name="tab",
        aria_pressed=LoginState.registering == registering,
        on_click=LoginState.choose(registering),
    )


def login() -> rx.Component:
    return page(
        rx.el.header(wordmark(), class_name="top-bar"),
        rx.el.main(
            rx.el.section(
                rx.el.h1("Meet face to face, from browser to browser."),
                rx.el.p(
                    "Create a room, send the link, meet. Audio and video go straight between the people in the "
                    "room, encrypted; this server only introduces them.",
                    class_name="lead",
                ),
                rx.el.p("Got a link to a room? Just open it: a guest needs nothing but a name.", class_name="muted"),
                class_name="pitch",
            ),
            rx.el.section(
                rx.el.div(_tab("Sign in", False), _tab("Create account", True), class_name="tabs"),
                rx.cond(LoginState.registering, _register(), _sign_in()),
                class_name="card",
            ),
            class_name="front",
        ),
    )
