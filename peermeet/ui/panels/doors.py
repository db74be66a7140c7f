"""For hosts: who comes in, and what the room keeps."""

from __future__ import annotations

import reflex as rx

from ...extend import command, panel
from ..state import MeetingState
from ..switches import keeping, switches


@panel("doors", title="Doors", icon="door-open", shown=MeetingState.hosting)
def doors() -> rx.Component:
    return rx.el.div(
        switches(MeetingState.doors, MeetingState.relays, lambda door, on: command("set_room", **{door: on})),
        keeping(MeetingState.doors["chat"], lambda kept: command("set_room", chat=kept)),
        class_name="panel-body",
    )
