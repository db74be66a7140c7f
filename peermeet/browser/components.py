"""The meeting of a page, and what shows while it is so or so."""

from __future__ import annotations

from typing import Any

import reflex as rx

from .face import Face, library

LIBRARY = library("components")


class _Face(Face):
    library = LIBRARY


class MeetingRoom(_Face):
    """The meeting of this page. ``on_event`` hears every event of PROTOCOL.md but `signaled`."""

    tag = "MeetingRoom"
    room: rx.Var[str]
    on_event: rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]


class When(_Face):
    """Shows its children while the meeting is in one of ``phases``: preview, joining, waiting, joined, left, refused;
    with ``waiting``, only if one waits at the door for one of these: lobby, host, full."""

    tag = "When"
    phases: rx.Var[list[str]]
    waiting: rx.Var[list[str]]


class Line(_Face):
    """Shows its children while a joined meeting has lost its server."""

    tag = "Line"


meeting_room = MeetingRoom.create
when = When.create
line = Line.create
