"""What a button does at once, in the tab, without visiting the server: values for ``on_click`` and its like.

They are function vars, compiled into the page; nothing is evaluated from a string.
"""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex.vars import FunctionStringVar, VarData

from .components import LIBRARY


def _call(name: str, *arguments: Any) -> rx.vars.FunctionVar:
    function = FunctionStringVar.create(
        name, _var_data=VarData(imports={LIBRARY: [rx.ImportVar(tag=name, is_default=False, install=False)]})
    )
    return function.partial(*arguments)


def toggle(source: str) -> rx.vars.FunctionVar:
    """Switch one's own ``microphone`` or ``camera``."""
    return _call("toggleSource", source)


def leave() -> rx.vars.FunctionVar:
    """Leave the meeting."""
    return _call("leaveMeeting")


def cancel() -> rx.vars.FunctionVar:
    """Wait at the door no longer, and go back to the preview."""
    return _call("cancelKnock")


def without_invitation() -> rx.vars.FunctionVar:
    """Come without the invitation that was refused."""
    return _call("withoutInvitation")


def command(type: str, **fields: Any) -> rx.vars.FunctionVar:
    """Ask the room for anything of PROTOCOL.md; fields may be vars. The room decides, and a refusal is shown."""
    return _call("sendCommand", {"type": type, **fields})


def send_message(topic: str, **data: Any) -> rx.vars.FunctionVar:
    """Send a message to everybody present; it comes back to all, the sender too, at their listeners."""
    return _call("sendMessage", topic, data)


def set_attributes(**attributes: Any) -> rx.vars.FunctionVar:
    """Set attributes of oneself, which latecomers see too; None takes one away."""
    return _call("setAttributes", attributes)
