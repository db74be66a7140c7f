"""Everybody, seen and heard."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("stage")


class Stage(_Face):
    """Everybody as a tile, oneself last; hears everybody. ``labels`` are its few texts."""

    tag = "Stage"
    labels: rx.Var[dict[str, str]]


stage = Stage.create
