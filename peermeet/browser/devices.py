"""One's own camera and microphone."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("devices")


class Preview(_Face):
    """One's own camera, mirrored; the children show while it is off."""

    tag = "Preview"


class LevelMeter(_Face):
    """How loud one's own microphone is. Never leaves the browser, never visits React."""

    tag = "LevelMeter"
    label: rx.Var[str]


class SourceToggle(_Face):
    """A button that switches a source. It carries ``data-on``, so that its children can show either state."""

    tag = "SourceToggle"
    source: rx.Var[str]
    label_on: rx.Var[str]
    label_off: rx.Var[str]


class Notices(_Face):
    """What went wrong, where the person looks: sentences by code for devices, the server's own for what it refused."""

    tag = "Notices"
    sentences: rx.Var[dict[str, str]]


preview = Preview.create
level_meter = LevelMeter.create
source_toggle = SourceToggle.create
notices = Notices.create
