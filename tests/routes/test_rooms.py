"""Rooms by HTTP: tickets, and what an owner alone may read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from peermeet.gate import Gate
from peermeet.routes.answers import DEVICE
from peermeet.services import COOKIE
from tests.auth.desk import Desk, now
from tests.routes.browser import ODD, Browser, cookie_of, refusal


class TestTickets:
    async def test_its_owner_comes_as_host_and_others_as_members(self, browser: Browser, app: Gate, desk: Desk) -> None:
        owner = await desk.account()
        code = await desk.room(owner.id)
        await browser.sign_in()
        answer = await browser.post("/api/tickets", json={"room": code})
        assert answer.status_code == 201
        ticket = await desk.services.admit(answer.json()["ticket"])
        assert (ticket.room, ticket.user, ticket.name, ticket.role, ticket.guest) == (
            code,
            owner.id,
            "Ada",
            "host",
            False,
        )
        async with Browser(app) as other:
            await other.post("/api/guests", json={"name": "Gast"})
            made = (await other.post("/api/tickets", json={"room": code, "role": "host", "name": "Ada"})).json()
            ticket = await desk.services.admit(made["ticket"])
            assert (ticket.name, ticket.role, ticket.guest) == ("Gast", "member", True)

    async def test_are_for_those_with_a_session(self, browser: Browser, desk: Desk) -> None:
        answer = await browser.post("/api/tickets", json={"room": await desk.room()})
        assert refusal(answer, 401) == ("not_signed_in", None)

    @pytest.mark.parametrize("room", ["", "x", "2222-22222-2222", "../../etc/passwd", "x" * 10_000, *ODD], ids=repr)
    async def test_are_for_rooms_that_exist(self, browser: Browser, room: object) -> None:
        await browser.register()
        assert refusal(await browser.post("/api/tickets", json={"room": room}), 404) == ("no_such_room", None)

    async def test_are_not_for_a_deleted_room(self, browser: Browser, desk: Desk) -> None:
        owner = (await browser.register()).json()["user"]["id"]
        code = await desk.room(owner)
        await desk.store.delete_room(code, owner)
        assert refusal(await browser.post("/api/tickets", json={"room": code}), 404)[0] == "no_such_room"

    async def test_a_code_may_be_written_as_people_do(self, browser: Browser, desk: Desk) -> None:
        await browser.register()
        code = await desk.room()
        for written in (code.upper(), code.replace("-", ""), f" {code} "):
            assert (await browser.post("/api/tickets", json={"room": written})).status_code == 201

    async def test_no_two_are_the_same(self, browser: Browser, desk: Desk) -> None:
        await browser.register()
        form = {"room": await desk.room()}
        tickets = [(await browser.post("/api/tickets", json=form)).json()["ticket"] for _ in range(5)]
        assert len(set(tickets)) == 5

    async def test_may_say_a_passcode(self, browser: Browser, desk: Desk) -> None:
        owner = await desk.account("owner@example.org")
        code = await desk.room(owner.id)
        await desk.services.set_passcode(owner, code, "open sesame")
        await browser.register()
        form = {"room": code}
        assert refusal(await browser.post("/api/tickets", json=form), 403) == ("wrong_passcode", "passcode")
        wrong = await browser.post("/api/tickets", json=form | {"passcode": "a wrong one"})
        assert refusal(wrong, 403) == ("wrong_passcode", "passcode")
        assert "sesame" not in wrong.text
        for odd in ODD:
            assert (
                refusal(await browser.post("/api/tickets", json=form | {"passcode": odd}), 403)[0] == "wrong_passcode"
            )
        right = await browser.post("/api/tickets", json=form | {"passcode": "open sesame"})
        assert right.status_code == 201
        assert "sesame" not in right.text

    async def test_may_show_an_invitation(self, browser: Browser, desk: Desk) -> None:
        owner = await desk.account("owner@example.org")
        code = await desk.room(owner.id, locked=True)
        made = await desk.services.invite(owner, code, "cohost", uses=1)
        await browser.post("/api/guests", json={"name": "Gast"})
        for odd in (value for value in ODD if value is not None):
            answer = await browser.post("/api/tickets", json={"room": code, "invitation": odd})
            assert refusal(answer, 403) == ("bad_invitation", "invitation")
        answer = await browser.post("/api/tickets", json={"room": code, "invitation": made.token})
        ticket = await desk.services.admit(answer.json()["ticket"])
        assert (ticket.role, ticket.invitation, ticket.guest) == ("cohost", made.id, True)

    async def test_say_when_a_room_is_not_open(self, browser: Browser, desk: Desk) -> None:
        await browser.register()
        later = await desk.room(opens=now() + timedelta(hours=1))
        over = await desk.room(closes=now() - timedelta(hours=1))
        assert refusal(await browser.post("/api/tickets", json={"room": later}), 403) == ("not_open_yet", None)
        assert refusal(await browser.post("/api/tickets", json={"room": over}), 403) == ("closed", None)


class TestTheDevice:
    async def test_is_told_apart_by_a_cookie_that_comes_with_the_first_session(self, browser: Browser) -> None:
        cookie = cookie_of(await browser.post("/api/guests", json={"name": "Gast"}), DEVICE)
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "lax"
        assert cookie["path"] == "/"
        assert int(cookie["max-age"]) == 400 * 86_400
        assert len(cookie.value) == 22  # 128 bits
        first = browser.cookies[DEVICE]
        await browser.delete("/api/session")
        again = await browser.post("/api/guests", json={"name": "Other"})
        assert browser.cookies[DEVICE] == first
        assert DEVICE not in str(again.headers.get_list("set-cookie"))

    async def test_is_known_again_by_its_tickets_whoever_comes(self, browser: Browser, app: Gate, desk: Desk) -> None:
        code = await desk.room()

        async def marks(who: Browser) -> set[str]:
            await who.post("/api/guests", json={"name": "Gast"})
            made = (await who.post("/api/tickets", json={"room": code})).json()["ticket"]
            return set((await desk.services.admit(made)).marks)

        mine = await marks(browser)
        assert await marks(browser) == mine
        async with Browser(app) as same_address, Browser(app, address="198.51.100.1") as elsewhere:
            assert len(mine & await marks(same_address)) == 1
            assert mine & await marks(elsewhere) == set()
            elsewhere.cookies.set(DEVICE, browser.cookies[DEVICE], domain="meet.example.org")
            assert len(mine & await marks(elsewhere)) == 1

    @pytest.mark.parametrize("word", ["", "x", "x" * 23, "x" * 10_000, "ä" * 22, "a b" * 8])
    async def test_that_says_something_odd_gets_another_word(self, browser: Browser, desk: Desk, word: str) -> None:
        await browser.register()
        headers = {"cookie": f"{COOKIE}={browser.session}; {DEVICE}={word}".encode()}
        answer = await browser.post("/api/tickets", json={"room": await desk.room()}, headers=headers)
        assert answer.status_code == 201
        assert len(cookie_of(answer, DEVICE).value) == 22


class TestAttendance:
    async def test_is_for_the_owner_alone(self, browser: Browser, app: Gate, desk: Desk) -> None:
        me = (await browser.register()).json()["user"]["id"]
        code = await desk.room(me)
        answer = await browser.get(f"/api/rooms/{code}/attendance.csv")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="attendance-{code}.csv"'
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        async with Browser(app) as other:
            assert refusal(await other.get(f"/api/rooms/{code}/attendance.csv"), 401)[0] == "not_signed_in"
            await other.register(email="bob@example.org")
            theirs = refusal(await other.get(f"/api/rooms/{code}/attendance.csv"), 404)
            assert theirs == refusal(await other.get("/api/rooms/2222-22222-2222/attendance.csv"), 404)
            assert theirs == ("no_such_room", None)

    @pytest.mark.parametrize("code", ["x", "%00", "..%2f..%2fetc", "%22%0d%0aset-cookie:%20x=1", "x" * 5000])
    async def test_of_what_is_no_room(self, browser: Browser, code: str) -> None:
        await browser.register()
        answer = await browser.get(f"/api/rooms/{code}/attendance.csv")
        assert answer.status_code == 404
        assert "content-disposition" not in answer.headers
