"""Who and what the stores' tests are about, and what is asked of every store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from peermeet.store import Attendance, ChatMessage, Invitation, Meeting, RoomRecord, Store, User

# Far away, so that no server's own sweeping by its own clock comes into it.
NOW = datetime(2100, 2, 28, 23, 59, 59, 123000, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

ADA = User("u-ada", "Ada Lovelace", NOW, "Ada@Example.org", b"$2b$12$\x00\xff")
BOB = User("u-bob", "Bob", NOW, "bob@example.org", b"hash")
GUEST = User("u-guest", "Guest", NOW)
STANDUP = RoomRecord("abc-defg-hij", "Stand-up", ADA.id, NOW)
VAULT = RoomRecord(
    *("vau-ltva-ult", "Vault", ADA.id, NOW, True, True, 12, b"\x00pass\xff", NOW, NOW + DAY, True, True, "forever"),
    relay_only=True,
)
INVITATION = Invitation("i-1", b"\x00token\xff", STANDUP.code, "member", ADA.id, NOW)
MEETING = Meeting("m-1", STANDUP.code, NOW)
STAY = Attendance("a-1", MEETING.id, STANDUP.code, BOB.id, "Bob", False, INVITATION.id, NOW)
MESSAGE = ChatMessage("c-1", STANDUP.code, MEETING.id, BOB.id, "Bob", "Good morning", NOW)


def room(code: str, owner: User = ADA, created: datetime = NOW) -> RoomRecord:
    return RoomRecord(code, f"Room {code}", owner.id, created)


async def outcomes(asks: list[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*asks, return_exceptions=True)


async def a_busy_room(store: Store, room: RoomRecord = STANDUP, by: str = "") -> None:
    """Ada's room, in which Bob and a guest met by invitation and talked. ``by`` makes the ids other ones."""
    for user in (ADA, BOB, GUEST):
        if await store.user(user.id) is None:
            await store.add_user(user)
    await store.add_room(room)
    link = replace(INVITATION, id=f"i-1{by}", token_hash=b"token" + by.encode(), room=room.code)
    await store.add_invitation(link)
    await store.open_meeting(replace(MEETING, id=f"m-1{by}", room=room.code))
    for n, user in enumerate((BOB, GUEST)):
        at = NOW + n * MINUTE
        await store.note_visit(user.id, room.code, at)
        assert await store.use_invitation(link.token_hash, room.code, user.id, at)
        stay = Attendance(f"a-{n}{by}", f"m-1{by}", room.code, user.id, user.name, user.guest, link.id, at)
        await store.note_arrival(stay)
        said = ChatMessage(f"c-{n}{by}", room.code, f"m-1{by}", user.id, user.name, f"I am {user.name}", at)
        await store.add_message(said)
    await store.keep_standing(room.code, b"{}", NOW, NOW + DAY)


async def everything_in(store: Store, code: str, by: str = "") -> list[object]:
    """What is kept of the busy room, as far as one can ask."""
    return [
        *(await store.invitations_of(code)),
        *(await store.came_by(f"i-1{by}")),
        *(await store.meetings_of(code, 9)),
        *(await store.attendance_of(f"m-1{by}")),
        *(await store.messages_of(code, 9)),
        *filter(None, [await store.standing(code, NOW)]),
    ]


