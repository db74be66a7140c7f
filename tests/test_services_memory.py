"""What is written down while people meet, and what its owner reads of it: a real hub, a real store, no sockets."""

from __future__ import annotations

import asyncio
import csv
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest

from peermeet.core.commands import Admit, Ban, DeleteMessage, EndMeeting, Leave, SetRole, SetRoom
from peermeet.core.errors import Refusal
from peermeet.core.events import AnyEvent
from peermeet.core.model import Ticket
from peermeet.services import recorder
from peermeet.services.rooms import doors_of
from peermeet.signaling.hub import Hub, Seat
from peermeet.signaling.rooms import MemoryRooms
from peermeet.store import Attendance as StayRecord
from peermeet.store import ChatMessage, Meeting, Unavailable, User
from tests.auth.desk import HERE, PASSWORD, Desk, now, open_desk


class Nobody:
    """Has no sockets, and listens to nothing."""

    async def tell(self, sockets: tuple[str, ...], event: AnyEvent) -> None:
        """Say nothing."""

    def __init__(self, there: dict[str, int]) -> None:
        self.there = there

    def told(self, sockets: Iterable[str]) -> None:
        """Look at nobody."""

    def dismiss(self, socket: str) -> None:
        """Close nothing."""

    def present(self, room: str, number: int) -> None:
        self.there[room] = number


class House:
    """A desk with a signaling server's hub behind it."""

    def __init__(self, desk: Desk, ada: User, code: str) -> None:
        self.desk, self.ada, self.code = desk, ada, code
        self.services, self.store = desk.services, desk.store
        self.clock = 1_763_900_000.0
        self.there: dict[str, int] = {}
        keys = count(1)
        self.hub = Hub(
            MemoryRooms(Nobody(self.there)),
            self.services.open_room,
            clock=lambda: self.clock,
            new_key=lambda: f"key-{code}-{next(keys):04}",
            observe=self.services.recorder.note,
        )
        self.services.live = self.hub

    async def comes(self, user: str, role: Any = "member", code: str = "", **more: Any) -> Seat:
        said = {"guest": False} | more
        ticket = Ticket("t", code or self.code, user, user.title(), role, **said)
        return await self.hub.join(ticket, "page-one", f"socket of {user}")

    async def says(self, seat: Seat, text: str, to: str | None = None) -> None:
        message = {"type": "send_message", "topic": "chat", "data": {"text": text}}
        await self.hub.hear(seat, message | ({"to": to} if to else {}))

    async def leaves(self, *seats: Seat) -> None:
        for seat in seats:
            await self.hub.submit(seat.room, Leave(seat.participant))

    async def passes(self, seconds: float) -> None:
        """Let time go by, and what comes of it be written."""
        self.clock += seconds
        await self.hub.tick()
        await self.written()

    async def written(self) -> None:
        assert await self.services.recorder.settled()

    async def lines(self) -> list[str]:
        await self.written()
        return [message.text for message in await self.store.messages_of(self.code, 1000)]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_desk(tmp_path) as desk:
        ada = await desk.account()
        room = await desk.services.create_room(ada, "Den")
        await desk.services.recorder.begin()
        yield House(desk, ada, room.code)


async def refused(asked: Awaitable[Any]) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked
    return refusal.value.code


