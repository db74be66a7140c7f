"""Accounts and sessions by HTTP: what opens one, what it is worth, and how it ends."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import bcrypt
import pytest

from peermeet.auth.tokens import Tokens
from peermeet.gate import Gate
from peermeet.services import COOKIE
from peermeet.store import User
from tests.auth.desk import PASSWORD, SECRET, Desk, now
from tests.routes.browser import ADA, ODD, Browser, cookie_of, refusal


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


class TestMe:
    async def test_may_take_another_name(self, browser: Browser) -> None:
        await browser.register()
        answer = await browser.patch("/api/users/me", json={"name": " Ada L. ", "email": "x@example.org", "id": "x"})
        assert (answer.status_code, answer.json()["user"]["name"]) == (200, "Ada L.")
        assert (await browser.me()).json() == answer.json()
        assert refusal(await browser.patch("/api/users/me", json={"name": "<b>"}), 422) == ("bad_name", "name")

    async def test_may_change_the_password(self, browser: Browser) -> None:
        await browser.register()
        new = "another horse battery staple"
        wrong = await browser.put("/api/users/me/password", json={"password": "x", "new_password": new})
        assert refusal(wrong, 401) == ("wrong_password", "password")
        weak = await browser.put("/api/users/me/password", json={"password": PASSWORD, "new_password": "short"})
        assert refusal(weak, 422) == ("weak_password", "new_password")
        right = await browser.put("/api/users/me/password", json={"password": PASSWORD, "new_password": new})
        assert (right.status_code, right.json()) == (200, {})
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


async def test_a_user_is_told_by_id_name_and_kind_alone(browser: Browser, desk: Desk) -> None:
    user: User = await desk.account()
    told = (await browser.sign_in()).json()
    assert told == {"user": {"id": user.id, "name": "Ada", "guest": False}}
