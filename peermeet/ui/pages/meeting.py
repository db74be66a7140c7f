"""The meeting: a look at oneself before, the stage during, a word after. Its phases are the browser's own, so that
nothing of it waits for the server."""

from __future__ import annotations

import reflex as rx

from ...browser.actions import without_invitation
from ...browser.asking import mute_asked, silenced
from ...browser.components import line, meeting_room, when
from ...browser.devices import level_meter, notices, preview
from ...browser.door import at_door, join_form, refused
from ...browser.forms import copy_button
from ...browser.moment import moment
from ...browser.stage import stage
from ...extend import Panel, controls, panels
from ..controls import source_button
from ..door import knocks, outside, waiting
from ..frame import field, page_link, top_bar, wordmark
from ..state import MeetingState, Viewer
from ..texts import ASKED, DEVICES, DOOR, SILENCED, STAGE


def _before() -> rx.Component:
    """Own camera and microphone, and the door."""
    return rx.el.main(
        rx.el.header(wordmark(), class_name="top-bar before-bar"),
        rx.el.section(
            preview(
                rx.el.div(rx.icon("video-off", size=40), rx.el.span("Your camera is off"), class_name="preview-off"),
                class_name="preview",
            ),
            rx.el.div(
                source_button("microphone"),
                level_meter(label="Level of your microphone", class_name="level"),
                source_button("camera"),
                class_name="preview-bar",
            ),
            notices(sentences=DEVICES, class_name="notices"),
            class_name="preview-side",
        ),
        rx.el.section(
            rx.el.h1(MeetingState.title, class_name="room-heading", title=MeetingState.title),
            rx.cond(Viewer.name != "", rx.el.p("You join as ", rx.el.strong(Viewer.name), class_name="muted ellipsis")),
            when(_join(), phases=["preview", "joining"]),
            when(waiting(), phases=["waiting"]),
            class_name="join-side",
        ),
        class_name="before",
    )


def _join() -> rx.Component:
    return join_form(
        rx.cond(
            MeetingState.opens > 0,
            at_door(rx.el.p("This room opens ", moment(at=MeetingState.opens, as_="full"), "."), when=["name"]),
        ),
        at_door(field("Your name", "name", type="text", auto_complete="name", max_length=64), when=["name"]),
        at_door(
            field(
                "Passcode",
                "passcode",
                type="password",
                auto_complete="off",
                max_length=64,
                hint="This room asks for one. Whoever invited you knows it.",
            ),
            when=["passcode"],
        ),
        refused(
            texts=DOOR,
            at={"not_open_yet": MeetingState.opens, "closed": MeetingState.closed},
            class_name="field-error form-error",
        ),
        rx.el.button(
            when(
                at_door("Try again", when=["refused"]),
                at_door("Join", when=["welcome"]),
                phases=["preview"],
            ),
            when("Joining…", phases=["joining"]),
            type="submit",
            class_name="button primary wide",
            id="join",
        ),
        at_door(
            rx.el.button(
                "Try without the invitation",
                type="button",
                class_name="button wide",
                on_click=without_invitation(),
                id="without-invitation",
            ),
            when=["bad_invitation"],
        ),
        at_door(
            rx.el.p(
                "Have an account? ",
                rx.el.a("Sign in", href="/?next=/meet/" + MeetingState.code),
                class_name="muted",
            ),
            when=["name"],
        ),
        aria_label="Join",
    )


def _panel(panel: Panel) -> rx.Component:
    here = MeetingState.panel == panel.name
    return rx.cond(
        here if panel.shown is True else here & panel.shown,
        rx.el.aside(
            rx.el.header(
                rx.el.h2(panel.title),
                rx.el.button(
                    rx.icon("x", size=18),
                    type="button",
                    class_name="button quiet",
                    aria_label=f"Close {panel.title}",
                    on_click=MeetingState.show_panel(panel.name),
                ),
            ),
            panel.build(),
            class_name="panel",
            aria_label=panel.title,
        ),
    )


def _alone() -> rx.Component:
    """In an empty room: the link to send."""
    return rx.el.div(
        rx.el.p("Nobody else is here yet."),
        copy_button(
            rx.icon("link", size=18),
            "Copy the link to this room",
            path="/meet/" + MeetingState.code,
            copied="Copied",
            class_name="button primary",
        ),
        class_name="alone",
    )


def _during() -> rx.Component:
    return rx.el.main(
        silenced(texts=SILENCED, class_name="silenced"),
        rx.el.div(
            rx.el.div(stage(_alone(), labels=STAGE, class_name="stage", id="stage"), knocks(), class_name="stage-area"),
            *[_panel(panel) for panel in panels()],
            class_name="stage-and-panel",
        ),
        rx.el.div(
            line(
                rx.el.p("The server cannot be reached at the moment. Your call goes on; reconnecting…", role="status")
            ),
            when(
                rx.el.p("A host has to let you in again. Your call goes on.", role="status"),
                phases=["joined"],
                waiting=["lobby", "host", "full"],
            ),
            class_name="strips",
        ),
        rx.el.div(
            mute_asked(texts=ASKED, off="Switch off", keep="Keep it on", somebody="A host", class_name="asking"),
            notices(sentences=DEVICES, class_name="notices"),
            class_name="floating",
        ),
        rx.el.footer(*[control.build() for control in controls()], class_name="bar"),
        class_name="during",
    )


def _nowhere() -> rx.Component:
    return rx.el.div(
        top_bar(),
        rx.el.main(
            rx.el.h1("This room cannot be opened"),
            rx.el.p(MeetingState.refusal, role="alert", class_name="lead"),
            page_link("To your rooms", "/lobby", class_name="button primary"),
            class_name="narrow centred",
        ),
        class_name="page",
    )


def meeting() -> rx.Component:
    return rx.cond(
        MeetingState.refusal != "",
        _nowhere(),
        meeting_room(
            when(_before(), phases=["preview", "joining", "waiting"]),
            when(_during(), phases=["joined"]),
            outside(),
            room=MeetingState.code,
            on_event=MeetingState.receive,
            class_name="meeting",
        ),
    )
