"""What pages share: the wordmark, the top bar, fields and cards. Functions that return components, no state."""

from __future__ import annotations

from typing import Any

import reflex as rx

from ..browser.forms import field_error, sign_out_button
from .state import Viewer


def wordmark() -> rx.Component:
    return rx.el.a(
        rx.el.span(class_name="mark", aria_hidden="true"),
        "PeerMeet",
        href="/",
        class_name="wordmark",
        aria_label="PeerMeet, to the front page",
    )


def top_bar() -> rx.Component:
    """Wordmark, and who is signed in."""
    return rx.el.header(
        wordmark(),
        rx.cond(
            Viewer.name != "",
            rx.el.div(
                page_link(Viewer.name, "/account", class_name="ellipsis", title=Viewer.name, id="who"),
                sign_out_button("Sign out", next="/", class_name="button quiet", id="sign-out"),
                class_name="row",
            ),
        ),
        class_name="top-bar",
    )


def field(label: Any, name: str, *, id: str = "", hint: str = "", **attributes: object) -> rx.Component:
    """A labelled input with a place for its refusal. ``id`` is the name, where a page has no other of that name."""
    id = id or name
    return rx.el.div(
        rx.el.label(label, html_for=id),
        rx.el.input(id=id, name=name, aria_describedby=f"{id}-error {id}-hint", **attributes),
        rx.el.small(hint, id=f"{id}-hint") if hint else rx.fragment(),
        field_error(field=name, id=f"{id}-error", class_name="field-error"),
        class_name="field",
    )


def page_link(text: Any, address: Any, **attributes: object) -> rx.Component:
    """A link that loads its page whole, so that the page's sockets carry the cookie that a guest has since got."""
    return rx.el.a(text, href=address, custom_attrs={"reloadDocument": True}, **attributes)


def back(text: str, address: str) -> rx.Component:
    """Where one came from."""
    return rx.el.a(rx.icon("chevron-left", size=16), text, href=address, class_name="back")


def page(*children: rx.Component, class_name: str = "") -> rx.Component:
    return rx.el.div(*children, class_name=f"page {class_name}")
