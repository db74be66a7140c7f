"""What hosts ask of somebody; hands and reactions."""

from __future__ import annotations

import reflex as rx

from .face import Face, library


class _Face(Face):
    library = library("asking")


class MuteAsked(_Face):
    """A host asks to switch something off: ``texts`` by source, after the host's name, and the two answers. On is
    nothing that anybody can be switched."""

    tag = "MuteAsked"
    texts: rx.Var[dict[str, str]]
    off: rx.Var[str]
    keep: rx.Var[str]
    somebody: rx.Var[str]


class Silenced(_Face):
    """Says which of one's own sources nobody plays at the moment: ``texts`` by source."""

    tag = "Silenced"
    texts: rx.Var[dict[str, str]]


class RaiseHand(_Face):
    """A button that raises one's hand, or lowers it."""

    tag = "RaiseHand"
    label_up: rx.Var[str]
    label_down: rx.Var[str]


class Reactions(_Face):
    """A button for each reaction there is."""

    tag = "Reactions"


mute_asked = MuteAsked.create
silenced = Silenced.create
raise_hand = RaiseHand.create
reactions = Reactions.create
