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


class TestThePasscode:
    async def test_is_set_and_cleared_by_the_owner(self, browser: Browser, app: Gate, desk: Desk) -> None:
        me = (await browser.register()).json()["user"]["id"]
        code = await desk.room(me)
        path = f"/api/rooms/{code}/passcode"
        answer = await browser.put(path, json={"passcode": "open sesame"})
        assert (answer.status_code, answer.json()) == (200, {})
        async with Browser(app) as other:
            await other.post("/api/guests", json={"name": "Gast"})
            asked = await other.post("/api/tickets", json={"room": code})
            assert refusal(asked, 403) == ("wrong_passcode", "passcode")
            assert refusal(await other.put(path, json={"passcode": "theirs"}), 404) == ("no_such_room", None)
            assert refusal(await other.delete(path), 404) == ("no_such_room", None)
            answer = await browser.delete(path)
            assert (answer.status_code, answer.json()) == (200, {})
            assert (await other.post("/api/tickets", json={"room": code})).status_code == 201

    @pytest.mark.parametrize("odd", [*ODD, "", "abc", "    ", "x" * 65], ids=repr)
    async def test_that_is_none_is_not_set_and_clears_nothing(self, browser: Browser, desk: Desk, odd: object) -> None:
        me = (await browser.register()).json()["user"]["id"]
        code = await desk.room(me, passcode_hash=b"a hash")
        answer = await browser.put(f"/api/rooms/{code}/passcode", json={"passcode": odd})
        assert refusal(answer, 422) == ("bad_passcode", "passcode")
        record = await desk.store.room(code)
        assert record is not None
        assert record.passcode_hash == b"a hash"

    async def test_costs_a_core_and_is_not_set_without_end(self, browser: Browser, desk: Desk) -> None:
        me = (await browser.register()).json()["user"]["id"]
        path = f"/api/rooms/{await desk.room(me)}/passcode"
        for _ in range(20):
            assert (await browser.put(path, json={"passcode": "open sesame"})).status_code == 200
        assert refusal(await browser.put(path, json={"passcode": "open sesame"}), 429) == ("too_many", None)
        assert (await browser.delete(path)).status_code == 200


class TestInvitations:
    async def test_are_made_listed_used_and_ended(self, browser: Browser, app: Gate, desk: Desk) -> None:
        me = (await browser.register()).json()["user"]["id"]
        code = await desk.room(me)
        path = f"/api/rooms/{code}/invitations"
        expires = now() + timedelta(hours=1)
        asked = {"role": "listener", "expires": expires.isoformat(), "uses": "1", "made_by": "x", "id": "x"}
        made = await browser.post(path, json=asked)
        assert made.status_code == 201
        id, token = made.json()["id"], made.json()["token"]
        assert set(made.json()) == {"id", "token"}
        async with Browser(app) as other:
            await other.post("/api/guests", json={"name": "Gast"})
            ticket = (await other.post("/api/tickets", json={"room": code, "invitation": token})).json()["ticket"]
        assert (await desk.services.admit(ticket)).role == "listener"
        listed = await browser.get(path)
        (line,) = listed.json()["invitations"]
        assert abs(line.pop("expires") - expires.timestamp()) < 0.01
        assert abs(line.pop("created") - now().timestamp()) < 60
        assert line == {
            "id": id,
            "number": 1,
            "by": None,
            "role": "listener",
            "uses": 1,
            "used": 1,
            "revoked": False,
            "good": False,
        }
        assert token not in listed.text
        came = (await browser.get(f"{path}/{id}")).json()["came"]
        assert [one["name"] for one in came] == ["Gast"]
        assert abs(came[0]["first"] - now().timestamp()) < 60
        ended = await browser.delete(f"{path}/{id}")
        assert (ended.status_code, ended.json()) == (200, {})
        assert (await browser.get(path)).json()["invitations"][0]["revoked"] is True

    async def test_are_for_whoever_is_host_there(self, browser: Browser, app: Gate, desk: Desk) -> None:
        owner = await desk.account("owner@example.org", "Owner")
        code = await desk.room(owner.id)
        path = f"/api/rooms/{code}/invitations"
        theirs = await desk.services.invite(owner, code)
        me = (await browser.post("/api/guests", json={"name": "Gast"})).json()["user"]["id"]
        asking = [
            ("POST", path, {"role": "member"}),
            ("GET", path, None),
            ("GET", f"{path}/{theirs.id}", None),
            ("DELETE", f"{path}/{theirs.id}", None),
        ]
        for method, at, form in asking:
            assert refusal(await browser.request(method, at, json=form), 404) == ("no_such_room", None)
        desk.meets().seated[code] = {me}
        made = await browser.post(path, json={"role": "member"})
        assert made.status_code == 201
        assert [line["id"] for line in (await browser.get(path)).json()["invitations"]] == [made.json()["id"]]
        assert refusal(await browser.post(path, json={"role": "host"}), 403) == ("not_allowed", "role")
        for method in ("GET", "DELETE"):
            answer = await browser.request(method, f"{path}/{theirs.id}")
            assert refusal(answer, 403) == ("bad_invitation", None)
        async with Browser(app) as nobody:
            for method, at, form in asking:
                assert refusal(await nobody.request(method, at, json=form), 401) == ("not_signed_in", None)

    @pytest.mark.parametrize("odd", ODD, ids=repr)
    async def test_that_make_no_sense_are_not_made(self, browser: Browser, desk: Desk, odd: object) -> None:
        me = (await browser.register()).json()["user"]["id"]
        path = f"/api/rooms/{await desk.room(me)}/invitations"
        assert refusal(await browser.post(path, json={"role": odd}), 422) == ("bad_message", "role")
        if odd is not None:
            answer = await browser.post(path, json={"role": "member", "expires": odd})
            assert refusal(answer, 422) == ("bad_hours", "expires")
        if odd not in (None, 1, True):
            answer = await browser.post(path, json={"role": "member", "uses": odd})
            assert refusal(answer, 422) == ("bad_message", "uses")
        assert (await browser.get(path)).json() == {"invitations": []}

    @pytest.mark.parametrize("id", ["x", "%00", "%ff", "..%2f..", "x" * 5000])
    async def test_of_any_other_name_are_none(self, browser: Browser, desk: Desk, id: str) -> None:
        me = (await browser.register()).json()["user"]["id"]
        path = f"/api/rooms/{await desk.room(me)}/invitations/{id}"
        for method in ("GET", "DELETE"):
            assert (await browser.request(method, path)).status_code in {403, 404}

    async def test_another_site_makes_and_ends_none(self, browser: Browser, desk: Desk) -> None:
        me = (await browser.register()).json()["user"]["id"]
        code = await desk.room(me)
        foreign = {"origin": "https://evil.example"}
        for method, at in (
            ("POST", "invitations"),
            ("DELETE", "invitations/x"),
            ("PUT", "passcode"),
            ("DELETE", "passcode"),
        ):
            answer = await browser.request(method, f"/api/rooms/{code}/{at}", json={}, headers=foreign)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
