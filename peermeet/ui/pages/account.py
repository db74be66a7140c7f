"""The account of who is looking: their name, their password, and the end of it. All of it goes by HTTP."""

from __future__ import annotations

import reflex as rx

from ...browser.forms import field_error, http_form
from ..frame import back, field, page, top_bar
from ..state import AccountState, Viewer


def _name() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Name"),
        http_form(
            field(
                "What others call you",
                "name",
                type="text",
                default_value=Viewer.name,
                key=Viewer.name,
                auto_complete="name",
                max_length=64,
                hint="In a meeting that goes on you keep the name with which you came.",
            ),
            field_error(class_name="field-error form-error"),
            rx.el.button("Save", type="submit", class_name="button primary", id="rename"),
            method="PATCH",
            action="/api/users/me",
            done="Saved.",
            on_done=AccountState.enter,
            aria_label="Name",
        ),
        class_name="card setting",
    )


def _password() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Password"),
        http_form(
            field("Password", "password", type="password", auto_complete="current-password", max_length=1000),
            field(
                "New password",
                "new_password",
                type="password",
                auto_complete="new-password",
                max_length=1000,
                hint="At least 10 characters. Wherever else you are signed in, you are signed out.",
            ),
            field_error(class_name="field-error form-error"),
            rx.el.button("Change password", type="submit", class_name="button primary", id="change-password"),
            method="PUT",
            action="/api/users/me/password",
            done="Your password is another one now.",
            aria_label="Password",
        ),
        class_name="card setting",
    )


def _delete() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Delete this account"),
        rx.el.p(
            "With it go your rooms and all that is in them: invitations, chat and history. What you wrote in other "
            "rooms goes too. That you were there stays on their owners' lists, without your name. Nobody can bring it "
            "back.",
            class_name="muted",
        ),
        http_form(
            field("Your password", "password", id="delete-password", type="password", auto_complete="current-password"),
            field_error(class_name="field-error form-error"),
            rx.el.button("Delete account", type="submit", class_name="button danger", id="delete-account"),
            method="DELETE",
            action="/api/users/me",
            next="/",
            aria_label="Delete this account",
        ),
        class_name="card setting",
    )


def _forget() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Forget me"),
        rx.el.p(
            "You are here as a guest. Your name, which rooms you were in and what you wrote there are deleted. That "
            "you were there stays on their owners' lists, without your name.",
            class_name="muted",
        ),
        http_form(
            field_error(class_name="field-error form-error"),
            rx.el.button("Forget me", type="submit", class_name="button danger", id="forget"),
            method="DELETE",
            action="/api/users/me",
            next="/",
            aria_label="Forget me",
        ),
        class_name="card setting",
    )


def account() -> rx.Component:
    return page(
        top_bar(),
        rx.el.main(
            rx.el.header(
                back("Your rooms", "/lobby"),
                rx.el.h1("Your account"),
                class_name="room-head",
            ),
            rx.cond(
                AccountState.error != "",
                rx.el.p(AccountState.error, role="alert", class_name="field-error form-error"),
                rx.cond(
                    Viewer.name != "",
                    rx.fragment(_name(), rx.cond(Viewer.account, rx.fragment(_password(), _delete()), _forget())),
                    rx.el.div(class_name="card skeleton", aria_hidden=True),
                ),
            ),
            class_name="narrow",
        ),
    )
