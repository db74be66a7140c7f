"""What a session's end means in the meeting: the seats that were taken in it are given up, in no other browser's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from peermeet.core.errors import Refusal
from peermeet.services import accounts
from peermeet.signaling import limits
from tests.auth.desk import HERE, PASSWORD
from tests.signaling.conftest import House
from tests.signaling.wire import Socket, code

NEW = "another horse battery staple"


@pytest.fixture(autouse=True)
def shortly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(accounts, "ARRIVING", 0.1)
    yield
    monkeypatch.undo()


class Browser:
    """One session of an account, or a guest's, and the tabs that it opens."""

    def __init__(self, house: House, session: str) -> None:
        self.house = house
        self.session = session
        house.secrets += [session, PASSWORD, NEW]

    async def ticket(self, room: str) -> str:
        services = self.house.desk.services
        user = await services.who(self.session)
        if user is None:
            raise Refusal("not_signed_in")
        made = await services.ticket(user, room, HERE, session=self.session)
        self.house.secrets.append(made)
        return made

    async def joins(self, socket: Socket, room: str, device: str = "page-one") -> None:
        await socket.join({"ticket": await self.ticket(room)}, room, device)

    async def signs_out(self) -> None:
        await self.house.desk.services.sign_out(self.session)

    async def changes_password(self, old: str = PASSWORD, new: str = NEW) -> None:
        services = self.house.desk.services
        user = await services.who(self.session)
        assert user is not None
        self.session = await services.change_password(user, old, new, HERE, self.session)
        self.house.secrets.append(self.session)

    async def is_signed_in(self) -> bool:
        return await self.house.desk.services.who(self.session) is not None


