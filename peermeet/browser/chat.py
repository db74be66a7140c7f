"""Where one writes."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("chat")


class Composer(_Face):
    """Where one writes to everybody, or to one. Enter sends. ``to`` is chosen each time ``chosen`` is another number;
    ``longest`` is in characters."""

    tag = "Composer"
    to: rx.Var[str]
    chosen: rx.Var[int]
    placeholder: rx.Var[str]
    label_to: rx.Var[str]
    label_everybody: rx.Var[str]
    label_gone: rx.Var[str]
    label_send: rx.Var[str]
    longest: rx.Var[int]


composer = Composer.create
