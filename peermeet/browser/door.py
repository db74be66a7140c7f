"""The door from outside."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("door")


class JoinForm(_Face):
    """Enters the meeting: as who is signed in, or as a guest with the name in its input ``name``; with the passcode in
    its input ``passcode``, if there is one. Neither is heard by Reflex."""

    tag = "JoinForm"


class AtDoor(_Face):
    """Shows its children while the door is in a state of ``when``: name or passcode (which it needs), refused (and
    nothing that could be typed would help) or else welcome, or the code of a refusal."""

    tag = "AtDoor"
    when: rx.Var[list[str]]


class Refused(_Face):
    """Why one may not come in: ``texts`` by code of a refusal, each ``{title[, when][, text]}``; ``at`` by code are the
    times (Unix seconds) that follow ``when``, where they are known."""

    tag = "Refused"
    texts: rx.Var[dict[str, dict[str, str]]]
    at: rx.Var[dict[str, float]]


class Waited(_Face):
    """For how long one has waited at the door, in minutes and seconds."""

    tag = "Waited"


class Ending(_Face):
    """Why it is over: ``texts`` by reason or code of a refusal, each ``{title, text, again}``; ``refused`` is for codes
    that are not among them. With ``again``, there is a button for another try."""

    tag = "Ending"
    texts: rx.Var[dict[str, dict[str, str]]]


join_form = JoinForm.create
at_door = AtDoor.create
refused = Refused.create
waited = Waited.create
ending = Ending.create