class People:
    """Ada's two browsers, and a room with somebody else in it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.email = f"ada-{house.desk.tokens.mark('', '', str(id(self)))}@example.org"

    async def arrive(self) -> None:
        services = self.house.desk.services
        self.here = Browser(self.house, await services.register("Ada", self.email, PASSWORD, HERE))
        self.there = await self.another()
        self.room = await self.house.room()

    async def another(self, password: str = PASSWORD) -> Browser:
        return Browser(self.house, await self.house.desk.services.sign_in(self.email, password, HERE))


@pytest.fixture
async def ada(house: House) -> People:
    people = People(house)
    await people.arrive()
    return people


async def left(bob: Socket, who: Socket) -> None:
    event = await bob.event("participant_left")
    assert (event["id"], event["reason"]) == (who.you, "left")


async def cannot_come_back(house: House, browser: Browser, seat: Socket, room: str) -> None:
    async with house.socket() as again:
        assert (await again.connect({"resume": seat.resume}))["message"] == "seat_gone"
    with pytest.raises(Refusal) as refusal:
        await browser.ticket(room)
    assert refusal.value.code == "not_signed_in"


class TestSigningOut:
    async def test_gives_up_every_tab_of_this_browser_and_none_of_another(self, house: House, ada: People) -> None:
        async with house.pair() as (_, bob, room), house.socket() as one, house.socket() as two, house.socket() as far:
            await ada.here.joins(one, room, "page-one")
            await ada.here.joins(two, room, "page-two")
            await bob.event("participant_joined")
            spare = await ada.here.ticket(room)
            await ada.here.signs_out()
            await asyncio.gather(one.gone(), two.gone())
            assert {(await bob.event("participant_left"))["id"] for _ in range(2)} == {one.you, two.you}
            await cannot_come_back(house, ada.here, one, room)
            async with house.socket() as again:
                assert (await again.connect({"ticket": spare}))["message"] == "bad_ticket"
            await ada.there.joins(far, room, "page-far")
            await asyncio.sleep(0.2)
            assert await far.command({"type": "send_message", "topic": "n", "data": 1}) == {}

    async def test_of_a_guest_gives_up_their_seat_and_their_knock(self, house: House) -> None:
        guest = Browser(house, await house.desk.services.come_as_guest("Gast", HERE))
        closed = await house.room(lobby=True)
        async with (
            house.pair() as (_, bob, room),
            house.socket() as host,
            house.socket() as seat,
            house.socket() as knock,
        ):
            await guest.joins(seat, room)
            await house.seat(host, closed, "u-host", role="host")
            await guest.joins(knock, closed)
            assert knock.answer["waiting"] is True
            await guest.signs_out()
            await left(bob, seat)
            await left(host, knock)
            await asyncio.gather(seat.gone(), knock.gone())
            await cannot_come_back(house, guest, seat, room)

    async def test_reaches_who_was_on_the_way(self, house: House, ada: People) -> None:
        """Whose ticket was good when they connected, and who joins only then."""
        async with house.pair() as (_, bob, room), house.socket() as late:
            assert "sid" in await late.connect({"ticket": await ada.here.ticket(room)})
            await ada.here.signs_out()
            answer = await late.command({"type": "join", "room": room, "device": "page-one"})
            late.you, late.resume = answer["you"], answer["resume"]
            house.secrets.append(late.resume)
            await late.gone()
            await left(bob, late)

    def test_waits_long_enough_for_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.undo()
        assert limits.JOIN_WITHIN < accounts.ARRIVING < limits.JOIN_WITHIN + 5

    async def test_gives_up_a_seat_that_another_session_took_over_with_that_session(
        self, house: House, ada: People
    ) -> None:
        async with house.pair() as (_, bob, room), house.socket() as one, house.socket() as same_page:
            await ada.here.joins(one, room)
            await ada.there.joins(same_page, room)
            assert same_page.you == one.you
            await one.gone()
            await ada.here.signs_out()
            await asyncio.sleep(0.2)
            assert "error" not in await same_page.command({"type": "refresh_ice"})
            await ada.there.signs_out()
            await left(bob, same_page)

    @pytest.mark.parametrize("session", [None, "", "x", "a.b.c"])
    async def test_without_a_session_gives_up_nothing(self, house: House, session: str | None) -> None:
        async with house.pair() as (one, _, _room):
            await house.desk.services.sign_out(session)
            assert await one.quiet()


class TestAnotherPassword:
    async def test_ends_every_other_session_and_its_seats(self, house: House, ada: People) -> None:
        async with house.pair() as (_, bob, room), house.socket() as mine, house.socket() as stolen:
            await ada.here.joins(mine, room, "page-one")
            await ada.there.joins(stolen, room, "page-two")
            spare, before = await ada.there.ticket(room), Browser(house, ada.here.session)
            await ada.here.changes_password()
            await stolen.gone()
            await left(bob, stolen)
            assert not await ada.there.is_signed_in()
            await cannot_come_back(house, ada.there, stolen, room)
            async with house.socket() as again:
                assert (await again.connect({"ticket": spare}))["message"] == "bad_ticket"
            assert await ada.here.is_signed_in()
            assert not await before.is_signed_in()  # a copy of this one's cookie
            await asyncio.sleep(0.2)
            assert "error" not in await mine.command({"type": "refresh_ice"})
            await ada.here.signs_out()  # it is the same session still
            await mine.gone()

    async def test_leaves_nothing_to_what_ended_with_it(self, house: House, ada: People) -> None:
        """Else whoever has an old cookie could sign its owner out."""
        old = ada.here.session
        async with house.pair() as (_, _bob, room), house.socket() as mine:
            await ada.here.joins(mine, room)
            await ada.here.changes_password()
            await house.desk.services.sign_out(old)
            await asyncio.sleep(0.2)
            assert await ada.here.is_signed_in()
            assert "error" not in await mine.command({"type": "refresh_ice"})
            again = await ada.another(NEW)
            assert await again.is_signed_in()

    async def test_is_another_one_though_it_is_the_same(self, house: House, ada: People) -> None:
        await ada.here.changes_password(new=PASSWORD)
        assert await ada.here.is_signed_in()
        assert not await ada.there.is_signed_in()

    async def test_goes_on_with_no_session_of_somebody_else(self, house: House, ada: People) -> None:
        services = house.desk.services
        guest = Browser(house, await services.come_as_guest("Gast", HERE))
        user = await services.who(ada.here.session)
        assert user is not None
        made = await services.change_password(user, PASSWORD, NEW, HERE, guest.session)
        read, theirs = house.desk.tokens.read_session(made), house.desk.tokens.read_session(guest.session)
        assert read is not None
        assert theirs is not None
        assert (read.user, read.id == theirs.id) == (user.id, False)
        assert await guest.is_signed_in()


class TestADeletedAccount:
    async def test_gives_up_every_seat_in_every_browser(self, house: House, ada: People) -> None:
        services = house.desk.services
        async with house.pair() as (_, bob, room), house.socket() as mine, house.socket() as far:
            await ada.here.joins(mine, room, "page-one")
            await ada.there.joins(far, room, "page-two")
            user = await services.who(ada.here.session)
            assert user is not None
            async with house.socket() as late:
                await late.connect({"ticket": await ada.there.ticket(room)})
                await services.delete_account(user, PASSWORD, HERE)
                await asyncio.gather(mine.gone(), far.gone())
                assert {(await bob.event("participant_left"))["id"] for _ in range(2)} == {mine.you, far.you}
                await late.command({"type": "join", "room": room, "device": "page-late"})
                await late.gone()
            await cannot_come_back(house, ada.there, far, room)


async def test_a_session_s_seat_is_told_to_nobody(house: House, ada: People) -> None:
    read = house.desk.tokens.read_session(ada.here.session)
    assert read is not None
    async with house.pair() as (_, bob, room), house.socket() as mine:
        await ada.here.joins(mine, room)
        told = [await bob.event("participant_joined"), await mine.event("welcomed"), mine.answer]
        assert read.id not in str(told)
        assert read.key not in str(told)
        assert code(await mine.command({"type": "nonsense"})) == "unknown_command"
