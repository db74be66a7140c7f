"""The door from outside."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("door")


class JoinForm(_Face):
    """Enters the meeting: as who is signed in, or as a guest with the name in its input ``name``."""

    tag = "JoinForm"


class NeedsName(_Face):
    """Shows its children to somebody who is not signed in."""

    tag = "NeedsName"


class Waited(_Face):
    """For how long one has waited at the door, in minutes and seconds."""

    tag = "Waited"


class Ending(_Face):
    """Why it is over: ``texts`` by reason or code of a refusal, each ``{title, text, again}``; ``refused`` is for codes
    that are not among them. With ``again``, there is a button for another try."""

    tag = "Ending"
    texts: rx.Var[dict[str, dict[str, str]]]


join_form = JoinForm.create
needs_name = NeedsName.create
waited = Waited.create
ending = Ending.create
