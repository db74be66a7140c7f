"""What people say to each other, and what of it is kept for latecomers. Pure, as `room.py` is, which asks it."""

from __future__ import annotations

import msgspec

from .commands import CHAT, CHAT_LENGTH, CHAT_LINES, VALUE_BYTES, SendMessage
from .errors import Refusal
from .events import MessageDeleted, MessageSent
from .model import Message, Participant, Room
from .permissions import seated


def send(room: Room, me: Participant, command: SendMessage) -> tuple[MessageSent, ...]:
    if command.to is not None:
        seated(room, command.to)
    bounded(command.data)
    if command.topic == CHAT:
        text = _text(command.data)
        if text is None or not text.strip():
            raise Refusal("bad_message")
        if len(text) > CHAT_LENGTH:
            raise Refusal("too_large")
    return (MessageSent(me.id, command.topic, command.data, command.to, command.stamp, command.now),)


def kept(room: Room, event: MessageSent) -> tuple[Message, ...]:
    """Return the history after a message: a line more, if it is one of the chat and for all."""
    text = _text(event.data)
    by = room.find(event.by)
    if event.topic != CHAT or event.to is not None or text is None or by is None or room.doors.chat == "off":
        return room.history
    if any(m.id == event.id for m in room.history):
        return room.history
    return (*room.history, Message(event.id, by.id, by.user, by.name, text, event.at))[-CHAT_LINES:]


def delete(room: Room, me: Participant, id: str | None) -> tuple[MessageDeleted, ...]:
    line = next((m for m in room.history if m.id == id), None)
    if id is not None and line is None:
        raise Refusal("no_such_message")
    if me.role != "host" and (line is None or line.user != me.user):
        raise Refusal("not_allowed")
    return (MessageDeleted(id),)


def bounded(value: object) -> None:
    """Raise `Refusal` if a value is more than everybody in the room should be told."""
    if len(msgspec.json.encode(value)) > VALUE_BYTES:
        raise Refusal("too_large")


def _text(data: object) -> str | None:
    """Return what a line of the chat says, or None if it has another shape than ``{"text": "..."}``."""
    text = data.get("text") if isinstance(data, dict) and len(data) == 1 else None
    return text if isinstance(text, str) else None
