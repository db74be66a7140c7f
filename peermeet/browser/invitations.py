"""Links into a room, for its hosts."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class Invitations(Face):
    """Makes links into ``room``, shows each once, lists them with who came, and ends them; all by HTTP. ``owner`` may
    grant more by them. ``texts`` are its words, roles and lives by their names."""

    library = library("invitations")
    tag = "Invitations"
    room: rx.Var[str]
    owner: rx.Var[bool]
    texts: rx.Var[dict[str, str]]


invitations = Invitations.create
