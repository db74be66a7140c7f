"""Whoever has a link needs nothing but a name; and what lets them in stays out of everybody's sight."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .person import JWT, People

pytestmark = pytest.mark.browser

BAD_NAME = "A name has 1 to 64 characters"


async def test_a_bad_name_costs_nothing_but_another_try(person: People, room: str) -> None:
    bob = await person("Bob")
    await bob.opens(room)
    await bob.switches("camera", on=False)
    for name in ("<b>Bob</b>", "", "B\u202eob"):
        await bob.fills(name=name)
        await bob.page.click("#join")
        await bob.is_told("bad_name", BAD_NAME, beside="name")
        await expect(bob.page.locator("#name")).to_have_value(name)
        await expect(bob.page.locator("#name")).to_have_attribute("aria-invalid", "true")
        await expect(bob.page.locator("#name")).to_be_focused()
        await bob.is_in("preview")
    assert await bob.context.cookies() == []
    await bob.joins()
    await bob.has("camera", on=False)
    await bob.sees_tiles()
    await expect(bob.tile("You").locator(".tile-name")).to_contain_text("Bob")


async def test_a_session_is_seen_by_no_script_and_stands_in_no_address(person: People, room: str) -> None:
    bob = await person("Bob")
    addresses: list[str] = []
    bob.context.on("request", lambda request: addresses.append(request.url))
    bob.page.on("websocket", lambda socket: addresses.append(socket.url))
    await bob.joins(room)
    cookie = await bob.cookie()
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert JWT.search(cookie["value"] + ".")
    scripts_see, *known = await bob.knows()
    assert scripts_see == ""
    assert [text for text in (*known, *addresses, bob.page.url) if JWT.search(text) or cookie["value"] in text] == []
    assert any("/rtc/" in address for address in addresses)

    again = await bob.another_tab()  # the session is still there: nobody asks for a name twice
    await again.opens(room)
    await expect(again.page.locator("#name")).to_have_count(0)
    await again.joins()
    await bob.sees_tiles("Bob (2)")  # both are welcome, and told apart
    await again.sees_tiles("Bob")
    await bob.page.click("#panel-people")
    await expect(bob.page.locator(".people li")).to_contain_text(["Bob", "Bob (2)"])


async def test_a_guest_may_become_somebody(person: People, room: str) -> None:
    bob = await person("Bob")
    await bob.joins(room)
    await bob.leaves()
    await bob.page.get_by_role("link", name="To your rooms").click()
    await expect(bob.page.get_by_text("You are here as a guest.")).to_be_visible()
    await expect(bob.room("Tea at four")).to_be_visible()
    await bob.page.get_by_role("link", name="Create an account").click()
    await bob.registers()
    await bob.arrives_at("/lobby")
    await expect(bob.page.locator("#create")).to_be_visible()
