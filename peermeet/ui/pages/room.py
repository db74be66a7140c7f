"""The page of a room, for its owner: how it is set, who is invited, who was there."""

from __future__ import annotations

import reflex as rx

from ...browser.forms import copy_button, download_link, field_error, http_form
from ...browser.invitations import invitations
from ...browser.moment import moment, time_input
from ..frame import back, field, page, page_link, top_bar
from ..own import MeetingShown, OwnRoomState, StayShown
from ..switches import keeping, switches
from ..texts import INVITATIONS

_PASSCODE = "/api/rooms/" + OwnRoomState.code + "/passcode"


def _section(title: str, *children: rx.Component, id: str) -> rx.Component:
    return rx.el.section(
        rx.el.h2(title, id=f"{id}-heading"),
        *children,
        class_name="card setting",
        id=id,
        aria_labelledby=f"{id}-heading",
    )


def _error(*fields: str) -> list[rx.Component]:
    """What was wrong with these fields."""
    return [
        rx.el.p(OwnRoomState.errors.get(name, ""), role="alert", class_name="field-error", id=f"{name}-error")
        for name in fields
    ]


def _saved(form: str) -> rx.Component:
    return rx.el.p(rx.cond(OwnRoomState.saved == form, "Saved.", ""), role="status", class_name="done")


def _room() -> rx.Component:
    return _section(
        "Room",
        rx.el.form(
            rx.el.div(
                rx.el.label("Title", html_for="title"),
                rx.el.input(
                    id="title",
                    name="title",
                    type="text",
                    default_value=OwnRoomState.title,
                    key=OwnRoomState.title,
                    auto_complete="off",
                    max_length=120,
                    aria_describedby="title-error",
                ),
                *_error("title"),
                class_name="field",
            ),
            rx.el.div(
                rx.el.label("Seats", html_for="capacity"),
                rx.el.input(
                    id="capacity",
                    name="capacity",
                    type="number",
                    min=2,
                    max=OwnRoomState.most,
                    default_value=OwnRoomState.capacity,
                    key=OwnRoomState.capacity,
                    placeholder=OwnRoomState.most.to_string(),
                    aria_describedby="capacity-error capacity-hint",
                ),
                rx.el.small(
                    f"At most {OwnRoomState.most}. A meeting that goes on keeps the number it began with.",
                    id="capacity-hint",
                ),
                *_error("capacity"),
                class_name="field",
            ),
            rx.el.div(
                rx.el.button("Save", type="submit", class_name="button primary", id="save-room"),
                _saved("room"),
                class_name="row",
            ),
            on_submit=OwnRoomState.save,
            reset_on_submit=False,
            method="post",
            no_validate=True,
            class_name="fields",
        ),
        id="room",
    )


def _doors() -> rx.Component:
    return _section(
        "Doors",
        switches(OwnRoomState.doors, OwnRoomState.relays, OwnRoomState.set_door),
        *_error("relay_only"),
        keeping(OwnRoomState.doors["chat"], lambda kept: OwnRoomState.set_door("chat", kept)),
        id="doors",
    )


def _passcode() -> rx.Component:
    return _section(
        "Passcode",
        rx.el.p(
            rx.cond(
                OwnRoomState.passcode,
                "Who comes by the plain link says a passcode. It is kept as a hash: nobody can show it to you again.",
                "None is asked for. With one, who comes by the plain link has to say it; who is invited does not.",
            ),
            class_name="muted",
            id="passcode-now",
        ),
        rx.el.div(
            http_form(
                field(
                    rx.cond(OwnRoomState.passcode, "New passcode", "Passcode"),
                    "passcode",
                    type="password",
                    auto_complete="off",
                    max_length=64,
                    hint="4 to 64 characters.",
                ),
                field_error(class_name="field-error form-error"),
                rx.el.div(
                    rx.el.button(
                        rx.cond(OwnRoomState.passcode, "Change", "Set"),
                        type="submit",
                        class_name="button primary",
                        id="set-passcode",
                    ),
                    rx.cond(
                        OwnRoomState.passcode,
                        rx.el.button(
                            "Ask for none", type="submit", form="no-passcode", class_name="button", id="clear-passcode"
                        ),
                    ),
                    class_name="row wrap",
                ),
                method="PUT",
                action=_PASSCODE,
                done="Saved.",
                on_done=OwnRoomState.look,
                aria_label="Passcode",
            ),
            http_form(
                field_error(class_name="field-error form-error"),
                method="DELETE",
                action=_PASSCODE,
                on_done=OwnRoomState.look,
                id="no-passcode",
                class_name="silent",
            ),
            class_name="fields",
        ),
        id="passcode-setting",
    )


def _time(label: str, name: str, value: object) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=f"{name}-at"),
        time_input(id=f"{name}-at", name=name, value=value, aria_describedby=f"{name}-error"),
        *_error(name),
        class_name="field",
    )


def _hours() -> rx.Component:
    return _section(
        "Opening hours",
        rx.el.p(
            "By your own clock; an empty field sets no limit. Outside of them only hosts come in.",
            class_name="muted",
        ),
        rx.el.form(
            rx.el.div(
                _time("Opens", "opens", OwnRoomState.opens),
                _time("Closes", "closes", OwnRoomState.closes),
                class_name="pair",
            ),
            rx.el.div(
                rx.el.button("Save", type="submit", class_name="button primary", id="save-hours"),
                _saved("hours"),
                class_name="row",
            ),
            on_submit=OwnRoomState.save,
            reset_on_submit=False,
            method="post",
            no_validate=True,
            class_name="fields",
        ),
        id="hours",
    )


