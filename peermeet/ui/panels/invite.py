"""For hosts: links into the room."""

from __future__ import annotations

import reflex as rx

from ...browser.forms import copy_button
from ...browser.invitations import invitations
from ...extend import panel
from ..state import MeetingState
from ..texts import INVITATIONS


@panel("invite", title="Invite", icon="user-plus", shown=MeetingState.hosting)
def invite() -> rx.Component:
    return rx.el.div(
        rx.el.section(
            rx.el.p("Whoever has the link to the room comes in as far as its doors let them.", class_name="muted"),
            copy_button(
                rx.icon("link", size=16),
                "Copy the link",
                path="/meet/" + MeetingState.code,
                copied="Copied",
                class_name="button small",
            ),
            class_name="inviting",
        ),
        rx.el.section(
            rx.el.h3("Invitations"),
            rx.el.p("Who comes by an invitation neither knocks nor needs the passcode.", class_name="muted"),
            invitations(
                room=MeetingState.code, owner=MeetingState.owner, texts=INVITATIONS, class_name="invitation-panel"
            ),
            class_name="inviting",
        ),
        class_name="panel-body",
    )