# Every place where text from outside reaches a store.
TEXTS: list[Callable[[Store, Any], Awaitable[object]]] = [
    lambda store, x: store.add_user(replace(ADA, id=x)),
    lambda store, x: store.add_user(replace(ADA, name=x)),
    lambda store, x: store.add_user(replace(ADA, email=x)),
    lambda store, x: store.user(x),
    lambda store, x: store.user_by_email(x),
    lambda store, x: store.rename_user(x, "Name"),
    lambda store, x: store.rename_user(BOB.id, x),
    lambda store, x: store.set_password(x, b"hash"),
    lambda store, x: store.delete_user(x),
    lambda store, x: store.add_room(replace(STANDUP, code=x)),
    lambda store, x: store.add_room(replace(STANDUP, title=x)),
    lambda store, x: store.add_room(replace(STANDUP, owner=x)),
    lambda store, x: store.add_room(replace(STANDUP, chat=x)),
    lambda store, x: store.save_room(replace(STANDUP, code=x)),
    lambda store, x: store.save_room(replace(STANDUP, title=x)),
    lambda store, x: store.save_room(replace(STANDUP, owner=x)),
    lambda store, x: store.save_room(replace(STANDUP, chat=x)),
    lambda store, x: store.room(x),
    lambda store, x: store.rooms_of(x),
    lambda store, x: store.delete_room(x, ADA.id),
    lambda store, x: store.delete_room(STANDUP.code, x),
    lambda store, x: store.note_visit(x, STANDUP.code, NOW),
    lambda store, x: store.note_visit(ADA.id, x, NOW),
    lambda store, x: store.recent_rooms(x, 9),
    lambda store, x: store.add_invitation(replace(INVITATION, id=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, room=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, role=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, made_by=x)),
    lambda store, x: store.invitations_of(x),
    lambda store, x: store.use_invitation(b"token", x, BOB.id, NOW),
    lambda store, x: store.use_invitation(b"token", STANDUP.code, x, NOW),
    lambda store, x: store.came_by(x),
    lambda store, x: store.revoke_invitation(x, STANDUP.code),
    lambda store, x: store.revoke_invitation(INVITATION.id, x),
    lambda store, x: store.open_meeting(replace(MEETING, id=x)),
    lambda store, x: store.open_meeting(replace(MEETING, room=x)),
    lambda store, x: store.close_meeting(x, NOW),
    lambda store, x: store.reopen_meeting(x),
    lambda store, x: store.note_arrival(replace(STAY, id=x)),
    lambda store, x: store.note_arrival(replace(STAY, meeting=x)),
    lambda store, x: store.note_arrival(replace(STAY, room=x)),
    lambda store, x: store.note_arrival(replace(STAY, user=x)),
    lambda store, x: store.note_arrival(replace(STAY, name=x)),
    lambda store, x: store.note_arrival(replace(STAY, invitation=x)),
    lambda store, x: store.note_departure(x, NOW),
    lambda store, x: store.close_unfinished(NOW, [x]),
    lambda store, x: store.keep_standing(x, b"{}", NOW, NOW),
    lambda store, x: store.standing(x, NOW),
    lambda store, x: store.forget_standing(x),
    lambda store, x: store.hurry_standings(NOW, [x]),
    lambda store, x: store.meetings_of(x, 9),
    lambda store, x: store.attendance_of(x),
    lambda store, x: store.add_message(replace(MESSAGE, id=x)),
    lambda store, x: store.add_message(replace(MESSAGE, room=x)),
    lambda store, x: store.add_message(replace(MESSAGE, meeting=x)),
    lambda store, x: store.add_message(replace(MESSAGE, user=x)),
    lambda store, x: store.add_message(replace(MESSAGE, name=x)),
    lambda store, x: store.add_message(replace(MESSAGE, text=x)),
    lambda store, x: store.messages_of(x, 9),
    lambda store, x: store.messages_of(STANDUP.code, 9, x),
    lambda store, x: store.delete_message(x, STANDUP.code),
    lambda store, x: store.delete_message(MESSAGE.id, x),
    lambda store, x: store.delete_messages(x),
    lambda store, x: store.revoke_session(x, NOW),
    lambda store, x: store.is_revoked(x, NOW),
    lambda store, x: store.use_ticket(x, NOW + DAY, NOW),
    lambda store, x: store.note_attempt(x, NOW, NOW + DAY),
    lambda store, x: store.attempts(x, NOW),
    lambda store, x: store.clear_attempts(x),
]

# One way of asking each thing that can be asked of a store.
CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "add_user": lambda store: store.add_user(ADA),
    "user": lambda store: store.user(ADA.id),
    "user_by_email": lambda store: store.user_by_email("ada@example.org"),
    "rename_user": lambda store: store.rename_user(ADA.id, "Ada"),
    "set_password": lambda store: store.set_password(ADA.id, b"hash"),
    "add_room": lambda store: store.add_room(STANDUP),
    "save_room": lambda store: store.save_room(STANDUP),
    "room": lambda store: store.room(STANDUP.code),
    "rooms_of": lambda store: store.rooms_of(ADA.id),
    "note_visit": lambda store: store.note_visit(ADA.id, STANDUP.code, NOW),
    "recent_rooms": lambda store: store.recent_rooms(ADA.id, 9),
    "add_invitation": lambda store: store.add_invitation(INVITATION),
    "invitations_of": lambda store: store.invitations_of(STANDUP.code),
    "use_invitation": lambda store: store.use_invitation(INVITATION.token_hash, STANDUP.code, ADA.id, NOW),
    "came_by": lambda store: store.came_by(INVITATION.id),
    "revoke_invitation": lambda store: store.revoke_invitation(INVITATION.id, STANDUP.code),
    "open_meeting": lambda store: store.open_meeting(MEETING),
    "note_arrival": lambda store: store.note_arrival(STAY),
    "note_departure": lambda store: store.note_departure(STAY.id, NOW),
    "reopen_meeting": lambda store: store.reopen_meeting(MEETING.id),
    "close_meeting": lambda store: store.close_meeting(MEETING.id, NOW),
    "close_unfinished": lambda store: store.close_unfinished(NOW),
    "close_unfinished but for some": lambda store: store.close_unfinished(NOW, [MEETING.id, "m-9"]),
    "keep_standing": lambda store: store.keep_standing(STANDUP.code, b"{}", NOW, NOW + DAY),
    "standing": lambda store: store.standing(STANDUP.code, NOW),
    "hurry_standings": lambda store: store.hurry_standings(NOW, [STANDUP.code]),
    "forget_standing": lambda store: store.forget_standing(STANDUP.code),
    "meetings_of": lambda store: store.meetings_of(STANDUP.code, 9),
    "attendance_of": lambda store: store.attendance_of(MEETING.id),
    "add_message": lambda store: store.add_message(MESSAGE),
    "messages_of": lambda store: store.messages_of(STANDUP.code, 9),
    "messages_of a meeting": lambda store: store.messages_of(STANDUP.code, 9, MEETING.id),
    "delete_message": lambda store: store.delete_message(MESSAGE.id, STANDUP.code),
    "delete_messages": lambda store: store.delete_messages(STANDUP.code),
    "revoke_session": lambda store: store.revoke_session("j", NOW + DAY),
    "is_revoked": lambda store: store.is_revoked("j", NOW),
    "use_ticket": lambda store: store.use_ticket("t", NOW + DAY, NOW),
    "note_attempt": lambda store: store.note_attempt("k", NOW, NOW + DAY),
    "attempts": lambda store: store.attempts("k", NOW),
    "clear_attempts": lambda store: store.clear_attempts("k"),
    "purge": lambda store: store.purge(NOW),
    "delete_room": lambda store: store.delete_room(STANDUP.code, ADA.id),
    "delete_user": lambda store: store.delete_user(ADA.id),
    "delete_guests": lambda store: store.delete_guests(NOW),
}

