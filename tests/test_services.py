"""Accounts, rooms and tickets in the product's words, without HTTP, Reflex or sockets."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from peermeet.core.errors import Refusal
from peermeet.services import (
    ALPHABET,
    COOKIE,
    RECENT,
    Attendance,
    LobbyRoom,
    new_code,
    open_services,
    read_cookie,
    tidy_code,
)
from peermeet.store import Unavailable, User
from tests.auth.desk import HERE, PASSWORD, Desk, now, open_desk, settings


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


async def refused(asked: Awaitable[Any]) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked
    return refusal.value.code


class TestCodes:
    def test_are_thirteen_letters_of_thirty_two(self) -> None:
        assert len(ALPHABET) == len(set(ALPHABET)) == 32  # 13 × 5 = 65 bits
        assert not set("01l") & set(ALPHABET)
        code = new_code()
        assert [len(part) for part in code.split("-")] == [4, 5, 4]
        assert set(code) <= {*ALPHABET, "-"}

    def test_come_from_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        def choice(letters: str) -> str:
            asked.append(letters)
            return letters[-1]

        monkeypatch.setattr(secrets, "choice", choice)
        assert new_code() == "zzzz-zzzzz-zzzz"
        assert asked == [ALPHABET] * 13

    def test_never_repeat_and_favour_no_letter(self) -> None:
        codes = [new_code() for _ in range(2000)]
        assert len(set(codes)) == 2000
        letters = Counter("".join(codes).replace("-", ""))
        assert set(letters) == set(ALPHABET)
        assert max(letters.values()) < 2 * min(letters.values())  # 812 of each, give or take 28

    @pytest.mark.parametrize(
        "written",
        [
            "3k7q-9t2mz-x8vd",
            "3K7Q-9T2MZ-X8VD",
            "3k7q9t2mzx8vd",
            " 3k7q-9t2mz-x8vd\n",
            "3-k-7-q-9t2mzx8vd",
            "3k7q9t2mz-x8vd-",
        ],
    )
    def test_may_be_written_in_many_ways(self, written: str) -> None:
        assert tidy_code(written) == "3k7q-9t2mz-x8vd"

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "-",
            "3k7q-9t2mz-x8v",
            "3k7q-9t2mz-x8vdd",
            "3k7q-9t2mz-x8v/",
            "3k7q-9t2mz-x8v%",
            "3k7q 9t2mz x8vd",
            "3k7q-9t2mz-x8vé",
            "３k7q-9t2mz-x8vd",
            "../../etc/passwd",
            "3k7q-9t2mz-x8v\x00",
            "-" * 65,
            "x" * 1_000_000,
            None,
            1,
            True,
            [],
            {"$ne": None},
            b"3k7q-9t2mz-x8vd",
        ],
        ids=lambda written: repr(written)[:30],
    )
    def test_all_else_is_no_room(self, written: object) -> None:
        with pytest.raises(Refusal) as refusal:
            tidy_code(written)
        assert refusal.value.code == "no_such_room"


class TestTheCookie:
    @pytest.mark.parametrize(
        ("header", "session"),
        [
            ("", None),
            ("other=1", None),
            (f"{COOKIE}=abc", "abc"),
            (f"a=1; {COOKIE}=abc; b=2", "abc"),
            (f'{COOKIE}="abc"', "abc"),
            (f"{COOKIE}=", ""),
            (f"x{COOKIE}=abc", None),
            ("=;;=,", None),
            ("\x00\r\n", None),
        ],
    )
    def test_is_found_in_its_header(self, header: str, session: str | None) -> None:
        assert read_cookie(header) == session

    async def test_says_who_sent_it(self, desk: Desk) -> None:
        session = await desk.services.register("Ada", "ada@example.org", PASSWORD, HERE)
        who = await desk.services.who_sent(f"theme=dark; {COOKIE}={session}")
        assert who is not None
        assert who.name == "Ada"
        for header in ("", f"{COOKIE}=", f"{COOKIE}={session}x", session):
            assert await desk.services.who_sent(header) is None


class TestRooms:
    async def test_whoever_creates_one_owns_it(self, desk: Desk) -> None:
        ada = await desk.account()
        room = await desk.services.create_room(ada, "  Team   sync ")
        assert (room.title, room.owner) == ("Team sync", ada.id)
        assert await desk.services.room(room.code.upper()) == await desk.services.room(room.code)
        assert await desk.store.room(room.code) is not None

    @pytest.mark.parametrize(
        "title", ["", "  ", "x" * 121, "<b>", "a\nb", "a\u202eb", "\u200b", None, 1, [], {"$ne": None}], ids=repr
    )
    async def test_have_a_title(self, desk: Desk, title: object) -> None:
        ada = await desk.account()
        assert await refused(desk.services.create_room(ada, title)) == "bad_title"
        assert await desk.services.lobby(ada) == []

    async def test_are_not_for_guests_to_create(self, desk: Desk) -> None:
        guest = await desk.guest()
        assert await refused(desk.services.create_room(guest, "Den")) == "not_signed_in"
        assert await desk.store.rooms_of(guest.id) == []

    async def test_are_deleted_by_their_owner_alone(self, desk: Desk) -> None:
        ada, bob = await desk.account(), await desk.account("bob@example.org", "Bob")
        room = await desk.services.create_room(ada, "Den")
        for other in (bob, await desk.guest()):
            assert await refused(desk.services.delete_room(other, room.code)) == "not_your_room"
        assert await desk.store.room(room.code) is not None
        live = desk.meets()
        await desk.services.delete_room(ada, room.code.upper())
        assert await desk.store.room(room.code) is None
        assert live.told == [("end", room.code)]
        assert await refused(desk.services.delete_room(ada, room.code)) == "no_such_room"
        assert await refused(desk.services.room(room.code)) == "no_such_room"

    async def test_of_two_who_delete_one_at_once_one_does(self, desk: Desk) -> None:
        ada = await desk.account()
        room = await desk.services.create_room(ada, "Den")
        live = desk.meets()
        tries = [desk.services.delete_room(ada, room.code) for _ in range(5)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert answers.count(None) == 1
        assert live.told == [("end", room.code)]


class TestTheLobby:
    async def test_lists_own_rooms_newest_first_then_visited_ones_latest_first(self, desk: Desk) -> None:
        ada, bob = await desk.account(), await desk.account("bob@example.org", "Bob")
        own = [await desk.services.create_room(ada, f"own {n}") for n in range(2)]
        theirs = [await desk.services.create_room(bob, f"theirs {n}") for n in range(2)]
        for n, room in enumerate((theirs[0], theirs[1], own[0])):  # a visit to an own room lists it no second time
            await desk.store.note_visit(ada.id, room.code, now() + timedelta(seconds=n))
        titles = [(room.title, room.mine) for room in await desk.services.lobby(ada)]
        assert sorted(titles[:2]) == [("own 0", True), ("own 1", True)]  # made within one millisecond
        assert titles[2:] == [("theirs 1", False), ("theirs 0", False)]

    async def test_counts_who_is_there_now(self, desk: Desk) -> None:
        ada = await desk.account()
        room = await desk.services.create_room(ada, "Den")
        assert await desk.services.lobby(ada) == [LobbyRoom(room.code, "Den", True, 0)]
        desk.services.attendance.note(room.code, 3)
        assert [line.present for line in await desk.services.lobby(ada)] == [3]

    async def test_shows_nothing_of_rooms_one_was_never_in(self, desk: Desk) -> None:
        ada, bob = await desk.account(), await desk.account("bob@example.org", "Bob")
        room = await desk.services.create_room(ada, "Den")
        assert await desk.services.lobby(bob) == []
        await desk.services.ticket(bob, room.code, HERE)
        assert [line.title for line in await desk.services.lobby(bob)] == ["Den"]
        await desk.services.delete_room(ada, room.code)
        assert await desk.services.lobby(bob) == []

    async def test_is_not_endless(self, desk: Desk) -> None:
        ada, bob = await desk.account(), await desk.account("bob@example.org", "Bob")
        mine = await desk.services.create_room(bob, "mine")
        await desk.store.note_visit(bob.id, mine.code, now() + timedelta(hours=1))
        for n in range(RECENT + 5):
            room = await desk.services.create_room(ada, f"room {n}")
            await desk.store.note_visit(bob.id, room.code, now() + timedelta(seconds=n))
        lobby = await desk.services.lobby(bob)
        assert [room.title for room in lobby] == ["mine", *(f"room {n}" for n in range(RECENT + 4, 4, -1))]


class TestAttendance:
    async def test_whoever_waits_wakes_at_the_first_change(self) -> None:
        attendance = Attendance()
        waiting = [asyncio.create_task(attendance.change(60)) for _ in range(3)]
        await asyncio.sleep(0)
        attendance.note("den", 1)
        await asyncio.wait_for(asyncio.gather(*waiting), 1)
        assert attendance.present("den") == 1

    async def test_the_same_again_is_no_change(self) -> None:
        attendance = Attendance()
        attendance.note("den", 1)
        waiting = asyncio.create_task(attendance.change(60))
        await asyncio.sleep(0)
        attendance.note("den", 1)
        attendance.note("attic", 0)
        await asyncio.sleep(0)
        assert not waiting.done()
        attendance.wake()
        await asyncio.wait_for(waiting, 1)

    async def test_patience_ends(self) -> None:
        await asyncio.wait_for(Attendance().change(0), 1)

    async def test_empty_rooms_are_forgotten(self) -> None:
        attendance = Attendance()
        for n in range(100):
            attendance.note(f"room-{n}", 2)
            attendance.note(f"room-{n}", 0)
        assert attendance.present("room-1") == 0
        assert attendance._present == {}

    async def test_a_room_made_or_deleted_wakes_lobbies(self, desk: Desk) -> None:
        ada = await desk.account()
        waiting = asyncio.create_task(desk.services.attendance.change(60))
        await asyncio.sleep(0)
        room = await desk.services.create_room(ada, "Den")
        await asyncio.wait_for(waiting, 1)
        waiting = asyncio.create_task(desk.services.attendance.change(60))
        await asyncio.sleep(0)
        await desk.services.delete_room(ada, room.code)
        await asyncio.wait_for(waiting, 1)


class TestTickets:
    async def test_are_good_once_however_many_come_at_once(self, desk: Desk) -> None:
        ada = await desk.account()
        room = await desk.services.create_room(ada, "Den")
        ticket = await desk.services.ticket(ada, room.code, HERE)
        answers = await asyncio.gather(*(desk.services.admit(ticket) for _ in range(20)), return_exceptions=True)
        codes = [answer.code for answer in answers if isinstance(answer, Refusal)]
        assert codes == ["ticket_used"] * 19
        (admitted,) = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert (admitted.room, admitted.user, admitted.role) == (room.code, ada.id, "host")

    async def test_are_not_for_rooms_that_are_not_there(self, desk: Desk) -> None:
        ada = await desk.account()
        assert await refused(desk.services.ticket(ada, new_code(), HERE)) == "no_such_room"

    @pytest.mark.parametrize("ticket", [None, "", "x", 1, {}])
    async def test_all_else_is_none(self, desk: Desk, ticket: object) -> None:
        assert await refused(desk.services.admit(ticket)) in {"no_ticket", "bad_ticket"}


class TestAStoreThatDoesNotAnswer:
    @pytest.fixture
    async def broken(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[Desk, User, str, str]:
        ada = await desk.account()
        room = await desk.services.create_room(ada, "Den")
        ticket = desk.ticket(room.code)

        async def fails(*_: object) -> None:
            raise Unavailable from OSError("the disk is full")

        monkeypatch.setattr(desk.store, "_run", fails)
        return desk, ada, room.code, ticket

    async def test_is_a_refusal_and_one_line_in_the_log(
        self, broken: tuple[Desk, User, str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        desk, ada, code, ticket = broken
        services, session = desk.services, desk.tokens.session(ada.id)
        asked = [
            services.register("Bob", "bob@example.org", PASSWORD, HERE),
            services.sign_in("ada@example.org", PASSWORD, HERE),
            services.come_as_guest("Gast", HERE),
            services.sign_out(session),
            services.who(session),
            services.who_sent(f"{COOKIE}={session}"),
            services.create_room(ada, "Den"),
            services.room(code),
            services.open_room(code),
            services.door(ada, code),
            services.options(ada, code),
            services.save_options(ada, code, {"locked": True}),
            services.set_passcode(ada, code, None),
            services.invite(ada, code),
            services.invitations(ada, code),
            services.meetings(ada, code),
            services.attendance_csv(ada, code),
            services.rename(ada, "Ada L."),
            services.change_password(ada, PASSWORD, f"new {PASSWORD}", HERE),
            services.delete_account(ada, PASSWORD, HERE),
            services.delete_room(ada, code),
            services.lobby(ada),
            services.ticket(ada, code, HERE),
            services.admit(ticket),
        ]
        for each in asked:
            assert await refused(each) == "unavailable"
        said = [record.getMessage() for record in caplog.records]
        assert said == ["the store does not answer: OSError"] * len(asked)
        assert all(record.exc_info is None for record in caplog.records)

    async def test_is_tidied_another_day(
        self, broken: tuple[Desk, User, str, str], caplog: pytest.LogCaptureFixture
    ) -> None:
        tidying = asyncio.create_task(broken[0].services.tidy())
        for _ in range(3):
            await asyncio.sleep(0)
        assert not tidying.done()
        tidying.cancel()
        assert "tidied tomorrow" in caplog.text


class TestOpening:
    async def test_what_is_remembered_outlives_the_server(self, tmp_path: Path) -> None:
        """Accounts, rooms and sessions; with the secret of the data folder where none is set."""
        chosen = settings(tmp_path / "data", secret="")
        async with open_services(chosen) as services:
            session = await services.register("Ada", "ada@example.org", PASSWORD, HERE)
            ada = await services.who(session)
            assert ada is not None
            room = await services.create_room(ada, "Den")
        assert {file.name for file in (tmp_path / "data").iterdir()} >= {"secret", "peermeet.db"}
        async with open_services(chosen) as services:
            assert await services.who(session) == ada
            assert (await services.room(room.code)).title == "Den"
            assert await services.sign_in("ada@example.org", PASSWORD, HERE)

    async def test_another_secret_ends_every_session(self, tmp_path: Path) -> None:
        async with open_services(settings(tmp_path, secret="x" * 32)) as services:
            session = await services.register("Ada", "ada@example.org", PASSWORD, HERE)
        async with open_services(settings(tmp_path, secret="y" * 32)) as services:
            assert await services.who(session) is None
        assert not (tmp_path / "secret").exists()

    async def test_what_is_over_is_forgotten_at_the_start(self, tmp_path: Path) -> None:
        chosen = settings(tmp_path, session_hours="1")
        async with open_desk(tmp_path) as desk:
            await desk.store.add_user(User("g-old", "Old", now() - timedelta(hours=3)))
            await desk.store.add_user(User("g-new", "New", now() - timedelta(hours=1)))
        async with open_services(chosen) as services:
            for _ in range(200):
                if await services._store.user("g-old") is None:
                    break
                await asyncio.sleep(0.005)
            assert await services._store.user("g-old") is None
            assert await services._store.user("g-new") is not None
