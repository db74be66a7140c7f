"""The example of a plugin: a panel, a button, a listener. Nothing but `peermeet.extend` and Reflex."""

from __future__ import annotations

import reflex as rx

from peermeet.extend import listen, panel, send_message


class Poll(rx.State):
    """Who voted for what, as this tab has heard it."""

    votes: dict[str, str] = {}  # noqa: RUF012 (Reflex gives each tab its own)

    @rx.event
    def count(self, sender: str, data: dict):
        self.votes[sender] = data["choice"]


listen("poll", Poll.count)


@panel("poll", title="Poll", icon="chart-bar")
def poll() -> rx.Component:
    return rx.el.div(
        rx.el.button("Yes", on_click=send_message("poll", choice="yes")),
        rx.el.p(Poll.votes.length(), " votes"),
    )
