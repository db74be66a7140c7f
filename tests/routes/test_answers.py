"""What every route has in common: the shape of what is asked and answered, and who may ask."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from peermeet.core.errors import SENTENCES
from peermeet.routes.answers import DEVICE, MAX_BODY, STATUS
from peermeet.store import Unavailable
from tests.auth.desk import HERE, PASSWORD, SECRET, Desk
from tests.routes.browser import ADA, Browser, refusal


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
        desk.meets().seated[code] = {(await browser.me()).json()["user"]["id"]}
        made = await browser.post(f"/api/rooms/{code}/invitations", json={"role": "member"})
        invitation = made.json()["token"]
        await browser.put(f"/api/rooms/{code}/passcode", json={"passcode": "half open sesame"})
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
