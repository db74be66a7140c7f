"""Python faces of assets/peermeet/components.jsx: props down, events up. What they do is told there.

Children are Python's; the browser's half decides only whether they show and what a click does.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

LIBRARY = "$/public/peermeet/components.jsx"


class _Face(rx.Component):
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


class Waited(_Face):
    """For how long one has waited at the door, in minutes and seconds."""

    tag = "Waited"


class Ending(_Face):
    """Why it is over: ``texts`` by reason or code of a refusal, each ``{title, text, again}``; ``refused`` is for codes
    that are not among them. With ``again``, there is a button for another try."""

    tag = "Ending"
    texts: rx.Var[dict[str, dict[str, str]]]


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


class Line(_Face):
    """Shows its children while a joined meeting has lost its server."""

    tag = "Line"


class Stage(_Face):
    """Everybody as a tile, oneself last; hears everybody. ``labels`` are its few texts."""

    tag = "Stage"
    labels: rx.Var[dict[str, str]]


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


class Menu(_Face):
    """A `MenuButton`, and the `MenuItems` that it opens. Choosing one closes them."""

    tag = "Menu"


class MenuButton(_Face):
    tag = "MenuButton"


class MenuItems(_Face):
    tag = "MenuItems"


class Moment(_Face):
    """A Unix time as the reader's language and clock have it."""

    tag = "Moment"
    at: rx.Var[float]


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


class HttpForm(_Face):
    """A form that speaks to one of the HTTP routes and never to Reflex: passwords pass no state and no log.

    After success it goes to ``next``; a refusal keeps all that was typed and shows at its `FieldError`.
    """

    tag = "HttpForm"
    action: rx.Var[str]
    next: rx.Var[str]


class JoinForm(_Face):
    """Enters the meeting: as who is signed in, or as a guest with the name in its input ``name``."""

    tag = "JoinForm"


class NeedsName(_Face):
    """Shows its children to somebody who is not signed in."""

    tag = "NeedsName"


class FieldError(_Face):
    """Where the refusal about one field of the form around it is shown; without a field, all others."""

    tag = "FieldError"
    field: rx.Var[str]


class CopyButton(_Face):
    """Copies ``text``, or the address of ``path`` on this server."""

    tag = "CopyButton"
    path: rx.Var[str]
    text: rx.Var[str]
    copied: rx.Var[str]


class SignOutButton(_Face):
    """Ends the session, then goes to ``next``."""

    tag = "SignOutButton"
    next: rx.Var[str]


meeting_room = MeetingRoom.create
when = When.create
waited = Waited.create
ending = Ending.create
preview = Preview.create
level_meter = LevelMeter.create
source_toggle = SourceToggle.create
notices = Notices.create
line = Line.create
stage = Stage.create
mute_asked = MuteAsked.create
silenced = Silenced.create
raise_hand = RaiseHand.create
reactions = Reactions.create
menu = Menu.create
menu_button = MenuButton.create
menu_items = MenuItems.create
moment = Moment.create
composer = Composer.create
http_form = HttpForm.create
join_form = JoinForm.create
needs_name = NeedsName.create
field_error = FieldError.create
copy_button = CopyButton.create
sign_out_button = SignOutButton.create
