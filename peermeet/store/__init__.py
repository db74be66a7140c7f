"""What PeerMeet remembers: users, rooms, invitations, meetings, chat, and which keys are spent.

Here live the ``Store`` protocol in the product's words and the few ways in which a store may refuse; the records
are in ``records.py``. No engine, no query, no clock and no randomness: ids, codes and times are handed in.
``sqlite`` and ``mongo`` keep the promises; ``tests/store/test_contract.py`` holds both to them. Ask for the
narrowest of the protocols that you use.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from .records import (
    Attendance,
    ChatMemory,
    ChatMessage,
    Invitation,
    Meeting,
    RecentRoom,
    RoomRecord,
    User,
)
from .values import folded, kept, octets, text, utc

__all__ = [
    "Accounts",
    "Attendance",
    "Chat",
    "ChatMemory",
    "ChatMessage",
    "Invitation",
    "Invitations",
    "Keys",
    "Meeting",
    "Meetings",
    "NewerSchema",
    "RecentRoom",
    "RoomRecord",
    "Rooms",
    "Standings",
    "Store",
    "Taken",
    "Unavailable",
    "User",
    "folded",
    "kept",
    "octets",
    "text",
    "utc",
]


class Taken(Exception):
    """Somebody was first. ``field`` says with what: ``email``, ``code``, ``token_hash`` or ``id``."""

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


class Accounts(Protocol):
    """Who there is."""

    async def add_user(self, user: User) -> None:
        """Opens an account. Of all who ask for one email at once, in any case, one gets it.

        Raises ``Taken("email")``, or ``Taken("id")`` for an id handed out twice.
        """

    async def user(self, id: str) -> User | None: ...

    async def user_by_email(self, email: str) -> User | None:
        """Finds an account by its email in any case."""

    async def rename_user(self, id: str, name: str) -> bool:
        """Whether there is such a user. What they wrote and where they were keeps the name they had."""

    async def set_password(self, id: str, password_hash: bytes) -> bool:
        """Whether there is such an account; a guest has no password to set."""

    async def delete_user(self, id: str) -> None:
        """Deletes the account with everything that is theirs: their rooms with everything in them, their visits,
        their chat messages and their uses of invitations. Attendance lists and invitations in other people's
        rooms stay, with "" for their id and name.

        From the first moment nobody signs in to the account any more; a deletion that a crash cut short is
        finished by the next ``purge``, or by asking again. End the user's sessions and seats first: what is
        written in their name later stays.
        """

    async def delete_guests(self, before: datetime) -> int:
        """Deletes guests created before then who own no room, with their visits; says how many. What they wrote
        and the meetings they were in are a room's memory, and stay.

        A guest deleted while signed in leaves a session without a user: go back further than a session lasts.
        """


class Rooms(Protocol):
    """Where people meet, and who was there."""

    async def add_room(self, room: RoomRecord) -> None:
        """Raises ``Taken("code")``."""

    async def save_room(self, room: RoomRecord) -> bool:
        """Replaces title and settings of the room with this code and owner; whether there is one."""

    async def room(self, code: str) -> RoomRecord | None: ...

    async def rooms_of(self, owner: str) -> list[RoomRecord]:
        """The rooms of a user, newest first."""

    async def delete_room(self, code: str, owner: str) -> bool:
        """Deletes the room with everything in it if ``owner`` owns it; whether it did."""

    async def note_visit(self, user: str, code: str, at: datetime) -> None:
        """Remembers a user's last visit to a room. An earlier one changes nothing; neither does one of a user
        or to a room that is not there."""

    async def recent_rooms(self, user: str, limit: int) -> list[RecentRoom]:
        """The rooms a user has been in, last visit first, at most ``limit``; deleted ones do not count."""


class Invitations(Protocol):
    """Links into rooms, and who came by them."""

    async def add_invitation(self, invitation: Invitation) -> None:
        """Raises ``Taken("id")`` or ``Taken("token_hash")``. For a room that is not there nothing is kept."""

    async def invitations_of(self, room: str) -> list[Invitation]:
        """All that were ever made for a room, newest first."""

    async def use_invitation(self, token_hash: bytes, room: str, user: str, now: datetime) -> Invitation | None:
        """Lets a user in: the invitation as it is afterwards, or None.

        It must be for that room, not revoked, not over by ``now``, and have a use left or have let this user in
        before: who comes again uses nothing more. Of all who ask at once no more get in than it has uses.
        """

    async def came_by(self, invitation: str) -> list[tuple[str, datetime]]:
        """The ids of the users it let in and when first, in that order."""

    async def revoke_invitation(self, id: str, room: str) -> bool:
        """Ends it for everybody, those who came by it before included; whether it had not been ended yet."""


class Meetings(Protocol):
    """What happened in a room. Of a room that is not there nothing is kept."""

    async def open_meeting(self, meeting: Meeting) -> None:
        """Raises ``Taken("id")``."""

    async def reopen_meeting(self, id: str) -> None:
        """Lets a meeting go on that was closed: somebody came back before it was over."""

    async def close_meeting(self, id: str, at: datetime) -> None:
        """Ends a meeting and every stay in it that is still open. What has ended keeps its end."""

    async def close_unfinished(self, at: datetime, going_on: Collection[str] = ()) -> None:
        """Ends all meetings begun by then and all stays in them that nobody ended, for after a crash; but for the
        meetings that other servers have going on."""

    async def note_arrival(self, attendance: Attendance) -> None:
        """Raises ``Taken("id")``."""

    async def note_departure(self, id: str, at: datetime) -> None:
        """Ends one stay, by the attendance's id. What has ended keeps its end."""

    async def meetings_of(self, room: str, limit: int) -> list[Meeting]:
        """The meetings of a room, newest first, at most ``limit``."""

    async def attendance_of(self, meeting: str) -> list[Attendance]:
        """Who was in a meeting, in the order of their coming."""


