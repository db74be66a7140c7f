"""What is remembered, one record for each noun. Records are values: frozen, compared by what they hold.

The annotations are the schema's types too: ``values.kept`` holds every field to its own. Ids, codes and times are
handed in; every hash is made by the caller, and what was hashed never comes here. A field added later has a
default, for it is missing in what was written before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

# How long a room keeps its chat.
ChatMemory = Literal["off", "meeting", "forever"]


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
    """What is remembered of a room while nobody meets in it. ``owner`` is a user's id.

    ``capacity`` None is the server's own; ``opens`` and ``closes`` None are always open.
    """

    code: str
    title: str
    owner: str
    created: datetime
    lobby: bool = False
    locked: bool = False
    capacity: int | None = None
    passcode_hash: bytes | None = None
    opens: datetime | None = None
    closes: datetime | None = None
    wait_for_host: bool = False
    one_device: bool = False
    chat: ChatMemory = "meeting"
    relay_only: bool = False


@dataclass(frozen=True, slots=True)
class RecentRoom:
    """A room that a user has been in, and when last."""

    room: RoomRecord
    last_visit: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link into a room. ``uses`` is how many people it lets in, all told; ``used`` is how many it has.

    ``used`` never goes back, not even when one of them deletes their account: an invitation for one person
    would otherwise be one for everybody who deletes theirs in time.
    """

    id: str
    token_hash: bytes
    room: str
    role: str
    made_by: str
    created: datetime
    expires: datetime | None = None
    uses: int | None = None
    used: int = 0
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Meeting:
    """From the first person's coming to the last one's leaving; ``ended`` None is still going on."""

    id: str
    room: str
    started: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """One stay of one person in a meeting. ``user`` and ``name`` are "" once the account is deleted."""

    id: str
    meeting: str
    room: str
    user: str
    name: str
    guest: bool
    invitation: str | None
    came: datetime
    left: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What somebody wrote to all, and the name they had then."""

    id: str
    room: str
    meeting: str
    user: str
    name: str
    text: str
    at: datetime
