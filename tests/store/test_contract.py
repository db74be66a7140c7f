"""What every store promises of accounts, rooms, keys and values; ``test_history.py`` has what happens in rooms.

Nothing here knows which engine it talks to.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from peermeet.store import (
    Attendance,
    ChatMessage,
    Invitation,
    Meeting,
    NewerSchema,
    RecentRoom,
    RoomRecord,
    Store,
    Taken,
    Unavailable,
    User,
)

from .conftest import Engine
from .samples import (
    ADA,
    BOB,
    BYTES,
    DAY,
    GUEST,
    INVITATION,
    MEETING,
    MESSAGE,
    MILLISECOND,
    MINUTE,
    NOW,
    NUMBERS,
    STANDUP,
    STAY,
    TEXTS,
    TIMES,
    TRUTHS,
    VAULT,
    a_busy_room,
    everything_in,
    outcomes,
    room,
)

STRANGE = [
    *("{'$ne': None}", '{"$gt": ""}', "$where", "$name.first", ".", "a.b.c", "_id"),
    *("nul\x00in the middle", "\x00", "", " ", "'; DROP TABLE users; --", "%", "?", ":name", "\\", "\n\r\t"),
    *("Żółć", "名前", "نام", "👩‍👩‍👧‍👦", "\u202e", "e\u0301", "\U0010ffff", "x" * 10_000),
]


# users


async def test_an_account_is_found_by_id_and_by_email_in_any_case(store: Store) -> None:
    await store.add_user(ADA)
    assert await store.user("u-ada") == ADA
    for email in ("Ada@Example.org", "ada@example.org", "ADA@EXAMPLE.ORG"):
        assert await store.user_by_email(email) == ADA
    assert not ADA.guest


async def test_nobody_is_found_where_nobody_is(store: Store) -> None:
    await store.add_user(GUEST)
    assert await store.user("u-ada") is None
    for email in ("ada@example.org", "", "None", "null"):
        assert await store.user_by_email(email) is None


async def test_an_email_is_taken_in_any_case(store: Store) -> None:
    await store.add_user(ADA)
    with pytest.raises(Taken) as taken:
        await store.add_user(replace(BOB, email="aDA@eXAMPLE.ORG"))
    assert taken.value.field == "email"
    assert await store.user(BOB.id) is None
    assert await store.user_by_email("ada@example.org") == ADA


async def test_other_letters_are_other_mailboxes(store: Store) -> None:
    await store.add_user(replace(ADA, email="a@straße.example"))
    await store.add_user(replace(BOB, email="a@strasse.example"))
    found = await store.user_by_email("A@STRASSE.example")
    assert found is not None
    assert found.id == BOB.id


async def test_emails_in_other_scripts_have_cases_too(store: Store) -> None:
    await store.add_user(replace(ADA, email="Ünal@Пример.example"))
    assert await store.user_by_email("üNAL@пРИМЕР.example") is not None


async def test_an_id_is_handed_out_once(store: Store) -> None:
    await store.add_user(ADA)
    for other in (replace(BOB, id=ADA.id), replace(GUEST, id=ADA.id)):
        with pytest.raises(Taken) as taken:
            await store.add_user(other)
        assert taken.value.field == "id"
    assert await store.user(ADA.id) == ADA


async def test_there_are_as_many_guests_as_come(store: Store) -> None:
    guests = [User(f"g{n}", "Guest", NOW) for n in range(20)]
    await asyncio.gather(*(store.add_user(guest) for guest in guests))
    assert [await store.user(guest.id) for guest in guests] == guests
    assert all(guest.guest for guest in guests)


async def test_twenty_at_once_with_one_email_make_one_account(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    asks = [replace(ADA, id=f"u{n}", email=("ada@x.org", "ADA@X.ORG")[n % 2]) for n in range(20)]
    answers = await outcomes([stores[n // 2 % 2].add_user(user) for n, user in enumerate(asks)])
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["Taken"] * 19
    assert {answer.field for answer in answers if answer is not None} == {"email"}
    winner = asks[answers.index(None)]
    assert await stores[0].user_by_email("ada@x.org") == winner
    assert [user.id for user in asks if await stores[1].user(user.id)] == [winner.id]


async def test_a_new_name_is_the_only_change(store: Store) -> None:
    await store.add_user(ADA)
    await store.add_user(GUEST)
    assert await store.rename_user(ADA.id, "Countess")
    assert await store.rename_user(GUEST.id, "Bob's aunt")
    assert await store.user(ADA.id) == await store.user_by_email("ada@example.org") == replace(ADA, name="Countess")
    assert await store.user(GUEST.id) == replace(GUEST, name="Bob's aunt")
    assert not await store.rename_user("u-nobody", "Somebody")
    assert await store.user("u-nobody") is None


async def test_a_new_password_is_for_accounts_only(store: Store) -> None:
    await store.add_user(ADA)
    await store.add_user(GUEST)
    assert await store.set_password(ADA.id, b"\x00other\xff")
    assert await store.user_by_email("ada@example.org") == replace(ADA, password_hash=b"\x00other\xff")
    assert not await store.set_password(GUEST.id, b"hash")
    assert await store.user(GUEST.id) == GUEST
    assert not await store.set_password("u-nobody", b"hash")


# rooms


async def test_a_room_keeps_its_settings(store: Store) -> None:
    await store.add_room(VAULT)
    assert await store.room(VAULT.code) == VAULT
    assert await store.rooms_of(ADA.id) == [VAULT]
    assert (await store.room(VAULT.code)) != STANDUP


async def test_saving_replaces_all_but_code_owner_and_birth(store: Store) -> None:
    await store.add_room(STANDUP)
    assert await store.save_room(replace(VAULT, code=STANDUP.code, created=NOW - DAY))
    assert await store.room(STANDUP.code) == replace(VAULT, code=STANDUP.code)
    assert await store.save_room(STANDUP)
    assert await store.room(STANDUP.code) == STANDUP


async def test_only_its_owner_saves_a_room(store: Store) -> None:
    await store.add_room(STANDUP)
    assert not await store.save_room(replace(VAULT, code=STANDUP.code, owner=BOB.id))
    assert not await store.save_room(VAULT)
    assert await store.room(STANDUP.code) == STANDUP
    assert await store.room(VAULT.code) is None


async def test_a_room_is_found_by_its_code_and_by_no_other(store: Store) -> None:
    await store.add_room(STANDUP)
    assert await store.room("abc-defg-hij") == STANDUP
    for code in ("ABC-DEFG-HIJ", "abc-defg-hi", "abc-defg-hij ", "", "%"):
        assert await store.room(code) is None


async def test_a_code_is_taken_once(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    asks = [room("same", User(f"u{n}", "?", NOW)) for n in range(20)]
    answers = await outcomes([stores[n % 2].add_room(ask) for n, ask in enumerate(asks)])
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["Taken"] * 19
    assert {answer.field for answer in answers if answer is not None} == {"code"}
    assert await stores[0].room("same") == asks[answers.index(None)]


async def test_rooms_of_an_owner_are_listed_newest_first(store: Store) -> None:
    old, new, newest = room("z", created=NOW - DAY), room("b"), room("a", created=NOW + MILLISECOND)
    twin = room("c")  # as new as "b": then the code decides, so that a list never jumps about
    for record in (new, newest, twin, old, room("bobs", BOB)):
        await store.add_room(record)
    assert await store.rooms_of(ADA.id) == [newest, new, twin, old]
    assert await store.rooms_of("u-nobody") == []


async def test_only_its_owner_deletes_a_room_and_only_once(store: Store) -> None:
    await store.add_room(STANDUP)
    assert not await store.delete_room(STANDUP.code, BOB.id)
    assert not await store.delete_room(STANDUP.code, "")
    assert await store.room(STANDUP.code) == STANDUP
    answers = await asyncio.gather(*(store.delete_room(STANDUP.code, ADA.id) for _ in range(20)))
    assert sorted(answers) == [False] * 19 + [True]
    assert await store.room(STANDUP.code) is None
    assert await store.rooms_of(ADA.id) == []


# visits


async def test_recent_rooms_come_last_visit_first_and_bounded(store: Store) -> None:
    await store.add_user(BOB)
    rooms = [room(f"r{n}") for n in range(5)]
    for n, record in enumerate(rooms):
        await store.add_room(record)
        await store.note_visit(BOB.id, record.code, NOW + n * MINUTE)
    await store.note_visit(BOB.id, "r1", NOW + DAY)
    recent = await store.recent_rooms(BOB.id, 3)
    assert recent == [
        RecentRoom(rooms[1], NOW + DAY),
        RecentRoom(rooms[4], NOW + 4 * MINUTE),
        RecentRoom(rooms[3], NOW + 3 * MINUTE),
    ]
    assert len(await store.recent_rooms(BOB.id, 100)) == 5
    assert await store.recent_rooms(BOB.id, 0) == []
    assert await store.recent_rooms(BOB.id, -1) == []
    assert await store.recent_rooms(ADA.id, 10) == []


async def test_many_visits_at_once_are_one_and_the_last_counts(store: Store) -> None:
    await store.add_user(BOB)
    await store.add_room(STANDUP)
    minutes = [7, 19, 3, *range(19)]
    await asyncio.gather(*(store.note_visit(BOB.id, STANDUP.code, NOW + n * MINUTE) for n in minutes))
    assert await store.recent_rooms(BOB.id, 10) == [RecentRoom(STANDUP, NOW + 19 * MINUTE)]


async def test_a_deleted_room_takes_its_visits_along_and_no_place_in_the_list(store: Store) -> None:
    await store.add_user(BOB)
    for n, code in enumerate(("kept", "gone", "gone too")):
        await store.add_room(room(code))
        await store.note_visit(BOB.id, code, NOW + n * MINUTE)
    await store.delete_room("gone", ADA.id)
    await store.delete_room("gone too", ADA.id)
    assert [recent.room.code for recent in await store.recent_rooms(BOB.id, 1)] == ["kept"]
    await store.add_room(room("gone"))  # the same code, another room
    assert [recent.room.code for recent in await store.recent_rooms(BOB.id, 9)] == ["kept"]


async def test_a_visit_without_a_user_or_a_room_leaves_no_trace(store: Store) -> None:
    await store.add_room(STANDUP)
    await store.note_visit("u-bob", STANDUP.code, NOW)
    await store.add_user(BOB)
    await store.note_visit("u-bob", "later", NOW)
    await store.add_room(room("later"))
    assert await store.recent_rooms("u-bob", 10) == []


# sessions and tickets


async def test_a_revoked_session_stays_revoked_until_its_end(store: Store) -> None:
    assert not await store.is_revoked("j1", NOW)
    await store.revoke_session("j1", NOW + DAY)
    assert await store.is_revoked("j1", NOW)
    assert await store.is_revoked("j1", NOW + DAY - MILLISECOND)
    assert not await store.is_revoked("j1", NOW + DAY)
    assert not await store.is_revoked("j2", NOW)


async def test_revoking_again_never_shortens_it(store: Store) -> None:
    ends = [NOW + n * MINUTE for n in (5, 20, 1, 10)] * 5
    await asyncio.gather(*(store.revoke_session("j1", end) for end in ends))
    assert await store.is_revoked("j1", NOW + 20 * MINUTE - MILLISECOND)
    assert not await store.is_revoked("j1", NOW + 20 * MINUTE)


async def test_of_twenty_with_one_ticket_one_gets_in(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    uses = [stores[n % 2].use_ticket("t1", NOW + MINUTE, NOW) for n in range(20)]
    assert sorted(await asyncio.gather(*uses)) == [False] * 19 + [True]
    assert not await stores[0].use_ticket("t1", NOW + MINUTE, NOW)
    assert await stores[0].use_ticket("t2", NOW + MINUTE, NOW)


async def test_an_expired_ticket_is_of_no_use(store: Store) -> None:
    assert not await store.use_ticket("t1", NOW, NOW)
    assert not await store.use_ticket("t1", NOW - DAY, NOW)
    assert await store.use_ticket("t1", NOW + MILLISECOND, NOW)


async def test_purging_forgets_what_is_over_and_nothing_else(store: Store) -> None:
    for jti, until in (("over", NOW), ("on", NOW + MILLISECOND)):
        await store.revoke_session(jti, until)
        assert await store.use_ticket(jti, until, NOW - DAY)
    await store.purge(NOW)
    # Only a clock set back can tell that something was forgotten.
    assert not await store.is_revoked("over", NOW - DAY)
    assert await store.use_ticket("over", NOW, NOW - DAY)
    assert await store.is_revoked("on", NOW)
    assert not await store.use_ticket("on", NOW + MILLISECOND, NOW)
    await store.purge(NOW)


# attempts


async def test_attempts_are_counted_by_key_and_time(store: Store) -> None:
    assert await store.attempts("password ada", NOW - DAY) == 0
    for n in range(5):
        await store.note_attempt("password ada", NOW + n * MINUTE, NOW + DAY)
    await store.note_attempt("password bob", NOW, NOW + DAY)
    assert await store.attempts("password ada", NOW) == 5
    assert await store.attempts("password ada", NOW + 2 * MINUTE) == 3
    assert await store.attempts("password ada", NOW + 2 * MINUTE + MILLISECOND) == 2
    assert await store.attempts("password", NOW) == 0
    await store.clear_attempts("password ada")
    assert await store.attempts("password ada", NOW) == 0
    assert await store.attempts("password bob", NOW) == 1


async def test_attempts_at_the_same_time_all_count(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    await asyncio.gather(*(stores[n % 2].note_attempt("k", NOW, NOW + DAY) for n in range(20)))
    assert await stores[0].attempts("k", NOW) == 20


async def test_purging_forgets_attempts_whose_time_is_over(store: Store) -> None:
    await store.note_attempt("k", NOW - DAY, NOW)
    await store.note_attempt("k", NOW - DAY, NOW + MILLISECOND)
    await store.purge(NOW)
    assert await store.attempts("k", NOW - DAY) == 1


# guests


async def test_old_guests_without_rooms_go_with_their_visits(store: Store) -> None:
    old = [User(f"old{n}", "Guest", NOW - DAY - MILLISECOND) for n in range(3)]
    fresh = replace(GUEST, created=NOW - DAY)
    host = User("host", "Guest with a room", NOW - 9 * DAY)
    account = replace(BOB, created=NOW - 9 * DAY)
    for user in (*old, fresh, host, account):
        await store.add_user(user)
    await store.add_room(room("hosted", host))
    for user in (old[0], fresh):
        await store.note_visit(user.id, "hosted", NOW)
    assert await store.delete_guests(NOW - DAY) == 3
    assert [await store.user(user.id) for user in old] == [None] * 3
    assert [await store.user(user.id) for user in (fresh, host, account)] == [fresh, host, account]
    assert await store.recent_rooms("old0", 9) == []
    assert len(await store.recent_rooms(fresh.id, 9)) == 1
    assert await store.delete_guests(NOW - DAY) == 0


async def test_what_a_guest_left_in_a_room_outlives_the_guest(store: Store) -> None:
    await a_busy_room(store)
    before = await everything_in(store, STANDUP.code)
    assert await store.delete_guests(NOW + MILLISECOND) == 1
    assert await everything_in(store, STANDUP.code) == before
    assert len(before) == 1 + 2 + 1 + 2 + 2 + 1


# values


@pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
async def test_strange_text_is_a_value_like_any_other(store: Store, value: str) -> None:
    user = User(value, value, NOW, value, value.encode())
    record = RoomRecord(value, value, value, NOW)
    await store.add_user(BOB)
    await store.add_user(user)
    await store.add_room(STANDUP)
    await store.add_room(record)
    assert await store.user(value) == user
    assert await store.user_by_email(value) == user
    assert await store.room(value) == record
    assert await store.rooms_of(value) == [record]
    await store.note_visit(value, value, NOW)
    assert await store.recent_rooms(value, 9) == [RecentRoom(record, NOW)]
    await store.revoke_session(value, NOW + DAY)
    assert await store.is_revoked(value, NOW)
    assert await store.use_ticket(value, NOW + DAY, NOW)
    assert not await store.use_ticket(value, NOW + DAY, NOW)
    await store.note_attempt(value, NOW, NOW + DAY)
    assert await store.attempts(value, NOW) == 1
    link = Invitation(value, value.encode(), value, value, value, NOW)
    await store.add_invitation(link)
    assert await store.use_invitation(value.encode(), value, value, NOW) == replace(link, used=1)
    assert await store.came_by(value) == [(value, NOW)]
    meeting = Meeting(value, value, NOW)
    await store.open_meeting(meeting)
    assert await store.meetings_of(value, 9) == [meeting]
    stay = Attendance(value, value, value, value, value, False, value, NOW)
    await store.note_arrival(stay)
    assert await store.attendance_of(value) == [stay]
    message = ChatMessage(value, value, value, value, value, value, NOW)
    await store.add_message(message)
    assert await store.messages_of(value, 9) == await store.messages_of(value, 9, value) == [message]
    assert await store.delete_message(value, value)
    assert await store.revoke_invitation(value, value)
    assert await store.rename_user(value, value)
    assert await store.save_room(record)
    assert await store.delete_room(value, value)
    await store.delete_user(value)
    assert await store.user(value) is None
    assert await store.user(BOB.id) == BOB
    assert await store.room(STANDUP.code) == STANDUP


async def test_what_is_not_text_is_refused_before_it_reaches_the_engine(store: Store) -> None:
    await store.add_user(BOB)
    await store.add_room(STANDUP)
    for ask in TEXTS:
        for not_text in ({"$ne": None}, {"$gt": ""}, ["a"], 7, True, b"bytes"):
            with pytest.raises(TypeError, match="text is wanted"):
                await ask(store, not_text)
        with pytest.raises(UnicodeEncodeError):
            await ask(store, "half a pair: \ud83d")
    assert await store.user(ADA.id) is None
    assert await store.user(BOB.id) == BOB
    assert await store.room(STANDUP.code) == STANDUP
    assert await everything_in(store, STANDUP.code) == []


async def test_what_is_no_bytes_no_truth_or_no_number_is_refused_too(store: Store) -> None:
    await store.add_user(BOB)
    await store.add_room(STANDUP)
    for asks, wanted, others in (
        (BYTES, "bytes are", ({"$ne": None}, {"$gt": b""}, [b"a"], 7, True, "text")),
        (TRUTHS, "bool is", ({"$ne": None}, [True], 1, 0, "true", b"1")),
        (NUMBERS, "int is", ({"$gt": 0}, [1], True, 1.0, float("nan"), "1", b"1")),
        (TIMES, "a time is", ({"$gt": 0}, [NOW], 1, True, "2100-01-01", b"1", NOW.date())),
    ):
        for ask in asks:
            for other in others:
                with pytest.raises(TypeError, match=f"{wanted} wanted"):
                    await ask(store, other)
    for ask in NUMBERS:
        with pytest.raises(ValueError, match="64 bits"):
            await ask(store, 2**63)
    with pytest.raises(ValueError, match="one of off, meeting, forever"):
        await store.save_room(replace(STANDUP, chat="sometimes"))  # type: ignore[arg-type]
    assert await store.user(BOB.id) == BOB
    assert await store.room(STANDUP.code) == STANDUP
    assert await everything_in(store, STANDUP.code) == []


async def test_times_come_back_in_utc_cut_to_the_millisecond(store: Store) -> None:
    nepal = timezone(timedelta(hours=5, minutes=45))
    for n, (given, kept) in enumerate(
        [
            (NOW, NOW),
            (NOW + timedelta(microseconds=999), NOW),
            (NOW.astimezone(nepal), NOW),
            (datetime(2026, 3, 1, 0, 0, 0, 1999, nepal), datetime(2026, 2, 28, 18, 15, 0, 1000, UTC)),
            (datetime(1969, 7, 20, 20, 17, 40, 1, UTC), datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)),
        ]
    ):
        user = replace(GUEST, id=f"u{n}", created=given)
        record = room(f"r{n}", user, given)
        await store.add_user(user)
        await store.add_room(record)
        await store.note_visit(user.id, record.code, given)
        found = await store.user(user.id)
        assert found == replace(user, created=kept)
        [recent] = await store.recent_rooms(user.id, 9)
        assert recent == RecentRoom(replace(record, created=kept), kept)
        inside: dict[str, Any] = {"id": record.code, "room": record.code}
        saved = replace(record, opens=given, closes=given)
        assert await store.save_room(saved)
        assert await store.room(record.code) == replace(saved, created=kept, opens=kept, closes=kept)
        link = replace(INVITATION, **inside, token_hash=record.code.encode(), created=given, expires=given)
        await store.add_invitation(link)
        assert await store.invitations_of(record.code) == [replace(link, created=kept, expires=kept)]
        meeting = replace(MEETING, **inside, started=given, ended=given)
        await store.open_meeting(meeting)
        assert await store.meetings_of(record.code, 9) == [replace(meeting, started=kept, ended=kept)]
        stay = replace(STAY, **inside, meeting=meeting.id, came=given, left=given)
        await store.note_arrival(stay)
        assert await store.attendance_of(meeting.id) == [replace(stay, came=kept, left=kept)]
        message = replace(MESSAGE, **inside, at=given)
        await store.add_message(message)
        assert await store.messages_of(record.code, 9) == [replace(message, at=kept)]
        assert found is not None
        assert {found.created.tzinfo, recent.room.created.tzinfo, recent.last_visit.tzinfo} == {UTC}


async def test_a_time_without_a_zone_is_refused(store: Store) -> None:
    await store.add_user(GUEST)
    await store.add_room(STANDUP)
    for ask in TIMES:
        with pytest.raises(ValueError, match="zone"):
            await ask(store, NOW.replace(tzinfo=None))


# opening, closing, opening again


async def test_everything_is_there_after_opening_again(engine: Engine) -> None:
    store = await engine.open()
    await store.add_user(ADA)
    await store.add_user(GUEST)
    await store.add_room(STANDUP)
    await store.note_visit(GUEST.id, STANDUP.code, NOW)
    await store.revoke_session("j", NOW + DAY)
    await store.use_ticket("t", NOW + DAY, NOW)
    await store.note_attempt("k", NOW, NOW + DAY)
    await store.add_invitation(INVITATION)
    await store.use_invitation(INVITATION.token_hash, STANDUP.code, GUEST.id, NOW)
    await store.open_meeting(MEETING)
    await store.note_arrival(STAY)
    await store.add_message(MESSAGE)
    await store.close()
    store = await engine.open()
    assert await store.user_by_email("ada@example.org") == ADA
    assert await store.user(GUEST.id) == GUEST
    assert await store.rooms_of(ADA.id) == [STANDUP]
    assert await store.recent_rooms(GUEST.id, 9) == [RecentRoom(STANDUP, NOW)]
    assert await store.is_revoked("j", NOW)
    assert not await store.use_ticket("t", NOW + DAY, NOW)
    assert await store.attempts("k", NOW) == 1
    assert await everything_in(store, STANDUP.code) == [
        *(replace(INVITATION, used=1), (GUEST.id, NOW), MEETING, STAY, MESSAGE)
    ]
    with pytest.raises(Taken):
        await store.add_user(User("u-2", "Ada", NOW, "ADA@example.org"))


async def test_opening_at_the_same_time_does_no_harm(engine: Engine) -> None:
    stores = await asyncio.gather(*(engine.open() for _ in range(5)))
    await stores[0].add_user(ADA)
    assert [await store.user(ADA.id) for store in stores] == [ADA] * 5


async def test_closing_twice_does_no_harm(store: Store) -> None:
    await store.close()
    await store.close()


async def test_data_of_a_later_peermeet_are_left_alone(engine: Engine) -> None:
    store = await engine.open()
    await store.add_user(ADA)
    await store.close()
    await engine.set_schema(99)
    with pytest.raises(NewerSchema, match=r"schema version 99.* knows versions up to 3\b"):
        await engine.open()
    await engine.set_schema(3)
    assert await (await engine.open()).user(ADA.id) == ADA


async def test_where_no_data_can_be_the_store_is_unavailable(engine: Engine) -> None:
    with pytest.raises(Unavailable) as unavailable:
        await engine.open_in_vain()
    assert unavailable.value.__cause__ is not None
