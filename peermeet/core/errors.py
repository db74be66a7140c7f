"""Refusals: a code for programs, a sentence for people. The only place where either is written.

A refusal is an answer, not a failure: whoever asked gets it and nothing else changes.
"""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    # the border
    "bad_message": "That message is not understood.",
    "unknown_command": "There is no such command.",
    "too_large": "That is too large.",
    "too_many": "Too many requests. Wait a little and try again.",
    # the door of signaling
    "no_ticket": "A ticket is needed to enter a meeting.",
    "bad_ticket": "This ticket is not valid.",
    "ticket_expired": "This ticket has expired. Join again.",
    "ticket_used": "This ticket has been used already. Join again.",
    "wrong_room": "This ticket is for another room.",
    "seat_gone": "Your seat was given up. Join again.",
    # in the room
    "not_joined": "Join the room first.",
    "already_joined": "You are in the room already.",
    "room_full": "The room is full.",
    "room_locked": "The room is locked. Ask a host to open it.",
    "wrong_passcode": "This passcode is wrong.",
    "not_open_yet": "The room is not open yet. Come back later.",
    "closed": "The meeting is over: the room has closed.",
    "bad_invitation": "This invitation is not valid any more. Ask for a new one.",
    "removed": "You were removed from this meeting. A host can let you come back.",
    "banned": "You may not come back to this meeting.",
    "no_such_message": "That message is not there any more.",
    "no_such_participant": "There is nobody here by that name.",
    "not_allowed": "You may not do that here.",
    "no_relay": "This server has no relay (TURN), so a room cannot ask for one.",
    # accounts
    "not_signed_in": "Sign in first.",
    "wrong_password": "Email or password is wrong.",
    "email_taken": "There is an account with this email already. Sign in instead.",
    "bad_email": "This does not look like an email address.",
    "bad_name": "A name has 1 to 64 characters, without < or > and without invisible control characters.",
    "weak_password": "Choose a password of at least 10 characters that is hard to guess.",
    "long_password": "A password has at most 1,000 characters.",
    "too_many_attempts": "Too many wrong attempts. Wait a while and try again.",
    "foreign_origin": "This request came from another site and was refused.",
    # rooms as the store knows them
    "no_such_room": "There is no such room. The link may be mistyped, or the room was deleted.",
    "not_your_room": "Only the owner of a room may do that.",
    "bad_capacity": "That is not a number of seats that a room can have here.",
    "bad_hours": "These times do not fit: a room closes after it opens, and an invitation ends in the future.",
    "bad_passcode": "A passcode has 4 to 64 characters.",
    "bad_title": "A title has 1 to 120 characters, without < or > and without invisible control characters.",
    "unavailable": "That is not possible at the moment. Try again in a little while.",
}


class Refusal(Exception):
    """Something was asked that is not granted. ``code`` is a key of SENTENCES, ``field`` the input it is about."""

    def __init__(self, code: str, field: str | None = None) -> None:
        super().__init__(SENTENCES[code])
        self.code = code
        self.field = field

    @property
    def sentence(self) -> str:
        return SENTENCES[self.code]

    def answer(self) -> dict[str, dict[str, str]]:
        """The refusal as it travels: ``{"error": {code, message[, field]}}``."""
        error = {"code": self.code, "message": self.sentence}
        if self.field is not None:
            error["field"] = self.field
        return {"error": error}
