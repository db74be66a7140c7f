"""The front door: what is refused is said where one looks, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from .person import PASSWORD, People
from .server import Server

pytestmark = pytest.mark.browser


async def test_registering_says_what_is_wrong_beside_the_field(person: People) -> None:
    ada = await person("Ada", account=True)
    taken = ada.email
    await ada.context.clear_cookies()
    await ada.goto("/")
    await ada.page.locator(".tab", has_text="Create account").click()
    for field, text, code, sentence in (
        ("name", "<img src=x onerror=alert(1)>", "bad_name", "A name has 1 to 64 characters"),
        ("name", "A\u202eda", "bad_name", "A name has 1 to 64 characters"),
        ("email", "ada at example", "bad_email", "does not look like an email address"),
        ("email", taken.upper().replace("@EXAMPLE.ORG", "@example.org"), "email_taken", "Sign in instead"),
        ("password", "", "weak_password", "at least 10 characters"),
        ("password", "short", "weak_password", "at least 10 characters"),
        ("password", "password123", "weak_password", "hard to guess"),
    ):
        await ada.registers(**({"email": "new@example.org"} | {field: text}))
        await ada.is_told(code, sentence, beside=field)
        kept = {"name": ada.name, "email": "new@example.org", "password": PASSWORD} | {field: text}
        for name, value in kept.items():
            await expect(ada.page.locator(f"#{name}")).to_have_value(value)
            await expect(ada.page.locator(f"#{name}")).to_have_attribute("aria-invalid", str(name == field).lower())
    assert await ada.sessions() == []


async def test_signing_in_says_no_more_than_it_must(person: People) -> None:
    ada = await person("Ada", account=True)
    await ada.context.clear_cookies()
    await ada.goto("/")
    for wrong in ({"password": "not the password"}, {"email": "nobody@example.org"}, {"email": "@"}):
        await ada.signs_in(**wrong)
        await ada.is_told("wrong_password", "Email or password is wrong.", beside="password")
        await expect(ada.page.locator("#email")).to_have_value(wrong.get("email", ada.email))
        await expect(ada.page.locator("#password")).to_have_value(wrong.get("password", PASSWORD))
    await ada.signs_in()
    await ada.arrives_at("/lobby")
    await expect(ada.page.locator("#who")).to_have_text("Ada")


@pytest.fixture
async def fresh_server(tmp_path: Path) -> AsyncIterator[Server]:
    """One that may be offended: it remembers failures by address, and all tests have the same."""
    running = Server(tmp_path / "data")
    await running.start()
    yield running
    await running.stop()


async def test_the_eleventh_attempt_has_to_wait(fresh_server: Server, person: People) -> None:
    ada = await person("Ada", account=True, url=fresh_server.url)
    await ada.context.clear_cookies()
    await ada.goto("/")
    for attempt in range(10):
        await ada.signs_in(password=f"guess number {attempt}")
        await ada.is_told("wrong_password", "Email or password is wrong.", beside="password")
    await ada.signs_in()
    await ada.is_told("too_many_attempts", "Wait a while and try again")
    await expect(ada.page.locator("#email")).to_have_value(ada.email)
    await expect(ada.page.locator("#password")).to_have_value(PASSWORD)
    log = fresh_server.log()
    assert PASSWORD not in log
    assert "guess number" not in log
    assert "Traceback" not in log


async def test_whoever_wanted_to_a_room_gets_there(person: People, room: str) -> None:
    ada = await person("Ada", account=True)
    await ada.context.clear_cookies()
    await ada.opens(room)
    await ada.page.get_by_role("link", name="Sign in").click()
    await ada.signs_in()
    await ada.arrives_at(room)
    await expect(ada.page.locator("#join")).to_be_enabled()
    await expect(ada.page.locator("#name")).to_have_count(0)


@pytest.mark.parametrize(
    "next",
    [
        "//evil.test",
        "https://evil.test",
        "/%5Cevil.test",
        "/%09/evil.test",
        "%09//evil.test",
        "/%0A/evil.test",
        "javascript:alert(1)",
    ],
)
async def test_nobody_is_sent_to_another_site(person: People, next: str) -> None:
    ada = await person("Ada", account=True)
    await ada.context.clear_cookies()
    await ada.context.route("*://evil.test/**", lambda route: route.fulfill(body="Got you."))
    await ada.goto(f"/?next={next}")
    await ada.signs_in()
    await ada.page.wait_for_url(lambda url: "next=" not in url)
    assert ada.page.url == f"{ada.url}/lobby"


async def test_who_is_not_signed_in_has_no_lobby(person: People) -> None:
    ada = await person("Ada")
    await ada.goto("/lobby")
    await ada.arrives_at("/?next=/lobby")


async def test_signing_out_ends_the_session_for_every_copy_of_it(person: People, server: Server) -> None:
    ada = await person("Ada", account=True)
    await ada.goto("/")
    await ada.arrives_at("/lobby")  # who is signed in needs no door
    cookie = await ada.cookie()
    thief = await person("Thief")
    await thief.context.add_cookies([cookie])
    who = f"{server.url}/api/session"
    assert (await thief.context.request.get(who)).status == 200
    await ada.button("Sign out").click()
    await ada.arrives_at("/")
    assert await ada.sessions() == []
    answer = await thief.context.request.get(who)
    assert answer.status == 401
    assert (await answer.json())["error"]["code"] == "not_signed_in"
    await thief.goto("/lobby")
    await thief.arrives_at("/?next=/lobby")