def _invitations() -> rx.Component:
    return _section(
        "Invitations",
        rx.el.p("Who comes by an invitation neither knocks nor needs the passcode.", class_name="muted"),
        invitations(room=OwnRoomState.code, owner=True, texts=INVITATIONS, class_name="invitation-page"),
        id="invitations",
    )


def _stay(stay: StayShown) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.cond(stay["name"] == "", rx.el.i("somebody whose account is deleted"), rx.el.bdi(stay["name"])),
            rx.el.small(
                rx.cond(stay["guest"], rx.el.span("guest")),
                rx.cond(stay["by"] > 0, rx.el.span(f"invitation no. {stay['by']}")),
                class_name="marks",
            ),
        ),
        rx.el.td(moment(at=stay["came"], as_="clock")),
        rx.el.td(rx.cond(stay["left"] > 0, stay["length"], "there now")),
    )


def _meeting(meeting: MeetingShown) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.icon("chevron-right", size=16),
            rx.el.span(moment(at=meeting["started"], as_="day"), class_name="meeting-start"),
            rx.el.small(rx.cond(meeting["ended"] > 0, meeting["length"], "goes on now")),
            type="button",
            class_name="meeting-line",
            aria_expanded=meeting["unfolded"],
            on_click=OwnRoomState.unfold(meeting["id"]),
        ),
        rx.cond(
            meeting["unfolded"],
            rx.el.table(
                rx.el.thead(rx.el.tr(rx.el.th("Who"), rx.el.th("Came"), rx.el.th("Stayed"))),
                rx.el.tbody(rx.foreach(meeting["stays"], _stay)),
                class_name="stays",
            ),
        ),
        key=meeting["id"],
    )


def _history() -> rx.Component:
    return _section(
        "History",
        rx.cond(
            OwnRoomState.meetings.length() > 0,
            rx.fragment(
                rx.el.ul(rx.foreach(OwnRoomState.meetings, _meeting), class_name="meetings"),
                rx.el.div(
                    rx.cond(
                        OwnRoomState.more,
                        rx.el.button(
                            "Show older",
                            type="button",
                            class_name="button",
                            on_click=OwnRoomState.show_more,
                            id="older",
                        ),
                    ),
                    download_link(
                        rx.icon("download", size=16),
                        "Download attendance (CSV)",
                        path="/api/rooms/" + OwnRoomState.code + "/attendance.csv",
                        class_name="button",
                        id="attendance",
                    ),
                    class_name="row wrap",
                ),
            ),
            rx.el.p("Nobody has met here yet.", class_name="muted"),
        ),
        id="history",
    )


def _delete() -> rx.Component:
    return _section(
        "Delete this room",
        rx.el.p(
            "Its link leads nowhere then. Its invitations, its chat and its history are gone, and whoever is in it now "
            "is sent away.",
            class_name="muted",
        ),
        rx.cond(
            OwnRoomState.deleting,
            rx.el.div(
                rx.el.p("Delete this room for good?"),
                rx.el.div(
                    rx.el.button(
                        "Delete",
                        type="button",
                        class_name="button danger",
                        on_click=OwnRoomState.delete,
                        auto_focus=True,
                        id="delete-for-good",
                    ),
                    rx.el.button("Keep", type="button", class_name="button", on_click=OwnRoomState.ask_delete(False)),
                    class_name="row",
                ),
                class_name="confirm",
                role="alertdialog",
                aria_label="Delete this room for good?",
            ),
            rx.el.div(
                rx.el.button(
                    "Delete room",
                    type="button",
                    class_name="button",
                    on_click=OwnRoomState.ask_delete(True),
                    id="delete-room",
                )
            ),
        ),
        id="delete",
    )


def _settings() -> rx.Component:
    return rx.el.main(
        rx.el.header(
            back("Your rooms", "/lobby"),
            rx.el.h1(OwnRoomState.title, class_name="room-heading", title=OwnRoomState.title),
            rx.el.div(
                page_link("Open", "/meet/" + OwnRoomState.code, class_name="button primary"),
                copy_button(
                    rx.icon("link", size=16),
                    "Copy the link",
                    path="/meet/" + OwnRoomState.code,
                    copied="Copied",
                    class_name="button",
                ),
                class_name="row wrap",
            ),
            class_name="room-head",
        ),
        *_error(""),
        _room(),
        _doors(),
        _passcode(),
        _hours(),
        _invitations(),
        _history(),
        _delete(),
        class_name="narrow",
    )


def _nowhere() -> rx.Component:
    return rx.el.main(
        rx.el.h1("This page is for the owner of a room"),
        rx.el.p(OwnRoomState.refusal, role="alert", class_name="lead"),
        page_link("To your rooms", "/lobby", class_name="button primary"),
        class_name="narrow centred",
    )


def room() -> rx.Component:
    return page(
        top_bar(),
        rx.cond(
            OwnRoomState.refusal != "",
            _nowhere(),
            rx.cond(
                OwnRoomState.title != "",
                _settings(),
                rx.el.main(
                    *[rx.el.div(class_name="card skeleton") for _ in range(3)], class_name="narrow", aria_hidden=True
                ),
            ),
        ),
    )
