"""The lobby: rooms come, are shared, and go; and whoever was in one hears of it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .person import People, Person, until

pytestmark = pytest.mark.browser

NO_SUCH_ROOM = "There is no such room. The link may be mistyped, or the room was deleted."


async def test_a_bad_title_is_refused_and_kept(person: People) -> None:
    ada = await person("Ada", account=True)
    await ada.goto("/lobby")
    await expect(ada.page.get_by_text("No rooms yet.")).to_be_visible()
    for title in ("", "   ", "<script>alert(1)</script>", "Plan\u202eB"):
        await ada.fills(title=title)
        await ada.page.click("#create")
        await expect(ada.page.locator("#title-error")).to_contain_text("A title has 1 to 120 characters")
        await expect(ada.page.locator("#title")).to_have_value(title)
    await expect(ada.page.locator(".room")).to_have_count(0)
    assert re.fullmatch(r"/meet/[2-9a-z]{4}-[2-9a-z]{5}-[2-9a-z]{4}", await ada.creates('Plan B & C\'s "D" 🎉'))
    await expect(ada.page.locator("#title")).to_have_value("")
    await expect(ada.page.locator("#title-error")).to_be_empty()
    await ada.creates("The second")
    await expect(ada.page.locator(".room-title")).to_have_text(["The second", 'Plan B & C\'s "D" 🎉'])


async def test_a_link_is_copied_whole(person: People) -> None:
    ada = await person("Ada", account=True, permissions=["clipboard-read", "clipboard-write"])
    path = await ada.creates("Weekly planning")
    await ada.button("Copy the link to Weekly planning").click()
    await expect(ada.room("Weekly planning").get_by_role("status")).to_have_text("Copied")
    assert await ada.page.evaluate("() => navigator.clipboard.readText()") == ada.url + path


async def test_a_room_is_deleted_on_second_thoughts_only(person: People) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await bob.joins(path)
    await ada.counts("Weekly planning", 1)
    visitor = await bob.another_tab()
    await visitor.goto("/lobby")
    await expect(visitor.room("Weekly planning")).to_be_visible()
    await expect(visitor.room("Weekly planning").get_by_role("link", name="Settings")).to_have_count(0)

    await ada.sets_up(path)
    await ada.button("Delete room").click()
    await ada.button("Keep").click()
    await expect(ada.page.get_by_role("alertdialog")).to_have_count(0)
    await ada.deletes()
    await expect(ada.room("Weekly planning")).to_have_count(0)

    await bob.is_in("left")
    assert await bob.live_tracks() == 0
    await expect(visitor.room("Weekly planning")).to_have_count(0)
    await expect(bob.page.get_by_role("heading")).to_have_text("The meeting has ended")
    await bob.page.reload()
    await expect(bob.page.get_by_role("alert")).to_have_text(NO_SUCH_ROOM)


async def test_a_link_to_nowhere_says_so(person: People) -> None:
    ada = await person("Ada", account=True)
    path = await ada.creates("Weekly planning")
    await ada.sets_up(path)
    await ada.deletes()
    for nowhere in (path, "/meet/2222-22222-2222", "/meet/<b>"):
        await ada.goto(nowhere)
        await expect(ada.page.get_by_role("alert")).to_have_text(NO_SUCH_ROOM)
        await expect(ada.page.get_by_role("link", name="To your rooms")).to_be_visible()
        await until(lambda: _dark(ada), "camera and microphone are off", patience=3)


async def test_a_link_typed_in_capitals_leads_there_too(person: People) -> None:
    ada = await person("Ada", account=True)
    path = await ada.creates("Weekly planning")
    code = path.removeprefix("/meet/")
    await ada.joins(f"/meet/{code.upper().replace('-', '')}")
    await ada.sees_tiles()


async def test_a_tab_that_was_in_another_room_enters_the_one_in_its_address(person: People) -> None:
    ada = await person("Ada", account=True)
    first, second = await ada.creates("The first"), await ada.creates("The second")
    await ada.joins(first)
    for path, title in ((second, "The second"), (first, "The first")):
        await ada.joins(path)
        other = await ada.another_tab()
        await other.goto("/lobby")
        await other.counts(title, 1)
        await other.page.close()


async def _dark(one: Person) -> bool:
    return await one.live_tracks() == 0
