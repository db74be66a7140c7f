"""The page for addresses that lead nowhere."""

from __future__ import annotations

import reflex as rx

from ..frame import page, top_bar


def missing() -> rx.Component:
    return page(
        top_bar(),
        rx.el.main(
            rx.el.h1("There is nothing here"),
            rx.el.p("The address may be mistyped. Rooms have links like /meet/3k7q-9t2mz-x8vd.", class_name="lead"),
            rx.el.a("To the front page", href="/", class_name="button primary"),
            class_name="narrow centred",
        ),
    )
