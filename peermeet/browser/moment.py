"""Times on the reader's clock."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("moment")


class Moment(_Face):
    """A Unix time as the reader's language and clock have it."""

    tag = "Moment"
    at: rx.Var[float]
    full: rx.Var[bool]


moment = Moment.create
