"""What every store promises of what happens in rooms: invitations, meetings, chat, and how all of it is deleted.

Nothing here knows which engine it talks to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from peermeet.store import Attendance, ChatMessage, Invitation, Meeting, Store, Taken, User

from .conftest import Engine
from .samples import (
    ADA,
    BOB,
    DAY,
    GUEST,
    INVITATION,
    MEETING,
    MESSAGE,
    MILLISECOND,
    MINUTE,
    NOW,
    STANDUP,
    STAY,
    a_busy_room,
    everything_in,
    room,
)

TOKEN = INVITATION.token_hash


@pytest.fixture
async def store(engine: Engine) -> Store:
    store = await engine.open()
    await store.add_room(STANDUP)
    return store


async def use(store: Store, user: str = BOB.id, at: object = NOW, token: bytes = TOKEN) -> Invitation | None:
    return await store.use_invitation(token, STANDUP.code, user, at)  # type: ignore[arg-type]


# invitations


async def test_an_invitation_lets_in_and_is_counted(store: Store) -> None:
    full = replace(INVITATION, role="host", expires=NOW + DAY, uses=3)
    await store.add_invitation(full)
    assert await store.invitations_of(STANDUP.code) == [full]
    assert await use(store) == replace(full, used=1)
    assert await store.invitations_of(STANDUP.code) == [replace(full, used=1)]
    assert await store.came_by(full.id) == [(BOB.id, NOW)]


async def test_invitations_are_listed_newest_first(store: Store) -> None:
    await store.add_room(room("other"))
    links = [
        replace(INVITATION, id=id, token_hash=id.encode(), created=NOW + n * MINUTE)
        for id, n in (("z", 0), ("c", 1), ("b", 1), ("a", 2))
    ]
    for link in links:
        await store.add_invitation(link)
    await store.add_invitation(replace(INVITATION, id="elsewhere", room="other"))
    assert [link.id for link in await store.invitations_of(STANDUP.code)] == ["a", "b", "c", "z"]
    assert await store.invitations_of("nowhere") == []


async def test_an_id_and_a_token_are_given_once(store: Store) -> None:
    await store.add_invitation(INVITATION)
    for twin, field in ((replace(INVITATION, token_hash=b"x"), "id"), (replace(INVITATION, id="x"), "token_hash")):
        with pytest.raises(Taken) as taken:
            await store.add_invitation(twin)
        assert taken.value.field == field
    assert await store.invitations_of(STANDUP.code) == [INVITATION]


async def test_who_comes_again_uses_nothing_more(store: Store) -> None:
    await store.add_invitation(replace(INVITATION, uses=1))
    for n in range(3):
        used = await use(store, at=NOW + n * MINUTE)
        assert used is not None
        assert used.used == 1
    assert await use(store, GUEST.id) is None
    assert await use(store) is not None
    assert await store.came_by(INVITATION.id) == [(BOB.id, NOW)]


async def test_it_opens_no_other_door(store: Store) -> None:
    await store.add_room(room("other"))
    await store.add_invitation(INVITATION)
    assert await store.use_invitation(TOKEN, "other", BOB.id, NOW) is None
    assert await store.use_invitation(TOKEN, "", BOB.id, NOW) is None
    for token in (b"", b"other", TOKEN[:-1], TOKEN + b"\x00"):
        assert await use(store, token=token) is None
    assert await store.came_by(INVITATION.id) == []
    assert await store.invitations_of(STANDUP.code) == [INVITATION]


async def test_when_its_time_is_over_it_is_over_for_everybody(store: Store) -> None:
    await store.add_invitation(replace(INVITATION, expires=NOW + MINUTE))
    assert await use(store, BOB.id, NOW + MINUTE - MILLISECOND) is not None
    assert await use(store, BOB.id, NOW + MINUTE) is None
    assert await use(store, GUEST.id, NOW + MINUTE) is None
    assert await store.came_by(INVITATION.id) == [(BOB.id, NOW + MINUTE - MILLISECOND)]


async def test_a_revoked_invitation_lets_nobody_in_again(store: Store) -> None:
    await store.add_invitation(INVITATION)
    assert await use(store) is not None
    assert not await store.revoke_invitation(INVITATION.id, "other")
    assert not await store.revoke_invitation("i-2", STANDUP.code)
    assert await use(store) is not None
    answers = await asyncio.gather(*(store.revoke_invitation(INVITATION.id, STANDUP.code) for _ in range(5)))
    assert sorted(answers) == [False] * 4 + [True]
    assert await use(store) is None
    assert await use(store, GUEST.id) is None
    assert await store.invitations_of(STANDUP.code) == [replace(INVITATION, used=1, revoked=True)]
    assert await store.came_by(INVITATION.id) == [(BOB.id, NOW)]


@pytest.mark.parametrize("uses", [0, 1, 5])
async def test_of_twenty_at_once_as_many_get_in_as_it_has_uses(engine: Engine, uses: int) -> None:
    stores = [await engine.open(), await engine.open()]
    await stores[0].add_room(STANDUP)
    await stores[0].add_invitation(replace(INVITATION, uses=uses))
    answers = await asyncio.gather(*(use(stores[n % 2], f"u{n}") for n in range(20)))
    let_in = {f"u{n}" for n, answer in enumerate(answers) if answer}
    assert len(let_in) == uses
    assert {user for user, _ in await stores[0].came_by(INVITATION.id)} == let_in
    assert await stores[0].invitations_of(STANDUP.code) == [replace(INVITATION, uses=uses, used=uses)]
    again = await asyncio.gather(*(use(stores[n % 2], f"u{n}") for n in range(20)))
    assert {f"u{n}" for n, answer in enumerate(again) if answer} == let_in


async def test_one_person_with_twenty_tabs_is_one_person(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    await stores[0].add_room(STANDUP)
    await stores[0].add_invitation(replace(INVITATION, uses=1))
    answers = await asyncio.gather(*(use(stores[n % 2]) for n in range(20)))
    assert [answer.used for answer in answers if answer] == [1] * 20
    assert await stores[0].came_by(INVITATION.id) == [(BOB.id, NOW)]


async def test_without_a_number_of_uses_everybody_gets_in(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    await stores[0].add_room(STANDUP)
    await stores[0].add_invitation(INVITATION)
    assert all(await asyncio.gather(*(use(stores[n % 2], f"u{n}") for n in range(20))))
    [link] = await stores[0].invitations_of(STANDUP.code)
    assert link.used == 20


async def test_who_came_is_told_in_the_order_of_coming(store: Store) -> None:
    await store.add_invitation(INVITATION)
    for user, n in (("late", 9), ("b", 1), ("a", 1), ("first", 0)):
        await use(store, user, NOW + n * MINUTE)
    came = await store.came_by(INVITATION.id)
    assert came == [(user, NOW + n * MINUTE) for user, n in (("first", 0), ("a", 1), ("b", 1), ("late", 9))]
    assert await store.came_by("i-2") == []


# meetings


async def test_a_meeting_from_beginning_to_end(store: Store) -> None:
    await store.open_meeting(MEETING)
    assert await store.meetings_of(STANDUP.code, 9) == [MEETING]
    ada = replace(STAY, id="a-0", user=ADA.id, name=ADA.name, invitation=None)
    guest = Attendance("a-2", MEETING.id, STANDUP.code, GUEST.id, "Guest", True, None, NOW + MINUTE)
    for stay in (guest, STAY, ada):
        await store.note_arrival(stay)
    assert await store.attendance_of(MEETING.id) == [ada, STAY, guest]
    await store.note_departure(STAY.id, NOW + 2 * MINUTE)
    await store.note_departure(STAY.id, NOW + 3 * MINUTE)
    await store.note_departure("a-9", NOW)
    bob = replace(STAY, left=NOW + 2 * MINUTE)
    assert await store.attendance_of(MEETING.id) == [ada, bob, guest]
    end = NOW + 5 * MINUTE
    await store.close_meeting(MEETING.id, end)
    await store.close_meeting(MEETING.id, end + DAY)
    await store.close_meeting("m-9", end)
    assert await store.meetings_of(STANDUP.code, 9) == [replace(MEETING, ended=end)]
    assert await store.attendance_of(MEETING.id) == [replace(ada, left=end), bob, replace(guest, left=end)]


async def test_closing_one_meeting_leaves_the_others_open(store: Store) -> None:
    other = replace(MEETING, id="m-2")
    stay = replace(STAY, id="a-2", meeting=other.id)
    for meeting in (MEETING, other):
        await store.open_meeting(meeting)
    for one in (STAY, stay):
        await store.note_arrival(one)
    await store.close_meeting(MEETING.id, NOW + MINUTE)
    assert await store.meetings_of(STANDUP.code, 9) == [replace(MEETING, ended=NOW + MINUTE), other]
    assert await store.attendance_of(other.id) == [stay]


async def test_a_meeting_to_which_somebody_came_back_goes_on(store: Store) -> None:
    other = replace(MEETING, id="m-2", ended=NOW)
    for meeting in (MEETING, other):
        await store.open_meeting(meeting)
    await store.close_meeting(MEETING.id, NOW + MINUTE)
    await store.reopen_meeting(MEETING.id)
    await store.reopen_meeting("nothing")
    assert sorted(await store.meetings_of(STANDUP.code, 9), key=lambda m: m.id) == [MEETING, other]
    await store.close_meeting(MEETING.id, NOW + DAY)
    assert replace(MEETING, ended=NOW + DAY) in await store.meetings_of(STANDUP.code, 9)


async def test_meetings_come_newest_first_and_bounded(store: Store) -> None:
    await store.add_room(room("other"))
    meetings = [Meeting(f"m{n}", STANDUP.code, NOW + n * MINUTE) for n in range(5)]
    for meeting in (*meetings, replace(MEETING, room="other"), replace(meetings[4], id="m5")):
        await store.open_meeting(meeting)
    assert [meeting.id for meeting in await store.meetings_of(STANDUP.code, 3)] == ["m4", "m5", "m3"]
    assert len(await store.meetings_of(STANDUP.code, 100)) == 6
    for limit in (0, -1):
        assert await store.meetings_of(STANDUP.code, limit) == []
    assert await store.meetings_of("nowhere", 9) == []


async def test_after_a_crash_what_was_unfinished_is_finished(store: Store) -> None:
    done = replace(MEETING, id="m-0", ended=NOW)
    stayed = replace(STAY, id="a-0", meeting=done.id, left=NOW)
    await store.open_meeting(done)
    await store.open_meeting(MEETING)
    # the second is of a meeting that ended between the two steps of ``close_meeting``, or whose end came first
    for stay in (stayed, replace(STAY, id="a-1", meeting=done.id), replace(STAY, id="a-2")):
        await store.note_arrival(stay)
    for end in (NOW + DAY, NOW + 2 * DAY):
        await store.close_unfinished(end)
        assert await store.meetings_of(STANDUP.code, 9) == [done, replace(MEETING, ended=NOW + DAY)]
        assert [stay.left for stay in await store.attendance_of(done.id)] == [NOW, NOW + DAY]
        assert [stay.left for stay in await store.attendance_of(MEETING.id)] == [NOW + DAY]


async def test_a_meeting_that_another_server_has_going_on_is_not_finished(store: Store) -> None:
    later = replace(MEETING, id="m-3", started=NOW + DAY)
    for meeting in (MEETING, replace(MEETING, id="m-2"), later):
        await store.open_meeting(meeting)
        await store.note_arrival(replace(STAY, id=f"a {meeting.id}", meeting=meeting.id, came=meeting.started))
    await store.close_unfinished(NOW + MINUTE, [MEETING.id])
    ended = {meeting.id: meeting.ended for meeting in await store.meetings_of(STANDUP.code, 9)}
    assert ended == {MEETING.id: None, "m-2": NOW + MINUTE, "m-3": None}  # the last one began after that
    for id, end in ended.items():
        assert [stay.left for stay in await store.attendance_of(id)] == [end]


# how meetings stand


async def test_a_standing_is_kept_until_its_time_is_over(store: Store) -> None:
    assert await store.standing(STANDUP.code, NOW) is None
    await store.keep_standing(STANDUP.code, b"\x00one\xff", NOW, NOW + DAY)
    assert await store.standing(STANDUP.code, NOW) == b"\x00one\xff"
    assert await store.standing("nowhere", NOW) is None
    assert await store.standing(STANDUP.code, NOW + DAY) is None
    await store.purge(NOW + DAY)
    assert await store.standing(STANDUP.code, NOW) is None


async def test_a_later_standing_takes_the_place_of_an_earlier_one_and_not_the_other_way(store: Store) -> None:
    for value, at in ((b"two", NOW + MINUTE), (b"one", NOW), (b"two again", NOW + MINUTE)):
        await store.keep_standing(STANDUP.code, value, at, NOW + DAY)
    assert await store.standing(STANDUP.code, NOW) == b"two again"


async def test_a_forgotten_standing_is_gone(store: Store) -> None:
    await store.keep_standing(STANDUP.code, b"one", NOW + DAY, NOW + 2 * DAY)
    await store.forget_standing(STANDUP.code)
    assert await store.standing(STANDUP.code, NOW) is None
    await store.keep_standing(STANDUP.code, b"two", NOW, NOW + DAY)
    assert await store.standing(STANDUP.code, NOW) == b"two"


async def test_after_a_crash_standings_wait_for_those_who_come_back_at_once(store: Store) -> None:
    for code, until in (("long", NOW + DAY), ("short", NOW + MINUTE), ("going on", NOW + DAY)):
        await store.add_room(room(code))
        await store.keep_standing(code, code.encode(), NOW, until)
    await store.hurry_standings(NOW + 2 * MINUTE, ["going on"])
    for code, until in (("long", NOW + 2 * MINUTE), ("short", NOW + MINUTE), ("going on", NOW + DAY)):
        assert await store.standing(code, until - MILLISECOND) == code.encode()
        assert await store.standing(code, until) is None


async def test_nothing_is_noted_twice(store: Store) -> None:
    await store.open_meeting(MEETING)
    await store.note_arrival(STAY)
    await store.add_message(MESSAGE)
    asks: list[Awaitable[None]] = [
        store.open_meeting(replace(MEETING, started=NOW + DAY)),
        store.note_arrival(replace(STAY, name="Eve")),
        store.add_message(replace(MESSAGE, text="Good night")),
    ]
    for ask in asks:
        with pytest.raises(Taken) as taken:
            await ask
        assert taken.value.field == "id"
    assert await store.meetings_of(STANDUP.code, 9) == [MEETING]
    assert await store.attendance_of(MEETING.id) == [STAY]
    assert await store.messages_of(STANDUP.code, 9) == [MESSAGE]


# chat


async def test_the_newest_messages_come_oldest_first(store: Store) -> None:
    await store.add_room(room("other"))
    said = [
        ChatMessage(id, STANDUP.code, meeting, BOB.id, "Bob", f"This is {id}", NOW + n * MINUTE)
        for id, meeting, n in (("z", "m1", 0), ("a", "m1", 1), ("b", "m1", 1), ("c", "m2", 1), ("y", "m2", 2))
    ]
    for message in (*reversed(said), replace(MESSAGE, id="elsewhere", room="other", meeting="m1")):
        await store.add_message(message)
    assert await store.messages_of(STANDUP.code, 100) == said
    assert await store.messages_of(STANDUP.code, 4) == said[1:]
    assert await store.messages_of(STANDUP.code, 3) == said[2:]
    assert await store.messages_of(STANDUP.code, 9, "m1") == said[:3]
    assert await store.messages_of(STANDUP.code, 2, "m1") == said[1:3]
    assert await store.messages_of(STANDUP.code, 9, "m3") == []
    for limit in (0, -1):
        assert await store.messages_of(STANDUP.code, limit) == []
        assert await store.messages_of(STANDUP.code, limit, "m1") == []
    assert await store.messages_of("nowhere", 9) == []


async def test_messages_are_deleted_one_by_one_or_all(store: Store) -> None:
    await store.add_room(room("other"))
    for n in range(5):
        await store.add_message(replace(MESSAGE, id=f"c-{n}"))
    elsewhere = replace(MESSAGE, id="elsewhere", room="other")
    await store.add_message(elsewhere)
    assert not await store.delete_message("c-0", "other")
    assert not await store.delete_message("c-9", STANDUP.code)
    assert await store.delete_message("c-0", STANDUP.code)
    assert not await store.delete_message("c-0", STANDUP.code)
    assert [message.id for message in await store.messages_of(STANDUP.code, 9)] == ["c-1", "c-2", "c-3", "c-4"]
    assert await store.delete_messages(STANDUP.code) == 4
    assert await store.delete_messages(STANDUP.code) == 0
    assert await store.messages_of(STANDUP.code, 9) == []
    assert await store.messages_of("other", 9) == [elsewhere]


# rooms that go, and rooms that are not there


async def test_in_a_room_that_is_not_there_nothing_is_kept(store: Store) -> None:
    asks: list[Callable[[], Awaitable[None]]] = [
        lambda: store.add_invitation(replace(INVITATION, room="later")),
        lambda: store.open_meeting(replace(MEETING, room="later")),
        lambda: store.note_arrival(replace(STAY, room="later")),
        lambda: store.add_message(replace(MESSAGE, room="later")),
        lambda: store.keep_standing("later", b"{}", NOW, NOW + DAY),
    ]
    for ask in asks:
        await ask()
    await store.add_room(room("later"))
    assert await everything_in(store, "later") == []
    assert await store.use_invitation(TOKEN, "later", BOB.id, NOW) is None
    for ask in asks:
        await ask()  # no id has been taken by the way
    assert await store.use_invitation(TOKEN, "later", BOB.id, NOW) is not None


async def test_a_deleted_room_takes_along_everything_in_it_and_nothing_else(store: Store) -> None:
    gone, kept = room("gone"), room("kept")
    for one in (gone, kept):
        await a_busy_room(store, one, by=f" {one.code}")
    before = await everything_in(store, "kept", " kept")
    assert not await store.delete_room("gone", BOB.id)
    assert len(await store.attendance_of("m-1 gone")) == 2
    assert await store.delete_room("gone", ADA.id)
    assert await everything_in(store, "gone", " gone") == []
    assert await store.use_invitation(b"token gone", "gone", BOB.id, NOW) is None
    assert [recent.room for recent in await store.recent_rooms(BOB.id, 9)] == [kept]
    assert await everything_in(store, "kept", " kept") == before
    await a_busy_room(store, gone, by=" gone")  # the same code and all the ids again: another room
    assert len(await store.came_by("i-1 gone")) == 2


async def test_what_comes_while_a_room_goes_does_not_stay(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    await stores[0].add_room(STANDUP)
    await stores[0].add_invitation(INVITATION)
    await asyncio.gather(
        *(stores[1].add_message(replace(MESSAGE, id=f"before {n}")) for n in range(10)),
        *(use(stores[1], f"u{n}") for n in range(5)),
        stores[0].delete_room(STANDUP.code, ADA.id),
        *(use(stores[1], f"v{n}") for n in range(5)),
        *(stores[1].add_message(replace(MESSAGE, id=f"after {n}")) for n in range(10)),
    )
    assert await stores[0].messages_of(STANDUP.code, 99) == []
    assert await stores[0].came_by(INVITATION.id) == []


# people who go


async def test_a_deleted_account_takes_along_everything_that_is_theirs(store: Store) -> None:
    """Bob has a room of his own, and was in Ada's."""
    await a_busy_room(store, room("adas"), by=" ada")
    await a_busy_room(store, room("bobs", BOB), by=" bob")
    await store.add_invitation(replace(INVITATION, id="by bob", room="adas", made_by=BOB.id, created=NOW - DAY))
    await store.delete_user(BOB.id)

    assert await store.user(BOB.id) is None
    assert await store.user_by_email("bob@example.org") is None
    assert await store.rooms_of(BOB.id) == []
    assert await store.room("bobs") is None
    assert await everything_in(store, "bobs", " bob") == []
    assert await store.recent_rooms(BOB.id, 9) == []
    assert [recent.room.code for recent in await store.recent_rooms(GUEST.id, 9)] == ["adas"]

    assert await store.messages_of("adas", 9) == [
        ChatMessage("c-1 ada", "adas", "m-1 ada", GUEST.id, "Guest", "I am Guest", NOW + MINUTE)
    ]
    assert [(stay.user, stay.name) for stay in await store.attendance_of("m-1 ada")] == [("", ""), (GUEST.id, "Guest")]
    assert await store.came_by("i-1 ada") == [(GUEST.id, NOW + MINUTE)]
    links = await store.invitations_of("adas")
    assert [(link.id, link.made_by, link.used) for link in links] == [("i-1 ada", ADA.id, 2), ("by bob", "", 0)]

    await store.delete_user(BOB.id)
    await store.delete_user("u-nobody")
    assert [await store.user(user.id) for user in (ADA, GUEST)] == [ADA, GUEST]
    await store.add_user(BOB)  # the email is free again
    assert await store.rooms_of(BOB.id) == []


