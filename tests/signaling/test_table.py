"""Every command by every role in every state, over real sockets: what is answered; a refusal is heard by nobody.

The table is written out here and compared with the one that the core asks, `permissions.py`. The states: connected and
not joined, knocking, seated, removed (the socket still open), and seated in another room.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import get_args

import pytest

from peermeet.core import permissions
from peermeet.core.model import Role
from peermeet.core.wire import TYPES
from peermeet.signaling import limits
from tests.signaling.conftest import House, offer
from tests.signaling.wire import Packet, Socket, code

YES, NO, OUT = "granted", "not_allowed", "not_joined"
NOBODY, NOTHING = "no_such_participant", "no_such_message"
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass
class Den:
    """Hal hosts, Mia is a member with a line in the chat, Kim knocks, Dan is out."""

    room: str
    hal: Socket
    mia: Socket
    kim: Socket
    line: str


Command = Callable[[Den], Packet]
# What a host, a co-host, a member and a listener are answered who sit in the den; what by whoever sits elsewhere and
# may at all; and what by whoever knocks. All other states: `not_joined`, whatever it is.
TABLE: dict[str, tuple[Command, str, str, str, str, str, str]] = {
    "leave": (lambda den: {}, YES, YES, YES, YES, YES, YES),
    "publish": (lambda den: {"source": "camera", "stream_id": "s"}, YES, YES, YES, NO, YES, OUT),
    "unpublish": (lambda den: {"source": "camera"}, YES, YES, YES, YES, YES, OUT),
    "signal": (lambda den: {"to": den.mia.you, "description": offer()}, YES, YES, YES, YES, NOBODY, OUT),
    "set_attributes": (lambda den: {"attributes": {"hand": 1}}, YES, YES, YES, YES, YES, OUT),
    "send_message": (lambda den: {"topic": "chat", "data": {"text": "hi"}}, YES, YES, YES, YES, YES, OUT),
    "send_message to one": (
        lambda den: {"topic": "chat", "data": {"text": "hi"}, "to": den.mia.you},
        *(YES, YES, YES, YES, NOBODY, OUT),
    ),
    "delete_message of another": (lambda den: {"id": den.line}, YES, NO, NO, NO, NOTHING, OUT),
    "delete_message, all": (lambda den: {}, YES, NO, NO, NO, YES, OUT),
    "admit": (lambda den: {"id": den.kim.you}, YES, YES, NO, NO, NOBODY, OUT),
    "admit, all": (lambda den: {}, YES, YES, NO, NO, YES, OUT),
    "deny": (lambda den: {"id": den.kim.you}, YES, YES, NO, NO, NOBODY, OUT),
    "deny, all": (lambda den: {}, YES, YES, NO, NO, YES, OUT),
    "remove": (lambda den: {"id": den.mia.you}, YES, YES, NO, NO, NOBODY, OUT),
    "ban": (lambda den: {"id": den.mia.you}, YES, NO, NO, NO, NOBODY, OUT),
    "ban from the door": (lambda den: {"id": den.kim.you}, YES, NO, NO, NO, NOBODY, OUT),
    "allow": (lambda den: {"user": "u-dan"}, YES, NO, NO, NO, NOBODY, OUT),
    "set_role": (lambda den: {"id": den.mia.you, "role": "cohost"}, YES, NO, NO, NO, NOBODY, OUT),
    "set_room": (lambda den: {"lobby": False}, YES, NO, NO, NO, YES, OUT),
    "ask_mute": (lambda den: {"id": den.mia.you, "source": "camera"}, YES, YES, NO, NO, NOBODY, OUT),
    "silence": (lambda den: {"id": den.mia.you, "source": "camera", "on": True}, YES, YES, NO, NO, NOBODY, OUT),
    "silence, all": (lambda den: {"source": "camera", "on": True}, YES, YES, NO, NO, YES, OUT),
    "end_meeting": (lambda den: {}, YES, NO, NO, NO, YES, OUT),
    "refresh_ice": (lambda den: {}, YES, YES, YES, YES, YES, OUT),
    "join": (lambda den: {"room": den.room, "device": "page-two"}, *(["already_joined"] * 6)),
}
# Asked of oneself, or of who hosts: nobody may.
UPWARDS: dict[str, Callable[[str], Packet]] = {
    "remove": lambda id: {"id": id},
    "ban": lambda id: {"id": id},
    "ask_mute": lambda id: {"id": id, "source": "camera"},
    "silence": lambda id: {"id": id, "source": "camera", "on": True},
    "set_role": lambda id: {"id": id, "role": "listener"},
}


def name(what: str) -> str:
    return what.split(maxsplit=1)[0].strip(",")


def said(what: str, den: Den) -> Packet:
    return {"type": name(what), **TABLE[what][0](den)}


def answer(packet: Packet) -> str:
    return code(packet) if "error" in packet else YES


def granted(role: Role) -> set[str]:
    """What the table here says that a role may at all."""
    column = 1 + ("host", "cohost", "member", "listener").index(role)
    return {name(what) for what, row in TABLE.items() if row[column] == YES}


class TestTheTable:
    def test_has_every_command(self) -> None:
        assert {name(what) for what in TABLE} == {*TYPES, "join", "refresh_ice"}

    @pytest.mark.parametrize("role", ROLES)
    def test_says_what_the_core_asks(self, role: Role) -> None:
        tags = {command.__struct_config__.tag for command in permissions.ALLOWED[role]}
        if role != "host":
            tags -= {"delete_message"}  # of one's own alone, which the core's tests try
        assert granted(role) == tags | {"refresh_ice"}

    def test_says_so_of_who_knocks(self) -> None:
        tags = {command.__struct_config__.tag for command in permissions.KNOCKING}
        assert {what for what, row in TABLE.items() if row[6] == YES} == tags


@contextlib.asynccontextmanager
async def den(house: House) -> AsyncIterator[Den]:
    room = await house.room(lobby=True)
    async with house.socket() as hal, house.socket() as mia, house.socket() as kim, house.socket() as dan:
        await house.seat(hal, room, "u-hal", role="host")
        await house.seat(dan, room, "u-dan", invitation="i-1")
        assert await hal.command({"type": "remove", "id": dan.you}) == {}
        await house.seat(mia, room, "u-mia", invitation="i-1")
        await mia.command({"type": "send_message", "topic": "chat", "data": {"text": "a line of mine"}})
        line = (await hal.event("message_sent"))["id"]
        await house.seat(kim, room, "u-kim")
        await hal.event("knocked")
        for socket in (hal, mia, kim):
            await socket.quiet()
            socket.events.clear()
        yield Den(room, hal, mia, kim, line)


@contextlib.asynccontextmanager
async def somebody(house: House, room: str, role: Role, *, invited: bool = True) -> AsyncIterator[Socket]:
    async with house.socket() as socket:
        await house.seat(socket, room, "u-sam", role=role, invitation="i-1" if invited else None)
        yield socket


async def nobody_noticed(den: Den) -> None:
    for socket in (den.hal, den.mia, den.kim):
        assert await socket.quiet()
        assert socket.events == []


@pytest.mark.parametrize("role", ROLES)
class TestWhoDoesNotSit:
    async def test_and_has_only_connected(self, house: House, role: Role) -> None:
        async with den(house) as there, house.socket() as sam:
            ticket = house.ticket(there.room, "u-sam", role=role, invitation="i-1")
            assert "sid" in await sam.connect({"ticket": ticket})
            for what in TABLE.keys() - {"join"}:
                assert (what, answer(await sam.command(said(what, there)))) == (what, OUT)
            await nobody_noticed(there)

    async def test_and_knocks(self, house: House, role: Role) -> None:
        if role in permissions.DOORKEEPERS:
            role = "member"  # who answers the door does not knock: see the next test
        async with den(house) as there, somebody(house, there.room, role, invited=False) as sam:
            assert sam.answer["waiting"] is True
            await there.hal.event("knocked")
            for what in TABLE.keys() - {"leave"}:
                assert (what, answer(await sam.command(said(what, there)))) == (what, TABLE[what][6])
            await nobody_noticed(there)
            assert answer(await sam.command(said("leave", there))) == TABLE["leave"][6]
            assert (await there.hal.event("participant_left"))["id"] == sam.you
            await nobody_noticed(there)

    async def test_and_was_removed_while_the_socket_is_still_open(
        self, house: House, role: Role, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with den(house) as there, somebody(house, there.room, role) as sam:
            for socket in (there.hal, there.mia):
                await socket.event("participant_joined")
            monkeypatch.setattr(limits, "CLOSE_AFTER", 60.0)
            assert await there.hal.command({"type": "remove", "id": sam.you}) == {}
            assert (await sam.event("participant_left"))["reason"] == "removed"
            for socket in (there.hal, there.mia):
                await socket.event("participant_left")
            await there.hal.event("exiles_changed")
            for what in TABLE:
                assert (what, answer(await sam.command(said(what, there)))) == (what, OUT)
            await nobody_noticed(there)


@pytest.mark.parametrize("role", ["host", "cohost"])
async def test_who_answers_the_door_does_not_knock(house: House, role: Role) -> None:
    async with den(house) as there, somebody(house, there.room, role, invited=False) as sam:
        assert "waiting" not in sam.answer


@pytest.mark.parametrize("role", ROLES)
class TestWhoSits:
    async def test_is_refused_what_the_role_may_not(self, house: House, role: Role) -> None:
        column = 1 + ("host", "cohost", "member", "listener").index(role)
        async with den(house) as there, somebody(house, there.room, role) as sam:
            for socket in (there.hal, there.mia):
                await socket.event("participant_joined")
            for what, row in TABLE.items():
                if row[column] != YES:
                    assert (what, answer(await sam.command(said(what, there)))) == (what, row[column])
            await nobody_noticed(there)

    async def test_is_granted_what_the_role_may(self, house: House, role: Role) -> None:
        """Each in a den of its own: most of them change it."""
        column = 1 + ("host", "cohost", "member", "listener").index(role)
        for what, row in TABLE.items():
            if row[column] == YES:
                async with den(house) as there, somebody(house, there.room, role) as sam:
                    assert (what, answer(await sam.command(said(what, there)))) == (what, YES)

    async def test_acts_on_nobody_above_and_not_on_themselves(self, house: House, role: Role) -> None:
        room = await house.room(owner="u-ada")
        async with house.socket() as ada, somebody(house, room, role) as sam, house.socket() as other:
            await house.seat(ada, room, "u-ada")  # hosts hers, whatever her ticket says
            await house.seat(other, room, "u-sam", device="page-two", role=role)
            for socket in (ada, sam, other):
                await socket.quiet()
                socket.events.clear()
            for what, of in UPWARDS.items():
                for target in (ada.you, sam.you, other.you) if what != "set_role" else (ada.you,):
                    assert answer(await sam.command({"type": what, **of(target)})) == NO
            for socket in (ada, sam, other):
                assert await socket.quiet()
                assert socket.events == []

    async def test_in_another_room_reaches_nobody_here(self, house: House, role: Role) -> None:
        column = 1 + ("host", "cohost", "member", "listener").index(role)
        async with den(house) as there:
            for what, row in TABLE.items():
                async with somebody(house, await house.room(), role) as sam:
                    # Whose line it is decides who may delete it, so it is looked for first.
                    may = row[5] if row[column] == YES or row[5] == NOTHING else row[column]
                    assert (what, answer(await sam.command(said(what, there)))) == (what, may)
            await nobody_noticed(there)