# Every place where bytes come in, a truth, a number or a time.
BYTES: list[Callable[[Store, Any], Awaitable[object]]] = [
    lambda store, x: store.add_user(replace(ADA, password_hash=x)),
    lambda store, x: store.set_password(BOB.id, x),
    lambda store, x: store.add_room(replace(STANDUP, code="new", passcode_hash=x)),
    lambda store, x: store.save_room(replace(STANDUP, passcode_hash=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, token_hash=x)),
    lambda store, x: store.use_invitation(x, STANDUP.code, BOB.id, NOW),
    lambda store, x: store.keep_standing(STANDUP.code, x, NOW, NOW),
]
TRUTHS: list[Callable[[Store, Any], Awaitable[object]]] = [
    lambda store, x: store.save_room(replace(STANDUP, lobby=x)),
    lambda store, x: store.save_room(replace(STANDUP, locked=x)),
    lambda store, x: store.save_room(replace(STANDUP, wait_for_host=x)),
    lambda store, x: store.save_room(replace(STANDUP, one_device=x)),
    lambda store, x: store.save_room(replace(STANDUP, relay_only=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, revoked=x)),
    lambda store, x: store.note_arrival(replace(STAY, guest=x)),
]
NUMBERS: list[Callable[[Store, Any], Awaitable[object]]] = [
    lambda store, x: store.save_room(replace(STANDUP, capacity=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, uses=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, used=x)),
]
TIMES: list[Callable[[Store, Any], Awaitable[object]]] = [
    lambda store, x: store.add_user(replace(ADA, created=x)),
    lambda store, x: store.delete_guests(x),
    lambda store, x: store.add_room(replace(STANDUP, code="new", created=x)),
    lambda store, x: store.save_room(replace(STANDUP, opens=x)),
    lambda store, x: store.save_room(replace(STANDUP, closes=x)),
    lambda store, x: store.note_visit(GUEST.id, STANDUP.code, x),
    lambda store, x: store.add_invitation(replace(INVITATION, created=x)),
    lambda store, x: store.add_invitation(replace(INVITATION, expires=x)),
    lambda store, x: store.use_invitation(b"token", STANDUP.code, GUEST.id, x),
    lambda store, x: store.open_meeting(replace(MEETING, started=x)),
    lambda store, x: store.open_meeting(replace(MEETING, ended=x)),
    lambda store, x: store.close_meeting(MEETING.id, x),
    lambda store, x: store.close_unfinished(x),
    lambda store, x: store.keep_standing(STANDUP.code, b"{}", x, NOW),
    lambda store, x: store.keep_standing(STANDUP.code, b"{}", NOW, x),
    lambda store, x: store.standing(STANDUP.code, x),
    lambda store, x: store.hurry_standings(x),
    lambda store, x: store.note_arrival(replace(STAY, came=x)),
    lambda store, x: store.note_arrival(replace(STAY, left=x)),
    lambda store, x: store.note_departure(STAY.id, x),
    lambda store, x: store.add_message(replace(MESSAGE, at=x)),
    lambda store, x: store.revoke_session("j", x),
    lambda store, x: store.is_revoked("j", x),
    lambda store, x: store.use_ticket("t", x, NOW),
    lambda store, x: store.use_ticket("t", NOW, x),
    lambda store, x: store.note_attempt("k", x, NOW),
    lambda store, x: store.note_attempt("k", NOW, x),
    lambda store, x: store.attempts("k", x),
    lambda store, x: store.purge(x),
]
