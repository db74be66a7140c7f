"""What people write to each other: to everybody, or to one. What is kept of it for latecomers, the room decides."""

from __future__ import annotations

import reflex as rx

from ...browser.chat import composer
from ...browser.menu import menu, menu_button, menu_items
from ...browser.moment import moment
from ...core.commands import CHAT_LENGTH
from ...extend import command, panel
from ..state import MeetingState
from ..talk import Line, Part

_KEPT = {
    "off": "Nothing is kept: who comes later does not see it.",
    "meeting": "Kept for who comes later, until the meeting is over.",
    "forever": "Kept with the room.",
}


def _part(part: Part) -> rx.Component:
    """Text is text; only addresses of the web are links, and they learn nothing of this page."""
    return rx.cond(
        part["link"] != "",
        rx.el.a(part["text"], href=part["link"], target="_blank", rel="noopener noreferrer nofollow"),
        rx.el.span(part["text"]),
    )


def _head(line: Line) -> rx.Component:
    return rx.el.div(
        rx.el.bdi(rx.cond(line["mine"], "You", line["name"]), class_name="ellipsis"),
        rx.cond(
            line["private"],
            rx.el.small(
                rx.icon("lock", size=12, aria_hidden=True),
                rx.cond(line["mine"], rx.fragment("to ", rx.el.bdi(line["to"])), "to you alone"),
                class_name="private",
            ),
        ),
        moment(at=line["at"]),
        class_name="line-head",
    )


def _line(line: Line) -> rx.Component:
    return rx.el.li(
        rx.cond(line["first"], _head(line)),
        rx.el.div(
            rx.el.p(rx.foreach(line["parts"], _part)),
            rx.cond(
                line["deletable"],
                rx.el.button(
                    rx.icon("trash-2", size=14),
                    type="button",
                    class_name="button quiet small line-delete",
                    aria_label="Delete this message for everybody",
                    title="Delete",
                    on_click=command("delete_message", id=line["id"]),
                ),
            ),
            class_name="line-text",
        ),
        class_name="line",
        data_mine=line["mine"],
        data_private=line["private"],
        data_first=line["first"],
        key=line["id"],
    )


def _delete_all() -> rx.Component:
    return menu(
        menu_button(rx.icon("trash-2", size=14), "Delete all", class_name="button quiet small"),
        menu_items(
            rx.el.p("Delete all messages, for everybody?"),
            rx.el.button("Delete all", type="button", class_name="button danger", on_click=command("delete_message")),
            rx.el.button("Keep", type="button", class_name="button"),
            class_name="menu-items ask",
            aria_label="Delete all messages",
        ),
    )


@panel("chat", title="Chat", icon="message-circle", badge=MeetingState.unread)
def chat() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.small(rx.match(MeetingState.doors["chat"], *_KEPT.items(), "")),
            rx.cond(MeetingState.hosting & (MeetingState.chat.length() > 0), _delete_all()),
            class_name="row chat-note",
        ),
        rx.el.div(  # turned over, so that it stays at its end by itself
            rx.el.div(
                rx.cond(
                    MeetingState.earlier,
                    rx.el.button(
                        "Show earlier messages",
                        type="button",
                        class_name="button small",
                        on_click=MeetingState.show_earlier,
                    ),
                ),
                rx.cond(
                    MeetingState.chat.length() > 0,
                    rx.el.ul(rx.foreach(MeetingState.chat, _line)),
                    rx.el.p("Nobody has written anything yet.", class_name="muted"),
                ),
            ),
            class_name="lines",
            role="log",
            aria_label="Messages",
            tab_index=0,
        ),
        composer(
            rx.icon("send-horizontal", size=18),
            to=MeetingState.to,
            chosen=MeetingState.chosen,
            placeholder="Write a message",
            label_to="To",
            label_everybody="Everybody",
            label_gone="Whom you write to is not here any more. Choose somebody else.",
            label_send="Send",
            longest=CHAT_LENGTH,
            class_name="composer",
        ),
        class_name="chat",
    )
