"""What pages share: the wordmark, the top bar, fields and cards. Functions that return components, no state."""

from __future__ import annotations

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
                rx.el.span(Viewer.name, class_name="ellipsis", title=Viewer.name, id="who"),
                sign_out_button("Sign out", next="/", class_name="button quiet", id="sign-out"),
                class_name="row",
            ),
        ),
        class_name="top-bar",
    )


def field(label: str, name: str, *, hint: str = "", **attributes: object) -> rx.Component:
    """A labelled input with a place for its refusal."""
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(id=name, name=name, aria_describedby=f"{name}-error {name}-hint", **attributes),
        rx.el.small(hint, id=f"{name}-hint") if hint else rx.fragment(),
        field_error(field=name, id=f"{name}-error", class_name="field-error"),
        class_name="field",
    )


def page_link(text: str, address: str, **attributes: object) -> rx.Component:
    """A link that loads its page whole, so that the page's sockets carry the cookie that a guest has since got."""
    return rx.el.a(text, href=address, custom_attrs={"reloadDocument": True}, **attributes)


def page(*children: rx.Component, class_name: str = "") -> rx.Component:
    return rx.el.div(*children, class_name=f"page {class_name}")
