"""The indexes, one for each question that is asked, and the schema's version.

Making an index that is there does nothing, so any process may ask for all of them at any time.
"""

from __future__ import annotations

from pymongo import IndexModel

# 2 and 3 added collections and fields; a field that is missing has its default, so old documents are read as they are.
SCHEMA = 3
# The server sweeps by its own clock, and a used ticket swept too early could be used again: its clock and ours
# may disagree by this many seconds.
SWEEP_LATE = 3600


def _by(*fields: str, **options: object) -> IndexModel:
    """An index by these fields; a minus before one is its descending order."""
    return IndexModel([(field.removeprefix("-"), -1 if field[0] == "-" else 1) for field in fields], **options)


INDEXES: dict[str, list[IndexModel]] = {
    "users": [_by("email_lc", unique=True, sparse=True), _by("created")],
    "rooms": [_by("owner", "-created")],
    "visits": [_by("user", "code", unique=True), _by("user", "-at"), _by("code")],
    "invitations": [_by("token_hash", unique=True), _by("room", "-created", "_id"), _by("made_by")],
    "invitation_uses": [
        _by("invitation", "user", unique=True),  # a person counts once,
        _by("invitation", "place", unique=True),  # and a place takes one person: see ``use_invitation``
        _by("user"),
        _by("room"),
    ],
    "meetings": [_by("room", "-started", "_id"), _by("ended")],
    "attendance": [_by("meeting", "came", "_id"), _by("room"), _by("user"), _by("left")],
    "standings": [_by("until", expireAfterSeconds=SWEEP_LATE)],
    "messages": [_by("room", "-at", "-_id"), _by("room", "meeting", "-at", "-_id"), _by("user")],
    "revoked_sessions": [_by("until", expireAfterSeconds=SWEEP_LATE)],
    "used_tickets": [_by("until", expireAfterSeconds=SWEEP_LATE)],
    "attempts": [_by("key", "at"), _by("until", expireAfterSeconds=SWEEP_LATE)],
}