class Standings(Protocol):
    """How meetings stand that go on, for whoever opens their rooms anew. Of a room that is not there nothing is
    kept."""

    async def keep_standing(self, room: str, value: bytes, at: datetime, until: datetime) -> None:
        """Replaces what is kept of a room unless that is of a later time than ``at``; kept until then."""

    async def standing(self, room: str, now: datetime) -> bytes | None: ...

    async def forget_standing(self, room: str) -> None: ...

    async def hurry_standings(self, until: datetime, going_on: Collection[str] = ()) -> None:
        """Keeps no standing for longer than until then, for after a crash; but for the rooms named."""


class Chat(Protocol):
    """What was written in a room. Of a room that is not there nothing is kept."""

    async def add_message(self, message: ChatMessage) -> None:
        """Raises ``Taken("id")``."""

    async def messages_of(self, room: str, limit: int, meeting: str | None = None) -> list[ChatMessage]:
        """The newest ``limit`` messages of a room, or of one meeting in it, oldest first."""

    async def delete_message(self, id: str, room: str) -> bool: ...

    async def delete_messages(self, room: str) -> int:
        """Deletes all messages of a room; says how many."""


class Keys(Protocol):
    """Which keys are spent, and who has tried wrong ones."""

    async def revoke_session(self, jti: str, until: datetime) -> None:
        """Ends a session early. ``until`` is when it would have ended by itself; then it is forgotten."""

    async def is_revoked(self, jti: str, now: datetime) -> bool: ...

    async def use_ticket(self, jti: str, until: datetime, now: datetime) -> bool:
        """True once for each ``jti``, however many ask at once, and never from ``until`` on."""

    async def note_attempt(self, key: str, at: datetime, until: datetime) -> None:
        """Remembers one attempt, at a password, say, until then. ``key`` is the caller's word for who at what."""

    async def attempts(self, key: str, since: datetime) -> int:
        """How many there were from ``since`` on; ask for no longer ago than they are remembered."""

    async def clear_attempts(self, key: str) -> None: ...

    async def purge(self, now: datetime) -> None:
        """Forgets revoked sessions, used tickets, attempts and standings whose time is over by ``now``, and
        finishes deletions that a crash cut short."""


class Store(Accounts, Rooms, Invitations, Meetings, Standings, Chat, Keys, Protocol):
    """The memory of a server.

    True of every method: it may raise ``Unavailable``; a value of another type than the one asked for raises
    ``TypeError`` before it gets near the engine, text that UTF-8 cannot hold and times without a zone raise
    ``ValueError``. Times come back in UTC, cut to the millisecond. A list's ties are in the order of ids.
    Whatever has returned is on disk.
    """

    async def close(self) -> None:
        """Lets go of the engine. The store is not to be asked anything after that."""