async def test_a_deleted_guest_is_deleted_in_the_same_way(store: Store) -> None:
    await a_busy_room(store, room("adas"), by=" ada")
    await store.delete_user(GUEST.id)
    assert await store.user(GUEST.id) is None
    assert [stay.name for stay in await store.attendance_of("m-1 ada")] == ["Bob", ""]
    assert [message.user for message in await store.messages_of("adas", 9)] == [BOB.id]


async def test_deleting_an_account_gives_no_use_back(store: Store) -> None:
    await store.add_invitation(replace(INVITATION, uses=2))
    for n in range(2):
        await store.add_user(User(f"u{n}", "Guest", NOW))
        assert await use(store, f"u{n}") is not None
        await store.delete_user(f"u{n}")
    assert await use(store, "u2") is None
    assert await store.came_by(INVITATION.id) == []
    assert await store.invitations_of(STANDUP.code) == [replace(INVITATION, uses=2, used=2)]


async def test_while_people_go_nothing_of_others_is_lost(engine: Engine) -> None:
    stores = [await engine.open(), await engine.open()]
    await stores[0].add_room(STANDUP)
    for n in range(5):
        await stores[0].add_user(User(f"u{n}", "Guest", NOW))
        await stores[0].add_room(room(f"r{n}", User(f"u{n}", "Guest", NOW)))
    await asyncio.gather(
        *(
            one
            for n in range(10)
            for one in (
                stores[n % 2].delete_user(f"u{n // 2}"),
                *(stores[m].add_message(replace(MESSAGE, id=f"{n}/{m}")) for m in range(2)),
            )
        )
    )
    assert len(await stores[0].messages_of(STANDUP.code, 99)) == 20
    assert [await stores[0].user(f"u{n}") for n in range(5)] == [None] * 5
    assert [await stores[0].room(f"r{n}") for n in range(5)] == [None] * 5
