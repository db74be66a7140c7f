"""What PeerMeet remembers: users, rooms, who was where, and which keys are spent.

Here live the records, the ``Store`` protocol in the product's words, and the few ways in which a store may
refuse. No engine, no query, no clock and no randomness: ids, codes and times are handed in. ``sqlite.py`` and
``mongo.py`` keep the promises; ``tests/store/test_contract.py`` holds both to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class User:
    """An account; a guest is a user without email and password."""

    id: str
    name: str
    created: datetime
    email: str | None = None
    password_hash: bytes | None = None

    @property
    def guest(self) -> bool:
        return self.email is None


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """What is remembered of a room while nobody meets in it. ``owner`` is a user's id."""

    code: str
    title: str
    owner: str
    created: datetime


@dataclass(frozen=True, slots=True)
class RecentRoom:
    """A room that a user has been in, and when last."""

    room: RoomRecord
    last_visit: datetime


class Taken(Exception):
    """Somebody was first. ``field`` says with what: ``email``, ``code`` or ``id``."""

    def __init__(self, field: str) -> None:
        super().__init__(f"This {field} is taken.")
        self.field = field


class Unavailable(Exception):
    """The engine does not answer or cannot write now; its own error is the ``__cause__``."""

    def __init__(self) -> None:
        super().__init__("The store is not available.")


class NewerSchema(Exception):
    """The data were written by a later PeerMeet; going on would damage them."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"The stored data have schema version {found}, but this PeerMeet knows versions up to {known}. "
            "Start the newer PeerMeet again, or restore a backup."
        )


class Store(Protocol):
    """The memory of a server.

    True of every method: it may raise ``Unavailable``; text that is no ``str`` raises ``TypeError`` before it
    gets near the engine, text that UTF-8 cannot hold and times without a zone raise ``ValueError``. Times
    come back in UTC, cut to the millisecond. Whatever has returned is on disk.
    """

    async def add_user(self, user: User) -> None:
        """Opens an account. Of all who ask for one email at once, in any case, one gets it.

        Raises ``Taken("email")``, or ``Taken("id")`` for an id handed out twice.
        """

    async def user(self, id: str) -> User | None: ...

    async def user_by_email(self, email: str) -> User | None:
        """Finds an account by its email in any case."""

    async def add_room(self, room: RoomRecord) -> None:
        """Raises ``Taken("code")``."""

    async def room(self, code: str) -> RoomRecord | None: ...

    async def rooms_of(self, owner: str) -> list[RoomRecord]:
        """The rooms of a user, newest first."""

    async def delete_room(self, code: str, owner: str) -> bool:
        """Deletes the room and its visits if ``owner`` owns it; whether it did."""

    async def note_visit(self, user: str, code: str, at: datetime) -> None:
        """Remembers a user's last visit to a room. An earlier one changes nothing; neither does one of a user
        or to a room that is not there."""

    async def recent_rooms(self, user: str, limit: int) -> list[RecentRoom]:
        """The rooms a user has been in, last visit first, at most ``limit``; deleted ones do not count."""

    async def revoke_session(self, jti: str, until: datetime) -> None:
        """Ends a session early. ``until`` is when it would have ended by itself; then it is forgotten."""

    async def is_revoked(self, jti: str, now: datetime) -> bool: ...

    async def use_ticket(self, jti: str, until: datetime, now: datetime) -> bool:
        """True once for each ``jti``, however many ask at once, and never from ``until`` on."""

    async def purge(self, now: datetime) -> None:
        """Forgets revoked sessions and used tickets whose time is over by ``now``."""

    async def delete_guests(self, before: datetime) -> int:
        """Deletes guests created before then who own no room, with their visits; says how many.

        A guest deleted while signed in leaves a session without a user: go back further than a session lasts.
        """

    async def close(self) -> None:
        """Lets go of the engine. The store is not to be asked anything after that."""


def text(*values: object) -> None:
    """Refuses what is not text: ``{"$ne": None}`` from a request must never become part of a filter."""
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"text is wanted here, not {type(value).__name__}")
        value.encode()  # a lone surrogate fails here, in the same way for every engine


def utc(at: datetime) -> datetime:
    """The time as every engine keeps it. Without a zone it would be somebody's guess, so it is refused."""
    if at.utcoffset() is None:
        raise ValueError("a time needs its zone")
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def folded(email: str) -> str:
    """The form in which emails are compared. Lower case and no further: ``casefold`` would take straße for
    strasse, and these are two mailboxes."""
    return email.lower()
