"""Times on the reader's clock."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("moment")


class Moment(_Face):
    """A Unix time as the reader's language and clock have it: short, or ``as_`` "day" and "full" (both always
    with the day), "near" (without the year) or "clock" (the time alone)."""

    tag = "Moment"
    at: rx.Var[float]
    as_: rx.Var[str]


class TimeInput(_Face):
    """Where one types a time of one's own clock; the form around sends it in UTC. ``value`` is Unix time, 0 is none."""

    tag = "TimeInput"
    name: rx.Var[str]
    value: rx.Var[float]


moment = Moment.create
time_input = TimeInput.create
