"""The HTTP routes as a browser meets them: real services, a real store, the gate in front."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
from starlette.applications import Starlette

from peermeet.auth.routes import DEVICE, MAX_BODY, STATUS, routes
from peermeet.auth.tokens import Tokens
from peermeet.core.errors import SENTENCES
from peermeet.gate import Gate
from peermeet.services import COOKIE
from peermeet.store import Unavailable, User
from tests.auth.desk import HERE, PASSWORD, SECRET, Desk, now

ADA = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
SIGN_IN = {"email": "ada@example.org", "password": PASSWORD}
ODD = [None, 1, 1.5, True, [], ["x"], {}, {"$ne": None}, {"$gt": ""}, {"$regex": ".*"}]


class Browser(httpx.AsyncClient):
    """Keeps cookies, sends JSON, and comes from an address."""

    def __init__(self, app: Any, address: str = HERE, base: str = "http://meet.example.org") -> None:
        super().__init__(transport=httpx.ASGITransport(app, client=(address, 50_000)), base_url=base)

    @property
    def session(self) -> str | None:
        return self.cookies.get(COOKIE)

    async def register(self, **changes: Any) -> httpx.Response:
        return await self.post("/api/users", json=ADA | changes)

    async def sign_in(self, **changes: Any) -> httpx.Response:
        return await self.post("/api/session", json=SIGN_IN | changes)

    async def me(self) -> httpx.Response:
        return await self.get("/api/session")


@pytest.fixture
def app(desk: Desk, tmp_path: Path) -> Gate:
    inner = Starlette(routes=routes(lambda: desk.services, COOKIE))
    return Gate(inner, origins=["https://other.example.org"], pages=tmp_path)


@pytest.fixture
async def browser(app: Gate) -> AsyncIterator[Browser]:
    async with Browser(app) as opened:
        yield opened


def refusal(answer: httpx.Response, status: int) -> tuple[str, str | None]:
    """The code and the field of a refusal, which has the status, a sentence, no cookie and nothing else."""
    assert answer.status_code == status, answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    (error,) = answer.json().values()
    assert error["message"] == SENTENCES[error["code"]]
    assert set(error) <= {"code", "message", "field"}
    return error["code"], error.get("field")


def cookie_of(answer: httpx.Response, name: str = COOKIE) -> Any:
    (header,) = [header for header in answer.headers.get_list("set-cookie") if header.startswith(f"{name}=")]
    return SimpleCookie(header)[name]


class TestRegistering:
    async def test_opens_an_account_and_a_session(self, browser: Browser) -> None:
        answer = await browser.register()
        assert answer.status_code == 201
        user = answer.json()["user"]
        assert user == {"id": user["id"], "name": "Ada", "guest": False}
        assert (await browser.me()).json() == {"user": user}
        assert PASSWORD not in answer.text
        assert browser.session is not None
        assert browser.session not in answer.text

    async def test_the_password_is_remembered_as_a_hash_alone(self, browser: Browser, desk: Desk) -> None:
        await browser.register()
        user = await desk.store.user_by_email("ada@example.org")
        assert user is not None
        assert user.password_hash is not None
        assert user.password_hash.startswith(b"$2b$04$")

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"email": ""}, "bad_email", "email"),
            ({"email": "ada"}, "bad_email", "email"),
            ({"email": "ada@localhost"}, "bad_email", "email"),
            ({"email": "ada@@example.org"}, "bad_email", "email"),
            ({"email": "ada lovelace@example.org"}, "bad_email", "email"),
            ({"email": "ada@example.org\r\nBcc: eve@example.org"}, "bad_email", "email"),
            ({"email": "a" * 400 + "@example.org"}, "bad_email", "email"),
            ({"email": "a@" + "b." * 200 + "org"}, "bad_email", "email"),
            ({"email": '"<script>"@example.org'}, "bad_email", "email"),
            ({"email": "ada\u202e@example.org"}, "bad_email", "email"),
            ({"name": ""}, "bad_name", "name"),
            ({"name": "   "}, "bad_name", "name"),
            ({"name": "x" * 65}, "bad_name", "name"),
            ({"name": "<script>alert(1)</script>"}, "bad_name", "name"),
            ({"name": "Ada\u202eevE"}, "bad_name", "name"),
            ({"name": "Ada\nAdmin"}, "bad_name", "name"),
            ({"name": "\u200b"}, "bad_name", "name"),
            ({"password": ""}, "weak_password", "password"),
            ({"password": "k7#mQ2!xW"}, "weak_password", "password"),
            ({"password": "password123"}, "weak_password", "password"),
            ({"password": "ada@example.org"}, "weak_password", "password"),
            ({"password": "x y z " * 200}, "long_password", "password"),
        ],
    )
    async def test_each_mistake_has_its_code_and_its_field(
        self, browser: Browser, changes: dict[str, str], code: str, field: str
    ) -> None:
        assert refusal(await browser.register(**changes), 422) == (code, field)
        assert browser.session is None
        assert refusal(await browser.me(), 401) == ("not_signed_in", None)

    @pytest.mark.parametrize("field", ["name", "email", "password"])
    @pytest.mark.parametrize("value", ODD, ids=repr)
    async def test_what_is_no_text_is_refused(self, browser: Browser, field: str, value: object) -> None:
        code = {"name": "bad_name", "email": "bad_email", "password": "weak_password"}[field]
        assert refusal(await browser.register(**{field: value}), 422) == (code, field)

    @pytest.mark.parametrize("field", ["name", "email", "password"])
    async def test_what_is_missing_is_refused(self, browser: Browser, field: str) -> None:
        form = {name: value for name, value in ADA.items() if name != field}
        assert refusal(await browser.post("/api/users", json=form), 422)[1] == field

    async def test_more_than_was_asked_for_changes_nothing(self, browser: Browser, desk: Desk) -> None:
        answer = await browser.register(id="u-root", guest=True, role="host", owner=True, created=0, password_hash="x")
        assert answer.status_code == 201
        assert answer.json()["user"]["id"] != "u-root"
        assert answer.json()["user"]["guest"] is False

    @pytest.mark.parametrize("email", ["ada@example.org", "ADA@example.org", "Ada@EXAMPLE.ORG", " ada@example.org "])
    async def test_an_email_is_taken_in_any_letters(self, browser: Browser, app: Gate, email: str) -> None:
        await browser.register()
        async with Browser(app) as other:
            assert refusal(await other.register(email=email), 409) == ("email_taken", "email")
            assert other.session is None

    async def test_of_many_who_register_one_email_at_once_one_gets_it(self, app: Gate) -> None:
        browsers = [Browser(app) for _ in range(10)]
        answers = await asyncio.gather(*(b.register(name=f"Ada {n}") for n, b in enumerate(browsers)))
        (won,) = [answer for answer in answers if answer.status_code == 201]
        for answer in answers:
            if answer is not won:
                assert refusal(answer, 409) == ("email_taken", "email")
        async with Browser(app) as again:
            assert (await again.sign_in()).json() == won.json()

    @pytest.mark.parametrize("name", ["O'Brien; DROP TABLE users;--", "{{7*7}}", "$where", "Zoë 👩‍💻", "张伟", "ア"])
    async def test_odd_names_are_only_names(self, browser: Browser, name: str) -> None:
        assert (await browser.register(name=name)).json()["user"]["name"] == name


class TestSigningIn:
    @pytest.fixture(autouse=True)
    async def account(self, desk: Desk) -> None:
        await desk.account()

    async def test_opens_a_session(self, browser: Browser) -> None:
        answer = await browser.sign_in()
        assert answer.status_code == 200
        assert (await browser.me()).json() == answer.json()

    @pytest.mark.parametrize("email", ["ADA@example.org", " ada@example.org ", "Ada@Example.org"])
    async def test_the_letters_of_an_email_do_not_matter(self, browser: Browser, email: str) -> None:
        assert (await browser.sign_in(email=email)).status_code == 200

    @pytest.mark.parametrize(
        "changes",
        [
            {"password": ""},
            {"password": PASSWORD + " "},
            {"password": PASSWORD.upper()},
            {"password": PASSWORD + "\x00"},
            {"password": "x" * 1001},
            {"password": "x" * 10_000},
            {"email": "eve@example.org"},
            {"email": ""},
            {"email": "ada@example.org' OR '1'='1"},
            {"email": "ada@example.or_"},
            {"email": "%"},
            {"email": "*"},
            {"email": "\x00"},
            {"email": "x" * 10_000},
        ],
        ids=lambda changes: repr(changes)[:50],
    )
    async def test_whatever_is_wrong_the_answer_is_the_same(self, browser: Browser, changes: dict[str, str]) -> None:
        assert refusal(await browser.sign_in(**changes), 401) == ("wrong_password", "password")

    @pytest.mark.parametrize("field", ["email", "password"])
    @pytest.mark.parametrize("value", ODD, ids=repr)
    async def test_what_is_no_text_is_wrong(self, browser: Browser, field: str, value: object) -> None:
        assert refusal(await browser.sign_in(**{field: value}), 401) == ("wrong_password", "password")

    async def test_nobody_costs_as_much_as_somebody(
        self, browser: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[bytes] = []
        real = bcrypt.checkpw

        def counted(password: bytes, hashed: bytes) -> bool:
            compared.append(hashed[:7])
            return real(password, hashed)

        await desk.services.warm()
        monkeypatch.setattr(bcrypt, "checkpw", counted)
        one = await browser.sign_in(password="wrong")
        two = await browser.sign_in(email="eve@example.org")
        assert compared == [b"$2b$04$"] * 2
        assert (one.content, one.status_code) == (two.content, two.status_code)

    async def test_a_guest_cannot_sign_in(self, browser: Browser, desk: Desk) -> None:
        guest = await desk.guest()
        for email in (guest.id, guest.name, ""):
            assert refusal(await browser.sign_in(email=email, password=""), 401)[0] == "wrong_password"

    async def test_the_eleventh_attempt_within_a_minute_waits(self, browser: Browser, app: Gate) -> None:
        for _ in range(10):
            assert refusal(await browser.sign_in(password="wrong"), 401)[0] == "wrong_password"
        assert refusal(await browser.sign_in(), 429) == ("too_many_attempts", None)
        async with Browser(app, address="198.51.100.1") as elsewhere:
            assert (await elsewhere.sign_in()).status_code == 200


class TestGuests:
    async def test_needs_nothing_but_a_name(self, browser: Browser) -> None:
        answer = await browser.post("/api/guests", json={"name": "  Gast  "})
        assert answer.status_code == 201
        assert (answer.json()["user"]["name"], answer.json()["user"]["guest"]) == ("Gast", True)
        assert (await browser.me()).json() == answer.json()

    @pytest.mark.parametrize("name", ["", "<b>", "x" * 65, *ODD], ids=repr)
    async def test_but_a_good_one(self, browser: Browser, name: object) -> None:
        assert refusal(await browser.post("/api/guests", json={"name": name}), 422) == ("bad_name", "name")


class TestTheSession:
    async def test_the_cookie_is_kept_from_scripts_and_other_sites(self, browser: Browser) -> None:
        cookie = cookie_of(await browser.register())
        assert cookie["httponly"] is True
        assert cookie["samesite"] == "lax"
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""
        assert cookie["secure"] == ""
        assert int(cookie["max-age"]) == 168 * 3600

    @pytest.mark.parametrize(
        ("base", "origin", "secure"),
        [
            ("http://meet.example.org", None, False),
            ("http://meet.example.org", "http://meet.example.org", False),
            ("http://meet.example.org", "https://meet.example.org", True),  # a proxy ends TLS
            ("https://meet.example.org", None, True),
            ("https://meet.example.org", "https://meet.example.org", True),
        ],
    )
    async def test_the_cookie_is_secure_where_the_page_is(
        self, app: Gate, base: str, origin: str | None, secure: bool
    ) -> None:
        headers = {"origin": origin} if origin else {}
        async with Browser(app, base=base) as browser:
            opened = await browser.post("/api/users", json=ADA, headers=headers)
            assert bool(cookie_of(opened)["secure"]) is secure
            ended = await browser.delete("/api/session", headers=headers)
            assert bool(cookie_of(ended)["secure"]) is secure

    async def test_signing_out_ends_it_for_every_copy(self, browser: Browser, app: Gate) -> None:
        await browser.register()
        stolen = browser.session
        assert stolen is not None
        answer = await browser.delete("/api/session")
        assert (answer.status_code, answer.json()) == (200, {})
        cookie = cookie_of(answer)
        assert (cookie.value, cookie["max-age"]) == ("", "0")
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
        assert browser.session is None
        async with Browser(app) as thief:
            thief.cookies.set(COOKIE, stolen)
            assert refusal(await thief.me(), 401) == ("not_signed_in", None)
            assert refusal(await thief.post("/api/tickets", json={"room": "x"}), 401)[0] == "not_signed_in"

    async def test_signing_out_of_one_browser_leaves_the_other(self, browser: Browser, app: Gate) -> None:
        await browser.register()
        async with Browser(app) as other:
            await other.sign_in()
            await browser.delete("/api/session")
            assert (await other.me()).status_code == 200

    async def test_signing_out_without_a_session_is_fine(self, browser: Browser) -> None:
        for value in (None, "", "x", "a.b.c"):
            if value is not None:
                browser.cookies.set(COOKIE, value)
            assert (await browser.delete("/api/session")).status_code == 200

    @pytest.mark.parametrize("way", ["sign in", "register", "guest"])
    async def test_a_new_one_ends_the_one_it_replaces(self, browser: Browser, app: Gate, desk: Desk, way: str) -> None:
        await desk.account()
        await browser.post("/api/guests", json={"name": "Gast"})
        before = browser.session
        assert before is not None
        if way == "sign in":
            await browser.sign_in()
        elif way == "register":
            await browser.register(email="bob@example.org")
        else:
            await browser.post("/api/guests", json={"name": "Gast"})
        assert browser.session != before
        assert (await browser.me()).status_code == 200
        async with Browser(app) as old:
            old.cookies.set(COOKIE, before)
            assert refusal(await old.me(), 401)[0] == "not_signed_in"

    async def test_a_refused_sign_in_leaves_the_one_there_is(self, browser: Browser) -> None:
        await browser.register()
        await browser.sign_in(password="wrong")
        assert (await browser.me()).status_code == 200

    async def test_an_expired_one_is_nobody_s(self, browser: Browser, desk: Desk) -> None:
        user = await desk.account()
        old = Tokens(SECRET, timedelta(hours=1), lambda: now() - timedelta(hours=2))
        browser.cookies.set(COOKIE, old.session(user.id))
        assert refusal(await browser.me(), 401) == ("not_signed_in", None)

    async def test_that_of_a_deleted_user_is_nobody_s(self, browser: Browser, desk: Desk) -> None:
        await browser.post("/api/guests", json={"name": "Gast"})
        assert (await browser.me()).status_code == 200
        assert await desk.store.delete_guests(now() + timedelta(hours=1)) == 1
        assert refusal(await browser.me(), 401) == ("not_signed_in", None)
        assert refusal(await browser.post("/api/tickets", json={"room": "x"}), 401)[0] == "not_signed_in"

    @pytest.mark.parametrize("value", ["", "x", "a.b.c", "x" * 8000, '"quoted; semicolon"', "%00", "null"])
    async def test_any_other_cookie_is_nobody_s(self, browser: Browser, value: str) -> None:
        assert refusal(await browser.get("/api/session", headers={"cookie": f"{COOKIE}={value}"}), 401)

    async def test_a_ticket_is_no_session(self, browser: Browser, desk: Desk) -> None:
        user = await desk.account()
        browser.cookies.set(COOKIE, desk.ticket("den", user.id))
        assert refusal(await browser.me(), 401) == ("not_signed_in", None)


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


class TestMe:
    async def test_may_take_another_name(self, browser: Browser) -> None:
        await browser.register()
        answer = await browser.patch("/api/users/me", json={"name": " Ada L. ", "email": "x@example.org", "id": "x"})
        assert (answer.status_code, answer.json()["user"]["name"]) == (200, "Ada L.")
        assert (await browser.me()).json() == answer.json()
        assert refusal(await browser.patch("/api/users/me", json={"name": "<b>"}), 422) == ("bad_name", "name")

    async def test_may_change_the_password_and_ends_every_other_session(self, browser: Browser, app: Gate) -> None:
        await browser.register()
        new = "another horse battery staple"
        wrong = await browser.put("/api/users/me/password", json={"password": "x", "new_password": new})
        assert refusal(wrong, 401) == ("wrong_password", "password")
        async with Browser(app) as other:
            await other.sign_in()
            before = browser.session
            assert before is not None
            right = await browser.put("/api/users/me/password", json={"password": PASSWORD, "new_password": new})
            assert (right.status_code, right.json()) == (200, {})
            assert int(cookie_of(right)["max-age"]) == 168 * 3600
            assert cookie_of(right)["httponly"] is True
            assert (await browser.me()).status_code == 200
            assert refusal(await other.me(), 401)[0] == "not_signed_in"
            other.cookies.set(COOKIE, before, domain="meet.example.org")
            assert refusal(await other.me(), 401)[0] == "not_signed_in"
        assert refusal(await browser.sign_in(), 401)[0] == "wrong_password"
        assert (await browser.sign_in(password=new)).status_code == 200

    @pytest.mark.parametrize("password", [None, "", "wrong", 1, ["x"], {"$ne": None}, "x" * 5000], ids=repr)
    async def test_stays_without_the_right_password(self, browser: Browser, password: object) -> None:
        await browser.register()
        answer = await browser.request("DELETE", "/api/users/me", json={"password": password})
        assert refusal(answer, 401) == ("wrong_password", "password")
        assert (await browser.me()).status_code == 200

    async def test_may_go_with_everything(self, browser: Browser, app: Gate, desk: Desk) -> None:
        me = (await browser.register()).json()["user"]["id"]
        code = await desk.room(me)
        async with Browser(app) as other:
            await other.sign_in()
            answer = await browser.request("DELETE", "/api/users/me", json={"password": PASSWORD})
            assert (answer.status_code, answer.json()) == (200, {})
            assert browser.session is None
            assert refusal(await other.me(), 401)[0] == "not_signed_in"
            assert refusal(await other.sign_in(), 401)[0] == "wrong_password"
        assert await desk.store.room(code) is None

    async def test_is_a_guest_who_may_go(self, browser: Browser) -> None:
        await browser.post("/api/guests", json={"name": "Gast"})
        assert (await browser.request("DELETE", "/api/users/me", json={})).status_code == 200
        assert refusal(await browser.me(), 401)[0] == "not_signed_in"

    @pytest.mark.parametrize(
        ("method", "path"), [("PATCH", "/api/users/me"), ("DELETE", "/api/users/me"), ("PUT", "/api/users/me/password")]
    )
    async def test_is_somebody_with_a_session(self, browser: Browser, method: str, path: str) -> None:
        assert refusal(await browser.request(method, path, json={}), 401) == ("not_signed_in", None)
        other = await browser.request(method, path, json={}, headers={"origin": "https://evil.example"})
        assert other.json()["error"]["code"] == "foreign_origin"


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


class TestTheBody:
    ROUTES = ("/api/users", "/api/session", "/api/guests")

    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("application/x-www-form-urlencoded", b"name=Ada&email=ada%40example.org&password=x"),
            (
                "multipart/form-data; boundary=x",
                b'--x\r\ncontent-disposition: form-data; name="name"\r\n\r\nA\r\n--x--',
            ),
            ("text/plain", json.dumps(ADA).encode()),
            ("", json.dumps(ADA).encode()),
            ("application/jsonx", json.dumps(ADA).encode()),
            ("application/json", b""),
            ("application/json", b"null"),
            ("application/json", b"[]"),
            ("application/json", b'"Ada"'),
            ("application/json", b"1"),
            ("application/json", b"{"),
            ("application/json", b'{"name": NaN}'),
            ("application/json", b'{"name": "\\ud800"}'),
            ("application/json", b"\xff\xfe"),
            ("application/json", b'{"name": "\xff"}'),
            ("application/json", b'{"a":' * 2000 + b"1" + b"}" * 2000),
            ("application/json", b"[" * 10_000),
        ],
        ids=lambda value: str(value)[:40],
    )
    async def test_is_an_object_sent_as_json(self, browser: Browser, path: str, kind: str, body: bytes) -> None:
        headers = {"content-type": kind} if kind else {}
        answer = await browser.post(path, content=body, headers=headers)
        assert refusal(answer, 422) == ("bad_message", None)

    @pytest.mark.parametrize("path", ROUTES)
    async def test_has_its_bound(self, browser: Browser, path: str) -> None:
        form = json.dumps(ADA | {"more": "x" * MAX_BODY}).encode()
        answer = await browser.post(path, content=form, headers={"content-type": "application/json"})
        assert refusal(answer, 413) == ("too_large", None)

    async def test_is_not_read_beyond_its_bound(self, browser: Browser) -> None:
        sent = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(1000):
                sent += 1
                yield b"x" * 1024

        answer = await browser.post("/api/users", content=endless(), headers={"content-type": "application/json"})
        assert refusal(answer, 413)[0] == "too_large"
        assert sent <= MAX_BODY // 1024 + 2

    async def test_may_say_its_letters(self, browser: Browser) -> None:
        headers = {"content-type": "application/json; charset=utf-8"}
        answer = await browser.post("/api/users", content=json.dumps(ADA).encode(), headers=headers)
        assert answer.status_code == 201


class TestTheAnswer:
    async def test_a_page_hears_of_refusals_without_an_error_in_its_console(self, browser: Browser) -> None:
        browser.headers["x-peermeet"] = "page"
        assert refusal(await browser.sign_in(), 200) == ("wrong_password", "password")
        assert refusal(await browser.me(), 200) == ("not_signed_in", None)
        assert refusal(await browser.register(name=""), 200) == ("bad_name", "name")
        assert refusal(await browser.post("/api/tickets", content=b"x"), 200) == ("bad_message", None)
        assert (await browser.register()).status_code == 201

    async def test_nothing_of_it_is_cached(self, browser: Browser) -> None:
        for answer in (await browser.register(), await browser.me(), await browser.delete("/api/session")):
            assert answer.headers["cache-control"] == "no-store"

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "/api/users"), ("PUT", "/api/session"), ("GET", "/api/tickets"), ("GET", "/api/x")]
    )
    async def test_other_ways_lead_nowhere(self, browser: Browser, method: str, path: str) -> None:
        assert (await browser.request(method, path)).status_code in {404, 405}

    def test_every_status_is_one_of_a_refusal(self) -> None:
        assert set(STATUS) <= set(SENTENCES)

    async def test_a_store_that_does_not_answer_is_said_so(
        self, browser: Browser, desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await browser.register()

        async def broken(*_: object) -> None:
            raise Unavailable from OSError("the disk is full")

        monkeypatch.setattr(desk.store, "_run", broken)
        assert refusal(await browser.me(), 503) == ("unavailable", None)
        assert refusal(await browser.sign_in(), 503) == ("unavailable", None)
        assert refusal(await browser.post("/api/guests", json={"name": "G"}), 503) == ("unavailable", None)
        assert [record.getMessage() for record in caplog.records] == 3 * ["the store does not answer: OSError"]
        assert all(record.exc_info is None for record in caplog.records)

    async def test_what_is_logged_holds_no_secret(
        self, browser: Browser, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG", "peermeet")
        await browser.register()
        session = browser.session
        await browser.sign_in(password="a wrong password")
        ticket = (await browser.post("/api/tickets", json={"room": await desk.room()})).json()["ticket"]
        owner = await desk.account("owner@example.org", "Owner")
        code = await desk.room(owner.id)
        await desk.services.set_passcode(owner, code, "open sesame")
        invitation = (await desk.services.invite(owner, code)).token
        for more in ({"passcode": "closed sesame"}, {"passcode": "open sesame"}, {"invitation": invitation}):
            await browser.post("/api/tickets", json={"room": code, **more})
        await browser.put("/api/users/me/password", json={"password": PASSWORD, "new_password": f"new {PASSWORD}"})
        device = browser.cookies[DEVICE]
        await browser.request("DELETE", "/api/users/me", json={"password": "a wrong password"})
        await browser.delete("/api/session")
        said = "\n".join(record.getMessage() for record in caplog.records)
        assert "registered" in said
        assert "sign-in refused" in said
        secrets = (session, ticket, PASSWORD, "a wrong password", "ada@example.org", HERE, SECRET, device, invitation)
        for secret in (*secrets, "open sesame", "closed sesame"):
            assert secret is not None
            assert secret not in said


class TestOtherSites:
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://meet.example.org.evil.example"])
    async def test_change_nothing_here(self, browser: Browser, origin: str) -> None:
        await browser.register()
        browser.headers["origin"] = origin
        for path in ("/api/users", "/api/session", "/api/guests", "/api/tickets"):
            answer = await browser.post(path, json=ADA)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
        answer = await browser.delete("/api/session")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_origin")
        assert "set-cookie" not in answer.headers
        del browser.headers["origin"]
        assert (await browser.me()).status_code == 200

    @pytest.mark.parametrize(
        "origin", ["http://meet.example.org", "https://meet.example.org", "https://other.example.org"]
    )
    async def test_its_own_and_listed_ones_may(self, browser: Browser, origin: str) -> None:
        browser.headers["origin"] = origin
        assert (await browser.register()).status_code == 201

    async def test_are_told_nothing_they_could_read(self, browser: Browser) -> None:
        answer = await browser.get("/api/session", headers={"origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_user_is_told_by_id_name_and_kind_alone(browser: Browser, desk: Desk) -> None:
    user: User = await desk.account()
    told = (await browser.sign_in()).json()
    assert told == {"user": {"id": user.id, "name": "Ada", "guest": False}}