class TestMeetings:
    async def test_begin_with_the_first_and_end_with_the_last(self, house: House) -> None:
        ada, bob = await house.comes("ada", "host"), await house.comes("bob", guest=True, invitation="i-1")
        await house.written()
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert meeting.ended is None
        stays = await house.services.stays(house.ada, house.code, meeting.id)
        assert sorted((s.name, s.guest, s.invitation, s.left) for s in stays) == [
            ("Ada", False, None, None),
            ("Bob", True, "i-1", None),
        ]
        await house.leaves(ada, bob)
        left = house.clock
        await house.passes(29)
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert meeting.ended is not None
        assert meeting.ended.timestamp() == left
        assert all(s.left is not None for s in await house.services.stays(house.ada, house.code, meeting.id))
        ada = await house.comes("ada", "host")  # a lone host who reloads is soon back
        await house.written()
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert meeting.ended is None
        await house.leaves(ada)
        await house.passes(30)
        await house.leaves(await house.comes("bob"))
        await house.written()
        assert len(await house.services.meetings(house.ada, house.code)) == 2

    async def test_who_goes_and_comes_again_stays_twice(self, house: House) -> None:
        await house.comes("ada", "host")
        await house.leaves(await house.comes("bob"))
        await house.comes("bob")
        await house.written()
        (meeting,) = await house.services.meetings(house.ada, house.code)
        stays = await house.services.stays(house.ada, house.code, meeting.id)
        assert sorted((s.name, s.left is None) for s in stays) == [("Ada", True), ("Bob", False), ("Bob", True)]

    async def test_a_lost_socket_is_one_stay(self, house: House) -> None:
        bob = await house.comes("bob")
        await house.hub.disconnect(bob, "socket of bob")
        await house.hub.resume(bob, "another socket")
        await house.comes("bob")  # the same page, with a ticket
        await house.hub.disconnect(bob, "socket of bob")
        await house.passes(31)
        await house.passes(31)
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert len(await house.services.stays(house.ada, house.code, meeting.id)) == 1
        assert meeting.ended is not None

    async def test_who_only_knocks_was_not_there(self, house: House) -> None:
        await house.services.save_options(house.ada, house.code, {"lobby": True})
        await house.comes("bob")
        await house.written()
        assert await house.services.meetings(house.ada, house.code) == []
        assert house.services.attendance.present(house.code) == 0
        ada = await house.comes("ada", "host")
        await house.leaves(ada)
        await house.written()
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert meeting.ended is not None
        assert [stay.name for stay in await house.services.stays(house.ada, house.code, meeting.id)] == ["Ada"]

    async def test_the_end_for_all_ends_every_stay(self, house: House) -> None:
        ada = await house.comes("ada", "host")
        await house.comes("bob")
        await house.hub.submit(house.code, EndMeeting(ada.participant))
        await house.written()
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert meeting.ended is not None
        stays = await house.services.stays(house.ada, house.code, meeting.id)
        assert [s.left is not None for s in stays] == [True, True]

    async def test_a_server_that_stops_writes_down_the_end(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            ada = await desk.account()
            room = await desk.services.create_room(ada, "Den")
            await desk.services.recorder.begin()
            await House(desk, ada, room.code).comes("bob")
        async with open_desk(tmp_path) as desk:
            (meeting,) = await desk.services.meetings(ada, room.code)
            assert meeting.ended is not None

    async def test_what_a_crash_cut_short_is_ended_at_the_next_start(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            ada = await desk.account()
            room = await desk.services.create_room(ada, "Den")
            started = now() - timedelta(hours=1)
            await desk.store.open_meeting(Meeting("m-1", room.code, started))
            await desk.store.note_arrival(StayRecord("a-1", "m-1", room.code, "bob", "Bob", False, None, started))
            await desk.services.recorder.begin()
            (meeting,) = await desk.services.meetings(ada, room.code)
            assert meeting.ended is not None
            (stay,) = await desk.services.stays(ada, room.code, "m-1")
            assert 3590 < stay.seconds < 3700


class TestAfterTheServerWasLost:
    """A second hub on the same store: nothing is left of the first one but what was written down."""

    @pytest.fixture
    def again(self, house: House) -> Callable[[], Awaitable[House]]:
        async def again() -> House:
            await house.written()
            await house.services.recorder.begin()
            return House(house.desk, house.ada, house.code)

        return again

    async def test_roles_and_bans_are_as_they_were(self, house: House, again: Callable[[], Awaitable[House]]) -> None:
        ada, bob, cem = await house.comes("ada", "host"), await house.comes("bob"), await house.comes("cem")
        await house.hub.submit(house.code, SetRole(ada.participant, bob.participant, "cohost"))
        await house.hub.submit(house.code, Ban(ada.participant, cem.participant, house.clock))
        after = await again()
        bob = await after.comes("bob")
        sitting = await after.hub.sitting(bob)
        assert sitting is not None
        assert sitting[1].role == "cohost"
        assert await refused(after.comes("cem")) == "banned"

    async def test_who_sat_there_comes_in_though_there_is_a_lobby(
        self, house: House, again: Callable[[], Awaitable[House]]
    ) -> None:
        await house.services.save_options(house.ada, house.code, {"lobby": True})
        ada, bob = await house.comes("ada", "host"), await house.comes("bob")
        await house.hub.submit(house.code, Admit(ada.participant, bob.participant))
        after = await again()
        await after.comes("bob")
        assert after.there[house.code] == 1

    async def test_the_chat_of_the_meeting_is_there(self, house: House, again: Callable[[], Awaitable[House]]) -> None:
        bob = await house.comes("bob")
        await house.says(bob, "hello")
        after = await again()
        sitting = await after.hub.sitting(await after.comes("bob"))
        assert sitting is not None
        assert [line.text for line in sitting[0].history] == ["hello"]
        assert await after.lines() == []  # in no record: it is kept for this meeting

    async def test_a_meeting_that_is_over_begins_anew(
        self, house: House, again: Callable[[], Awaitable[House]]
    ) -> None:
        ada, bob = await house.comes("ada", "host"), await house.comes("bob")
        await house.says(ada, "hello")
        await house.hub.submit(house.code, Ban(ada.participant, bob.participant, house.clock))
        await house.hub.submit(house.code, EndMeeting(ada.participant))
        after = await again()
        sitting = await after.hub.sitting(await after.comes("bob"))
        assert sitting is not None
        assert sitting[0].history == ()

    async def test_so_does_one_to_which_nobody_came_back(
        self, house: House, again: Callable[[], Awaitable[House]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recorder, "RETURN", timedelta(0))
        ada, bob = await house.comes("ada", "host"), await house.comes("bob")
        await house.hub.submit(house.code, Ban(ada.participant, bob.participant, house.clock))
        after = await again()
        await after.comes("bob")
        assert after.there[house.code] == 1

    async def test_of_a_deleted_account_nothing_is_left_in_it(
        self, house: House, again: Callable[[], Awaitable[House]]
    ) -> None:
        await house.comes("ada", "host")
        bob = await house.comes("bob")
        await house.says(bob, "hello")
        await house.hub.forget("bob")
        await house.written()
        stood = await house.store.standing(house.code, now())
        assert stood is not None
        assert b"bob" not in stood
        assert b"hello" not in stood


class TestTheChat:
    async def test_is_kept_where_it_is_to_be(self, house: House) -> None:
        other = await house.services.create_room(house.ada, "Attic")
        await house.services.save_options(house.ada, house.code, {"chat": "forever"})
        ada, bob, cem = (
            await house.comes("ada", "host"),
            await house.comes("bob"),
            await house.comes("cem", code=other.code),
        )
        await house.says(bob, "one")
        await house.says(bob, "to Ada alone", to=ada.participant)
        await house.says(ada, "two")
        await house.says(cem, "elsewhere")
        assert await house.lines() == ["one", "two"]
        assert await house.store.messages_of(other.code, 10) == []
        (line, _) = await house.store.messages_of(house.code, 10)
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert (line.user, line.name, line.meeting) == ("bob", "Bob", meeting.id)
        assert line.at.timestamp() == house.clock

    async def test_is_there_for_those_who_come_another_day(self, house: House) -> None:
        await house.services.save_options(house.ada, house.code, {"chat": "forever"})
        bob = await house.comes("bob")
        await house.says(bob, "hello")
        await house.leaves(bob)
        cem = await house.comes("cem")  # at once: what was noted is waited for
        live = await house.hub.room(house.code)
        assert live is not None
        (line,) = live.history
        assert (line.text, line.name, line.user, line.at) == ("hello", "Bob", "bob", house.clock)
        await house.leaves(cem)

    async def test_follows_what_is_deleted(self, house: House) -> None:
        await house.services.save_options(house.ada, house.code, {"chat": "forever"})
        ada = await house.comes("ada", "host")
        for text in ("one", "two", "three"):
            await house.says(ada, text)
        live = await house.hub.room(house.code)
        assert live is not None
        await house.hub.submit(house.code, DeleteMessage(ada.participant, live.history[1].id))
        assert await house.lines() == ["one", "three"]
        await house.hub.submit(house.code, DeleteMessage(ada.participant))
        assert await house.lines() == []

    async def test_is_kept_from_when_the_host_says_so_with_what_was_said(self, house: House) -> None:
        ada = await house.comes("ada", "host")
        await house.says(ada, "one")
        assert await house.lines() == []
        await house.hub.submit(house.code, SetRoom(ada.participant, chat="forever"))
        await house.says(ada, "two")
        assert await house.lines() == ["one", "two"]
        await house.hub.submit(house.code, SetRoom(ada.participant, locked=True))
        assert await house.lines() == ["one", "two"]

    @pytest.mark.parametrize("keeping", ["meeting", "off"])
    async def test_is_kept_no_longer_when_it_is_not_to_be(self, house: House, keeping: Any) -> None:
        await house.services.save_options(house.ada, house.code, {"chat": "forever"})
        ada = await house.comes("ada", "host")
        await house.says(ada, "one")
        assert await house.lines() == ["one"]
        await house.hub.submit(house.code, SetRoom(ada.participant, chat=keeping))
        await house.says(ada, "two")
        assert await house.lines() == []


class TestTheDoors:
    async def test_what_a_host_sets_in_the_meeting_stays(self, house: House) -> None:
        ada, bob = await house.comes("ada", "host"), await house.comes("bob")
        await house.hub.submit(house.code, SetRoom(ada.participant, lobby=True, locked=True, chat="forever"))
        await house.hub.submit(house.code, SetRole(ada.participant, bob.participant, "cohost"))
        await house.written()
        record = await house.store.room(house.code)
        live = await house.hub.room(house.code)
        assert record is not None
        assert live is not None
        assert doors_of(record) == live.doors
        assert (record.lobby, record.locked, record.title) == (True, True, "Den")
        await house.leaves(ada, bob)
        assert (await house.services.open_room(house.code)).doors == live.doors

    async def test_what_the_owner_sets_at_the_same_time_stays_too(self, house: House) -> None:
        ada = await house.comes("ada", "host")
        await asyncio.gather(
            house.hub.submit(house.code, SetRoom(ada.participant, locked=True)),
            house.services.save_options(house.ada, house.code, {"title": "Attic", "capacity": 3}),
            house.services.set_passcode(house.ada, house.code, "open sesame"),
        )
        await house.written()
        record = await house.store.room(house.code)
        assert record is not None
        assert (record.title, record.capacity, record.passcode_hash is not None) == ("Attic", 3, True)


class TestAStoreThatDoesNotAnswer:
    @pytest.fixture
    def away(self, house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        """The store is away; what brings it back."""
        monkeypatch.setattr(recorder, "PATIENCE", (0.01,))
        real, gone = house.store._run, True

        async def run(sql: str, *values: Any) -> Any:
            if gone and sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
                raise Unavailable from OSError("the disk is full")
            return await real(sql, *values)

        def back() -> None:
            nonlocal gone
            gone = False

        monkeypatch.setattr(house.store, "_run", run)
        return back

    async def test_holds_up_nobody_and_is_asked_again(
        self, house: House, away: Callable[[], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        async with asyncio.timeout(1):
            ada = await house.comes("ada", "host")
            bob = await house.comes("bob")
            await house.leaves(bob)
        await asyncio.sleep(0.05)
        assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == [
            "a meeting could not be written yet: the store does not answer"
        ]
        away()
        await house.leaves(ada)
        await house.written()
        (meeting,) = await house.services.meetings(house.ada, house.code)
        stays = await house.services.stays(house.ada, house.code, meeting.id)
        assert sorted(s.name for s in stays) == ["Ada", "Bob"]

    async def test_what_no_longer_fits_is_dropped_and_said_so_once(
        self, house: House, away: Callable[[], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        house.services.recorder._queue._maxsize = 5  # type: ignore[attr-defined]
        for n in range(20):
            await house.leaves(await house.comes(f"user{n}"))
        errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
        assert errors == ["the store is too slow or away: notes of meetings are being dropped"]
        away()
        await house.written()
        await house.comes("bob")
        await house.written()
        assert "notes of meetings were dropped" in caplog.text

    async def test_what_can_never_be_written_stops_nothing_else(
        self, house: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        bob = await house.comes("bob")

        async def broken() -> None:
            raise TypeError

        house.services.recorder._write("a test", broken)
        await house.leaves(bob)
        await house.passes(30)
        (meeting,) = await house.services.meetings(house.ada, house.code)
        assert meeting.ended is not None
        assert "a test could not be written: TypeError" in caplog.text


class TestTheTable:
    async def test_has_a_line_for_each_stay(self, house: House) -> None:
        await house.leaves(await house.comes("bob", guest=True, invitation="i-1"))
        await house.written()
        name, table = await house.services.attendance_csv(house.ada, house.code.upper())
        assert name == f"attendance-{house.code}.csv"
        assert table.startswith("\ufeffmeeting,started,ended,name,")
        (line,) = csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))
        assert (line["name"], line["guest"], line["invitation"], line["minutes"]) == ("Bob", "guest", "i-1", "0.0")
        assert line["came"].endswith("+00:00")
        assert line["left"] >= line["came"]

    @pytest.mark.parametrize(
        "name", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x";"y")', "＝1", 'a","b', "a\u2028b", "'=1", "Zoë"]
    )
    async def test_a_name_is_never_computed(self, house: House, name: str) -> None:
        at = now()
        await house.store.open_meeting(Meeting("m-1", house.code, at))
        await house.store.note_arrival(StayRecord("a-1", "m-1", house.code, "u", name, True, None, at))
        _, table = await house.services.attendance_csv(house.ada, house.code)
        (line,) = csv.DictReader(io.StringIO(table.removeprefix("\ufeff"), newline=""))
        assert line["name"].lstrip("'") == name.lstrip("'")
        assert not line["name"].startswith(("=", "+", "-", "@", "＝"))


class TestOtherPeople:
    """Every method that is handed a user asks whether the room is theirs; all others hear that there is none."""

    async def test_have_nothing_to_do_in_a_room_that_is_not_theirs(self, house: House) -> None:
        services = house.services
        made = await services.invite(house.ada, house.code)
        await house.leaves(await house.comes("bob"))
        await house.written()
        (meeting,) = await services.meetings(house.ada, house.code)
        before = await house.store.room(house.code)
        bob, guest = await house.desk.account("bob@example.org", "Bob"), await house.desk.guest()
        mine = (await services.create_room(bob, "Bob's")).code
        for user in (bob, guest):
            for asked in (
                services.own_room(user, house.code),
                services.options(user, house.code),
                services.save_options(user, house.code, {"locked": True}),
                services.set_passcode(user, house.code, "open sesame"),
                services.set_passcode(user, house.code, None),
                services.invite(user, house.code, "host"),
                services.invitations(user, house.code),
                services.came_by(user, house.code, made.id),
                services.revoke_invitation(user, house.code, made.id),
                services.meetings(user, house.code),
                services.stays(user, house.code, meeting.id),
                services.attendance_csv(user, house.code),
            ):
                assert await refused(asked) == "no_such_room"
        # nor by way of a room of one's own
        assert await services.stays(bob, mine, meeting.id) == []
        assert await refused(services.came_by(bob, mine, made.id)) == "bad_invitation"
        assert await refused(services.revoke_invitation(bob, mine, made.id)) == "bad_invitation"
        assert await house.store.room(house.code) == before
        (line,) = await services.invitations(house.ada, house.code)
        assert line.good

    async def test_invite_as_soon_as_they_are_hosts_in_the_meeting(self, house: House) -> None:
        bob = await house.desk.account("bob@example.org", "Bob")
        ada, seat = await house.comes(house.ada.id, "host"), await house.comes(bob.id)
        assert await refused(house.services.invite(bob, house.code)) == "no_such_room"
        await house.hub.submit(house.code, SetRole(ada.participant, seat.participant, "host"))
        assert await house.services.invite(bob, house.code)
        await house.leaves(seat)
        assert await refused(house.services.invite(bob, house.code)) == "no_such_room"

    @pytest.mark.parametrize("odd", [None, 1, [], {"$ne": None}, "\ud800", "x" * 10_000], ids=lambda o: repr(o)[:20])
    async def test_odd_ids_are_nobody_s(self, house: House, odd: Any) -> None:
        services = house.services
        for asked in (services.options(house.ada, odd), services.meetings(house.ada, odd)):
            assert await refused(asked) == "no_such_room"
        assert await refused(services.came_by(house.ada, house.code, odd)) == "bad_invitation"
        if isinstance(odd, str):
            assert await services.stays(house.ada, house.code, odd) == []
        else:
            assert await refused(services.stays(house.ada, house.code, odd)) == "bad_message"


class TestOptions:
    async def test_are_shown_without_the_passcode(self, house: House) -> None:
        await house.services.set_passcode(house.ada, house.code, "open sesame")
        options = await house.services.options(house.ada, house.code)
        assert options.passcode is True
        assert b"$2b$" not in str(options).encode()

    async def test_what_is_not_named_stays(self, house: House) -> None:
        services = house.services
        await services.save_options(house.ada, house.code, {"lobby": True, "capacity": "3", "title": "Attic"})
        options = await services.save_options(house.ada, house.code, {"locked": True, "capacity": ""})
        assert (options.lobby, options.locked, options.capacity, options.title) == (True, True, None, "Attic")
        assert await services.options(house.ada, house.code) == options

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"owner": "me"}, "bad_message", None),
            ({"code": "x"}, "bad_message", None),
            ({"passcode_hash": b"x"}, "bad_message", None),
            ({"lobby": "yes"}, "bad_message", "lobby"),
            ({"lobby": 1}, "bad_message", "lobby"),
            ({"locked": None}, "bad_message", "locked"),
            ({"chat": "always"}, "bad_message", "chat"),
            ({"chat": ["off"]}, "bad_message", "chat"),
            ({"title": "<b>"}, "bad_title", "title"),
            ({"capacity": 1}, "bad_capacity", "capacity"),
            ({"capacity": 13}, "bad_capacity", "capacity"),
            ({"capacity": True}, "bad_capacity", "capacity"),
            ({"capacity": 3.5}, "bad_capacity", "capacity"),
            ({"capacity": "٣"}, "bad_capacity", "capacity"),
            ({"opens": "soon"}, "bad_hours", "opens"),
            ({"closes": 5}, "bad_hours", "closes"),
            ({"opens": "2030-01-02T00:00Z", "closes": "2030-01-01T00:00Z"}, "bad_hours", "closes"),
        ],
        ids=repr,
    )
    async def test_what_is_wrong_changes_nothing(
        self, house: House, changes: dict[str, object], code: str, field: str | None
    ) -> None:
        before = await house.store.room(house.code)
        with pytest.raises(Refusal) as refusal:
            await house.services.save_options(house.ada, house.code, {"one_device": True, **changes})
        assert (refusal.value.code, refusal.value.field) == (code, field)
        assert await house.store.room(house.code) == before


class TestRelays:
    TURN: ClassVar = {"turn_urls": "turn:relay.example.org", "turn_secret": "x" * 20}

    async def test_are_asked_for_where_there_are_some(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path, **self.TURN) as desk:
            ada = await desk.account()
            code = (await desk.services.create_room(ada, "Den")).code
            assert (await desk.services.save_options(ada, code, {"relay_only": True})).relay_only
            room = await desk.services.open_room(code)
            assert (room.doors.relay_only, room.relays) == (True, True)

    async def test_that_are_not_there_are_not_asked_for(self, house: House) -> None:
        services = house.services
        with pytest.raises(Refusal) as refusal:
            await services.save_options(house.ada, house.code, {"locked": True, "relay_only": True})
        assert (refusal.value.code, refusal.value.field) == ("no_relay", "relay_only")
        ada = await house.comes(house.ada.id, "host")
        assert await refused(house.hub.submit(house.code, SetRoom(ada.participant, relay_only=True))) == "no_relay"
        options = await services.options(house.ada, house.code)
        assert (options.locked, options.relay_only) == (False, False)

    async def test_that_were_there_once_can_be_given_up(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            ada = await desk.account()
            code = await desk.room(ada.id, relay_only=True)
            assert (await desk.services.open_room(code)).doors.relay_only  # nobody's address is told for all that
            assert not (await desk.services.save_options(ada, code, {"relay_only": False})).relay_only


class TestAccounts:
    async def test_a_name_can_be_changed(self, house: House) -> None:
        await house.services.rename(house.ada, "  Ada L. ")
        user = await house.store.user(house.ada.id)
        assert user is not None
        assert user.name == "Ada L."
        assert await refused(house.services.rename(house.ada, "<b>")) == "bad_name"

    async def test_a_password_can_be_changed_by_who_knows_it(self, house: House) -> None:
        services, new = house.services, "another horse battery staple"
        assert await refused(services.change_password(house.ada, "wrong", new, HERE)) == "wrong_password"
        assert await refused(services.change_password(house.ada, PASSWORD, "password123", HERE)) == "weak_password"
        assert await refused(services.change_password(await house.desk.guest(), "", new, HERE)) == "not_signed_in"
        await services.change_password(house.ada, PASSWORD, new, HERE)
        assert await refused(services.sign_in("ada@example.org", PASSWORD, HERE)) == "wrong_password"
        assert await services.sign_in("ada@example.org", new, HERE)

    async def test_guessing_it_there_is_counted_as_at_the_door(self, house: House) -> None:
        for n in range(10):
            asked = house.services.delete_account(house.ada, f"guess {n}", HERE)
            assert await refused(asked) == "wrong_password"
        assert await refused(house.services.delete_account(house.ada, PASSWORD, HERE)) == "too_many_attempts"
        assert await refused(house.services.sign_in("ada@example.org", PASSWORD, HERE)) == "too_many_attempts"

    async def test_one_that_is_deleted_takes_along_all_that_is_theirs(self, house: House) -> None:
        services, store = house.services, house.store
        bob = await house.desk.account("bob@example.org", "Bob")
        theirs = (await services.create_room(bob, "Bob's")).code
        await services.save_options(house.ada, house.code, {"chat": "forever"})
        session = house.desk.tokens.session(bob.id)
        ticket = await services.ticket(bob, house.code, HERE)
        made = await services.invite(house.ada, house.code)
        await services.ticket(bob, house.code, HERE, invitation=made.token)
        await house.comes("ada", "host")
        seat = await house.comes(bob.id)
        own = await house.comes("cem", code=theirs)
        await house.says(seat, "my words")
        assert await refused(services.delete_account(bob, "wrong", HERE)) == "wrong_password"
        await services.delete_account(bob, PASSWORD, HERE)
        assert await house.hub.sitting(seat) is None
        assert await house.hub.sitting(own) is None
        assert await services.who(session) is None
        assert await refused(services.admit(ticket)) == "bad_ticket"
        assert await refused(services.sign_in("bob@example.org", PASSWORD, HERE)) == "wrong_password"
        assert await refused(services.room(theirs)) == "no_such_room"
        await house.written()
        assert await house.lines() == []
        (meeting,) = await services.meetings(house.ada, house.code)
        stays = await services.stays(house.ada, house.code, meeting.id)
        assert sorted((s.name, s.left is None) for s in stays) == [("", False), ("Ada", True)]
        for table in ("users", "rooms", "visits", "attendance", "messages", "invitation_uses"):
            assert bob.id not in str(await store._run(f"SELECT * FROM {table}"))

    async def test_a_guest_goes_without_a_password(self, house: House) -> None:
        guest = await house.desk.guest()
        await house.services.delete_account(guest, None, HERE)
        assert await house.store.user(guest.id) is None


async def test_a_line_of_the_chat_is_told_as_it_was_written(house: House) -> None:
    at = now().replace(microsecond=123_000)
    await house.services.save_options(house.ada, house.code, {"chat": "forever"})
    await house.store.add_message(ChatMessage("m", house.code, "", "u", "Bob", "hello", at))
    (line,) = (await house.services.open_room(house.code)).history
    assert (line.id, line.by, line.at) == ("m", "", at.timestamp())
