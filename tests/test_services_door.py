"""The door before signaling: passcodes, invitations, opening hours, and what a ticket says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bcrypt
import pytest

from peermeet.core.errors import Refusal
from peermeet.core.model import Doors, Ticket
from peermeet.services import Services, new_code
from peermeet.services import desk as desk_module
from peermeet.store import User
from tests.auth.desk import HERE, PASSWORD, Desk, now, open_desk

THERE = "198.51.100.1"
PASSCODE = "open sesame"
ODD = [1, 1.5, True, [], ["x"], {}, {"$ne": None}, "x" * 100_000, "\ud800", "\x00", b"x"]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
async def den(desk: Desk) -> SimpleNamespace:
    """Ada's room, Bob with an account, and a guest."""
    ada, bob = await desk.account(), await desk.account("bob@example.org", "Bob")
    code = (await desk.services.create_room(ada, "Den")).code
    return SimpleNamespace(ada=ada, bob=bob, guest=await desk.guest(), code=code)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock of the services on."""
    shift = timedelta()

    def move(by: timedelta) -> None:
        nonlocal shift
        shift += by

    for name in ("accounts", "desk", "history", "invitations", "rooms", "tickets"):
        monkeypatch.setattr(f"peermeet.services.{name}.now", lambda: now() + shift)
    return move


async def refused(asked: Awaitable[Any]) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked
    return refusal.value.code


async def read(services: Services, asked: Awaitable[str]) -> Ticket:
    return await services.admit(await asked)


class TestPasscodes:
    async def test_are_asked_of_everybody_but_the_owner(self, desk: Desk, den: SimpleNamespace) -> None:
        services = desk.services
        await services.set_passcode(den.ada, den.code, PASSCODE)
        assert (await read(services, services.ticket(den.ada, den.code, HERE))).role == "host"
        for user in (den.bob, den.guest):
            assert await refused(services.ticket(user, den.code, HERE)) == "wrong_passcode"
            assert await refused(services.ticket(user, den.code, HERE, passcode="wrong")) == "wrong_passcode"
            ticket = await read(services, services.ticket(user, den.code, HERE, passcode=f" {PASSCODE} "))
            assert (ticket.user, ticket.role, ticket.invitation) == (user.id, "member", None)

    async def test_are_remembered_as_a_bcrypt_hash_alone(self, desk: Desk, den: SimpleNamespace) -> None:
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        record = await desk.store.room(den.code)
        assert record is not None
        assert record.passcode_hash is not None
        assert record.passcode_hash.startswith(b"$2b$04$")

    async def test_of_bcrypt_s_bounds_nothing_is_felt(self, desk: Desk, den: SimpleNamespace) -> None:
        long = "pässcode" * 8
        await desk.services.set_passcode(den.ada, den.code, long)
        assert await refused(desk.services.ticket(den.bob, den.code, HERE, passcode=long[:-1])) == "wrong_passcode"
        assert await desk.services.ticket(den.bob, den.code, HERE, passcode=long)

    async def test_said_once_need_not_be_said_again(self, desk: Desk, den: SimpleNamespace) -> None:
        services = desk.services
        await services.set_passcode(den.ada, den.code, PASSCODE)
        await services.ticket(den.bob, den.code, HERE, passcode=PASSCODE)
        assert await services.ticket(den.bob, den.code, THERE)
        assert await refused(services.ticket(den.guest, den.code, HERE)) == "wrong_passcode"
        other = await services.create_room(den.ada, "Attic")
        await services.set_passcode(den.ada, other.code, PASSCODE)
        assert await refused(services.ticket(den.bob, other.code, HERE)) == "wrong_passcode"

    async def test_another_one_must_be_said_again(self, desk: Desk, den: SimpleNamespace) -> None:
        services = desk.services
        await services.set_passcode(den.ada, den.code, PASSCODE)
        await services.ticket(den.bob, den.code, HERE, passcode=PASSCODE)
        await services.set_passcode(den.ada, den.code, "another one")
        assert await refused(services.ticket(den.bob, den.code, HERE, passcode=PASSCODE)) == "wrong_passcode"
        await services.set_passcode(den.ada, den.code, None)
        assert await services.ticket(den.bob, den.code, HERE)

    async def test_said_once_are_forgotten_after_half_a_day(self, desk: Desk, den: SimpleNamespace, later: Any) -> None:
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        await desk.services.ticket(den.bob, den.code, HERE, passcode=PASSCODE)
        later(timedelta(hours=11))
        assert await desk.services.ticket(den.bob, den.code, HERE)
        later(timedelta(hours=2))
        assert await refused(desk.services.ticket(den.bob, den.code, HERE)) == "wrong_passcode"

    @pytest.mark.parametrize("passcode", ODD, ids=lambda passcode: repr(passcode)[:20])
    async def test_what_is_none_is_wrong(self, desk: Desk, den: SimpleNamespace, passcode: object) -> None:
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        asked = desk.services.ticket(den.bob, den.code, HERE, passcode=passcode)
        assert await refused(asked) == "wrong_passcode"

    @pytest.mark.parametrize("passcode", ["", "   ", "abc", " abc ", "x" * 65, *ODD], ids=lambda p: repr(p)[:20])
    async def test_what_cannot_be_one_is_not_set(self, desk: Desk, den: SimpleNamespace, passcode: object) -> None:
        assert await refused(desk.services.set_passcode(den.ada, den.code, passcode)) == "bad_passcode"
        assert await desk.services.ticket(den.bob, den.code, HERE)

    async def test_wrong_ones_are_counted_and_missing_ones_are_not(self, desk: Desk, den: SimpleNamespace) -> None:
        services = desk.services
        await services.set_passcode(den.ada, den.code, PASSCODE)
        for _ in range(30):
            assert await refused(services.ticket(den.bob, den.code, HERE)) == "wrong_passcode"
        for n in range(20):
            assert await refused(services.ticket(den.bob, den.code, HERE, passcode=f"no {n}")) == "wrong_passcode"
        asked = services.ticket(den.bob, den.code, HERE, passcode=PASSCODE)
        assert await refused(asked) == "too_many_attempts"
        assert await services.ticket(den.bob, den.code, THERE, passcode=PASSCODE)
        assert await services.ticket(den.bob, den.code, HERE)  # it is known that they know
        assert await services.ticket(den.ada, den.code, HERE)

    async def test_guessing_from_everywhere_locks_out_neither_owner_nor_invited(
        self, desk: Desk, den: SimpleNamespace
    ) -> None:
        services = desk.services
        await services.set_passcode(den.ada, den.code, PASSCODE)
        invited = await services.invite(den.ada, den.code)
        for n in range(100):
            guess = services.ticket(den.guest, den.code, f"203.0.113.{n}", passcode="guess")
            assert await refused(guess) == "wrong_passcode"
        last = services.ticket(den.guest, den.code, "203.0.113.200", passcode=PASSCODE)
        assert await refused(last) == "too_many_attempts"
        assert await services.ticket(den.ada, den.code, HERE)
        assert await services.ticket(den.bob, den.code, HERE, invitation=invited.token)

    async def test_a_restart_forgives_nothing(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            ada, bob = await desk.account(), await desk.account("bob@example.org", "Bob")
            code = (await desk.services.create_room(ada, "Den")).code
            await desk.services.set_passcode(ada, code, PASSCODE)
            for _ in range(20):
                await refused(desk.services.ticket(bob, code, HERE, passcode="wrong"))
        async with open_desk(tmp_path) as desk:
            asked = desk.services.ticket(bob, code, HERE, passcode=PASSCODE)
            assert await refused(asked) == "too_many_attempts"

    async def test_a_burst_gets_no_more_guesses(
        self, desk: Desk, den: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        compared: list[bytes] = []
        real = bcrypt.checkpw

        def counted(password: bytes, hashed: bytes) -> bool:
            compared.append(hashed)
            return real(password, hashed)

        monkeypatch.setattr(bcrypt, "checkpw", counted)
        guesses = [desk.services.ticket(den.bob, den.code, HERE, passcode=f"guess {n}") for n in range(100)]
        answers = await asyncio.gather(*guesses, return_exceptions=True)
        assert {answer.code for answer in answers if isinstance(answer, Refusal)} == {
            "wrong_passcode",
            "too_many_attempts",
        }
        assert len(compared) < 20 + (os.cpu_count() or 1)


class TestInvitations:
    @pytest.mark.parametrize("role", ["host", "cohost", "member", "listener"])
    async def test_bring_one_in_as_what_they_say(self, desk: Desk, den: SimpleNamespace, role: str) -> None:
        made = await desk.services.invite(den.ada, den.code, role)
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        asked = desk.services.ticket(den.guest, den.code, HERE, invitation=made.token)
        ticket = await read(desk.services, asked)
        assert (ticket.role, ticket.invitation, ticket.guest) == (role, made.id, True)

    async def test_are_shown_once_and_kept_as_a_hash(self, desk: Desk, den: SimpleNamespace) -> None:
        made = await desk.services.invite(den.ada, den.code)
        assert len(made.token) == 43  # 256 bits
        assert made.token not in str(await desk.store._run("SELECT * FROM invitations"))
        assert made.token not in str(await desk.services.invitations(den.ada, den.code))

    async def test_are_for_one_room(self, desk: Desk, den: SimpleNamespace) -> None:
        other = await desk.services.create_room(den.ada, "Attic")
        made = await desk.services.invite(den.ada, other.code)
        asked = desk.services.ticket(den.bob, den.code, HERE, invitation=made.token)
        assert await refused(asked) == "bad_invitation"

    @pytest.mark.parametrize("token", [*ODD, "no such token"], ids=lambda token: repr(token)[:20])
    async def test_all_else_is_none(self, desk: Desk, den: SimpleNamespace, token: object) -> None:
        asked = desk.services.ticket(den.bob, den.code, HERE, invitation=token)
        assert await refused(asked) == "bad_invitation"

    async def test_nothing_said_is_no_invitation(self, desk: Desk, den: SimpleNamespace) -> None:
        for nothing in (None, ""):
            asked = desk.services.ticket(den.bob, den.code, HERE, invitation=nothing)
            assert (await read(desk.services, asked)).invitation is None

    async def test_have_an_end_and_a_number_of_uses(self, desk: Desk, den: SimpleNamespace, later: Any) -> None:
        services = desk.services
        once = await services.invite(den.ada, den.code, uses=1)
        brief = await services.invite(den.ada, den.code, expires=now() + timedelta(hours=1))
        assert await services.ticket(den.bob, den.code, HERE, invitation=once.token)
        assert await services.ticket(den.bob, den.code, HERE, invitation=once.token)  # again, and it uses nothing
        assert await refused(services.ticket(den.guest, den.code, HERE, invitation=once.token)) == "bad_invitation"
        assert await services.ticket(den.guest, den.code, HERE, invitation=brief.token)
        later(timedelta(hours=2))
        assert await refused(services.ticket(den.guest, den.code, HERE, invitation=brief.token)) == "bad_invitation"
        lines = {line.id: line for line in await services.invitations(den.ada, den.code)}
        assert (lines[once.id].used, lines[once.id].uses, lines[once.id].good) == (1, 1, False)
        assert (lines[brief.id].used, lines[brief.id].good) == (1, False)

    async def test_of_many_who_come_by_one_for_three_three_get_in(self, desk: Desk, den: SimpleNamespace) -> None:
        made = await desk.services.invite(den.ada, den.code, uses="3")
        guests = [await desk.guest(f"Gast {n}") for n in range(10)]
        tries = [desk.services.ticket(guest, den.code, HERE, invitation=made.token) for guest in guests]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(answer, str) for answer in answers) == 3

    async def test_can_be_revoked(self, desk: Desk, den: SimpleNamespace) -> None:
        services = desk.services
        made = await services.invite(den.ada, den.code)
        await services.ticket(den.bob, den.code, HERE, invitation=made.token)
        await services.revoke_invitation(den.ada, den.code, made.id)
        await services.revoke_invitation(den.ada, den.code, made.id)
        for user in (den.bob, den.guest):
            assert await refused(services.ticket(user, den.code, HERE, invitation=made.token)) == "bad_invitation"
        (line,) = await services.invitations(den.ada, den.code)
        assert (line.revoked, line.good) == (True, False)

    async def test_tell_who_came(self, desk: Desk, den: SimpleNamespace, later: Any) -> None:
        made = await desk.services.invite(den.ada, den.code)
        for user in (den.bob, den.guest, den.bob):
            await desk.services.ticket(user, den.code, HERE, invitation=made.token)
            later(timedelta(seconds=1))
        assert [came.name for came in await desk.services.came_by(den.ada, den.code, made.id)] == ["Bob", "Gast"]
        await desk.store.delete_guests(now() + timedelta(days=1))
        assert [came.name for came in await desk.services.came_by(den.ada, den.code, made.id)] == ["Bob", ""]

    async def test_the_owner_needs_none_and_uses_none(self, desk: Desk, den: SimpleNamespace) -> None:
        made = await desk.services.invite(den.ada, den.code, "listener", uses=1)
        asked = desk.services.ticket(den.ada, den.code, HERE, invitation=made.token)
        assert (await read(desk.services, asked)).role == "host"
        (line,) = await desk.services.invitations(den.ada, den.code)
        assert line.used == 0

    @pytest.mark.parametrize(
        ("how", "code"),
        [
            ({"role": "owner"}, "bad_message"),
            ({"role": None}, "bad_message"),
            ({"role": ["host"]}, "bad_message"),
            ({"uses": 0}, "bad_message"),
            ({"uses": -1}, "bad_message"),
            ({"uses": True}, "bad_message"),
            ({"uses": 1.5}, "bad_message"),
            ({"uses": 10**6}, "bad_message"),
            ({"uses": "many"}, "bad_message"),
            ({"uses": {"$gt": 0}}, "bad_message"),
            ({"expires": "tomorrow"}, "bad_hours"),
            ({"expires": "2026-01-01T00:00:00"}, "bad_hours"),  # whose midnight?
            ({"expires": datetime(2026, 1, 1)}, "bad_hours"),
            ({"expires": "2001-01-01T00:00:00Z"}, "bad_hours"),
            ({"expires": "0001-01-01T00:00:00+14:00"}, "bad_hours"),
            ({"expires": 1}, "bad_hours"),
            ({"expires": {"$gt": ""}}, "bad_hours"),
        ],
        ids=repr,
    )
    async def test_what_cannot_be_one_is_not_made(
        self, desk: Desk, den: SimpleNamespace, how: dict[str, object], code: str
    ) -> None:
        assert await refused(desk.services.invite(den.ada, den.code, **how)) == code
        assert await desk.services.invitations(den.ada, den.code) == []

    async def test_guessing_them_is_counted(self, desk: Desk, den: SimpleNamespace) -> None:
        made = await desk.services.invite(den.ada, den.code)
        for n in range(60):
            await refused(desk.services.ticket(den.guest, den.code, HERE, invitation=f"guess{n}"))
        asked = desk.services.ticket(den.guest, den.code, HERE, invitation=made.token)
        assert await refused(asked) == "too_many_attempts"
        assert await desk.services.ticket(den.guest, den.code, THERE, invitation=made.token)
        assert await desk.services.ticket(den.guest, den.code, HERE)

    async def test_are_not_endless(self, desk: Desk, den: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("peermeet.services.invitations.MOST", 3)
        for _ in range(3):
            await desk.services.invite(den.ada, den.code)
        assert await refused(desk.services.invite(den.ada, den.code)) == "too_many"


class TestInvitationsOfHosts:
    """Bob is no owner, but sits in the meeting as a host."""

    @pytest.fixture(autouse=True)
    def seated(self, desk: Desk, den: SimpleNamespace) -> set[str]:
        hosts = desk.meets().seated[den.code] = {den.bob.id}
        return hosts

    @pytest.mark.parametrize("role", ["member", "listener"])
    async def test_bring_in_members_and_listeners(self, desk: Desk, den: SimpleNamespace, role: str) -> None:
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        made = await desk.services.invite(den.bob, den.code, role)
        ticket = await read(desk.services, desk.services.ticket(den.guest, den.code, HERE, invitation=made.token))
        assert (ticket.role, ticket.invitation) == (role, made.id)

    @pytest.mark.parametrize("role", ["cohost", "host"])
    async def test_appoint_nobody_for_the_meetings_to_come(self, desk: Desk, den: SimpleNamespace, role: str) -> None:
        assert await refused(desk.services.invite(den.bob, den.code, role)) == "not_allowed"
        assert await desk.services.invitations(den.ada, den.code) == []

    @pytest.mark.parametrize("asked", [None, timedelta(days=300), timedelta(hours=1)], ids=str)
    async def test_end_within_a_day(self, desk: Desk, den: SimpleNamespace, later: Any, asked: Any) -> None:
        made = await desk.services.invite(den.bob, den.code, expires=now() + asked if asked else None)
        (line,) = await desk.services.invitations(den.bob, den.code)
        assert line.expires is not None
        life = timedelta(hours=1) if asked == timedelta(hours=1) else timedelta(days=1)
        assert life - timedelta(minutes=1) < line.expires - now() <= life
        later(life)
        use = desk.services.ticket(den.guest, den.code, HERE, invitation=made.token)
        assert await refused(use) == "bad_invitation"

    async def test_are_made_by_nobody_who_is_host_no_longer(
        self, desk: Desk, den: SimpleNamespace, seated: set[str]
    ) -> None:
        made = await desk.services.invite(den.bob, den.code)
        seated.clear()
        for asked in (
            desk.services.invite(den.bob, den.code),
            desk.services.invitations(den.bob, den.code),
            desk.services.came_by(den.bob, den.code, made.id),
            desk.services.revoke_invitation(den.bob, den.code, made.id),
        ):
            assert await refused(asked) == "no_such_room"
        elsewhere = await desk.services.create_room(den.ada, "Attic")
        seated.add(den.bob.id)
        assert await refused(desk.services.invite(den.bob, elsewhere.code)) == "no_such_room"

    async def test_are_theirs_and_the_owner_s_to_see_and_to_revoke(
        self, desk: Desk, den: SimpleNamespace, seated: set[str], later: Any
    ) -> None:
        services = desk.services
        seated.add(den.guest.id)
        by_ada = await services.invite(den.ada, den.code, "host")
        later(timedelta(seconds=1))
        by_bob = await services.invite(den.bob, den.code)
        later(timedelta(seconds=1))
        by_guest = await services.invite(den.guest, den.code)
        lines = [(line.number, line.id, line.by) for line in await services.invitations(den.ada, den.code)]
        assert lines == [(3, by_guest.id, "Gast"), (2, by_bob.id, "Bob"), (1, by_ada.id, None)]
        assert [line.number for line in await services.invitations(den.bob, den.code)] == [3, 2]
        assert await refused(services.came_by(den.bob, den.code, by_ada.id)) == "bad_invitation"
        assert await refused(services.revoke_invitation(den.bob, den.code, by_ada.id)) == "bad_invitation"
        assert await services.came_by(den.bob, den.code, by_guest.id) == []
        await services.revoke_invitation(den.bob, den.code, by_guest.id)
        await services.revoke_invitation(den.ada, den.code, by_bob.id)
        assert [line.good for line in await services.invitations(den.ada, den.code)] == [False, False, True]

    async def test_are_somebody_s_no_more_when_their_account_is_deleted(self, desk: Desk, den: SimpleNamespace) -> None:
        made = await desk.services.invite(den.bob, den.code)
        await desk.services.delete_account(den.bob, PASSWORD, HERE)
        assert [line.by for line in await desk.services.invitations(den.ada, den.code)] == [""]
        await desk.services.revoke_invitation(den.ada, den.code, made.id)

    async def test_use_up_none_of_the_owner_s(
        self, desk: Desk, den: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("peermeet.services.invitations.MOST", 1)
        monkeypatch.setattr("peermeet.services.invitations.MOST_OF_HOSTS", 2)
        for _ in range(2):
            await desk.services.invite(den.bob, den.code)
        assert await refused(desk.services.invite(den.bob, den.code)) == "too_many"
        await desk.services.invite(den.ada, den.code)
        assert await refused(desk.services.invite(den.ada, den.code)) == "too_many"

    async def test_are_all_that_such_a_host_has_of_the_room(self, desk: Desk, den: SimpleNamespace) -> None:
        for asked in (
            desk.services.options(den.bob, den.code),
            desk.services.save_options(den.bob, den.code, {"locked": True}),
            desk.services.set_passcode(den.bob, den.code, None),
            desk.services.meetings(den.bob, den.code),
            desk.services.attendance_csv(den.bob, den.code),
        ):
            assert await refused(asked) == "no_such_room"
        assert await refused(desk.services.delete_room(den.bob, den.code)) == "not_your_room"


class TestOpeningHours:
    async def test_keep_all_but_the_host_out(self, desk: Desk, den: SimpleNamespace, later: Any) -> None:
        services = desk.services
        hours = {"opens": now() + timedelta(hours=1), "closes": (now() + timedelta(hours=2)).isoformat()}
        await services.save_options(den.ada, den.code, hours)
        cohost = await services.invite(den.ada, den.code, "cohost")
        host = await services.invite(den.ada, den.code, "host")

        async def answers() -> set[str]:
            found = {
                await refused(services.ticket(den.bob, den.code, HERE)),
                await refused(services.ticket(den.guest, den.code, HERE, invitation=cohost.token)),
            }
            assert await services.ticket(den.ada, den.code, HERE)
            assert await services.ticket(den.guest, den.code, HERE, invitation=host.token)
            return found

        assert await answers() == {"not_open_yet"}
        later(timedelta(hours=1))
        assert await services.ticket(den.bob, den.code, HERE)
        assert await services.ticket(den.guest, den.code, HERE, invitation=cohost.token)
        later(timedelta(hours=1))
        assert await answers() == {"closed"}

    async def test_a_ticket_is_no_longer_good_when_the_room_closes(
        self, desk: Desk, den: SimpleNamespace, later: Any
    ) -> None:
        await desk.services.save_options(den.ada, den.code, {"closes": now() + timedelta(minutes=60, seconds=10)})
        later(timedelta(minutes=60))
        ticket = await desk.services.ticket(den.bob, den.code, HERE)
        desk.tokens._clock = lambda: now() + timedelta(seconds=11)
        assert await refused(desk.services.admit(ticket)) == "ticket_expired"

    async def test_a_meeting_is_told_when_its_room_closes(self, desk: Desk, den: SimpleNamespace, later: Any) -> None:
        live = desk.meets()
        closes = now().replace(microsecond=0) + timedelta(hours=1)
        await desk.services.save_options(den.ada, den.code, {"closes": closes})
        assert (await desk.services.open_room(den.code)).closes == closes.timestamp()
        assert live.told == [("change", (den.code, Doors(), closes.timestamp()))]
        await desk.services.save_options(den.ada, den.code, {"closes": now() - timedelta(hours=1)})
        assert live.told[-1][1][2] < now().timestamp()  # now
        await desk.services.save_options(den.ada, den.code, {"closes": None})
        assert live.told[-1] == ("change", (den.code, Doors(), None))

    async def test_a_host_may_meet_after_hours(self, desk: Desk, den: SimpleNamespace, later: Any) -> None:
        live = desk.meets()
        await desk.services.save_options(den.ada, den.code, {"closes": now() + timedelta(hours=1)})
        later(timedelta(hours=2))
        assert (await desk.services.open_room(den.code)).closes is None
        await desk.services.save_options(den.ada, den.code, {"title": "Late"})
        assert live.told[-1] == ("change", (den.code, Doors(), None))

    async def test_the_door_tells_them(self, desk: Desk, den: SimpleNamespace) -> None:
        opens = now().replace(microsecond=0) + timedelta(hours=1)
        await desk.services.save_options(den.ada, den.code, {"opens": opens})
        await desk.services.set_passcode(den.ada, den.code, PASSCODE)
        door = await desk.services.door(None, den.code.upper())
        assert (door.code, door.title, door.mine, door.passcode, door.opens, door.closes) == (
            den.code,
            "Den",
            False,
            True,
            opens,
            None,
        )
        assert not (await desk.services.door(den.ada, den.code)).passcode
        await desk.services.save_options(den.ada, den.code, {"opens": None})
        await desk.services.ticket(den.bob, den.code, HERE, passcode=PASSCODE)
        assert not (await desk.services.door(den.bob, den.code)).passcode
        assert (await desk.services.door(den.guest, den.code)).passcode


class TestMarks:
    async def test_say_the_device_and_the_address_of_one_room_and_nothing_else(
        self, desk: Desk, den: SimpleNamespace
    ) -> None:
        services = desk.services
        other = await services.create_room(den.ada, "Attic")

        async def marks(user: User, code: str, address: str, device: str | None) -> tuple[str, ...]:
            return (await read(services, services.ticket(user, code, address, device=device))).marks

        mine = await marks(den.guest, den.code, HERE, "device-one")
        assert len(mine) == len(set(mine)) == 2
        assert await marks(den.bob, den.code, HERE, "device-one") == mine
        assert set(await marks(den.bob, den.code, HERE, "device-two")) & set(mine) == {mine[0]}
        assert set(await marks(den.bob, den.code, THERE, "device-one")) & set(mine) == {mine[1]}
        assert not set(await marks(den.guest, other.code, HERE, "device-one")) & set(mine)
        assert await marks(den.guest, den.code, HERE, None) == (mine[0],)
        assert await marks(den.guest, den.code, "127.0.0.1", "device-one") == (mine[1],)  # a proxy's, that nobody named
        assert HERE not in str(mine)
        assert "device" not in str(mine)

    async def test_an_address_is_no_device(self, desk: Desk, den: SimpleNamespace) -> None:
        asked = desk.services.ticket(den.guest, den.code, HERE, device=HERE)
        assert len(set((await read(desk.services, asked)).marks)) == 2


class TestRoomCodes:
    async def test_guessing_them_is_counted(self, desk: Desk, den: SimpleNamespace) -> None:
        for _ in range(100):
            assert await refused(desk.services.ticket(den.guest, new_code(), HERE)) == "no_such_room"
        assert await refused(desk.services.ticket(den.guest, den.code, HERE)) == "too_many_attempts"
        assert await desk.services.ticket(den.guest, den.code, THERE)


class TestOpening:
    async def test_a_room_is_opened_as_its_record_has_it(self, desk: Desk) -> None:
        settings: dict[str, Any] = {
            "lobby": True,
            "locked": True,
            "wait_for_host": True,
            "one_device": True,
            "chat": "off",
            "relay_only": True,
        }
        code = await desk.room("u-ada", capacity=3, **settings)
        room = await desk.services.open_room(code)
        assert (room.id, room.owner, room.capacity, room.doors) == (code, "u-ada", 3, Doors(**settings))
        assert room.grace == desk.services.settings.grace
        plain = await desk.services.open_room(await desk.room())
        assert (plain.doors, plain.capacity) == (Doors(), desk.services.settings.capacity)

    async def test_a_room_that_is_not_there_is_not_opened(self, desk: Desk) -> None:
        assert await refused(desk.services.open_room(new_code())) == "no_such_room"


def test_the_clock_of_the_services_is_in_utc() -> None:
    assert desk_module.now().utcoffset() == timedelta()
