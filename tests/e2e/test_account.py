"""One's own account: another name, another password, and the end of it."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .person import PASSWORD, Overheard, People

pytestmark = pytest.mark.browser

OTHER = "eleven loud geese under a bridge"


async def test_another_name_and_another_password(person: People) -> None:
    ada = await person("Ada", account=True)
    overheard = Overheard(ada.page)
    await ada.goto("/lobby")
    await ada.page.click("#who")
    await ada.arrives_at("/account")
    await ada.fills(name="<b>Ada</b>")
    await ada.page.click("#rename")
    await ada.is_told("bad_name", "A name has 1 to 64 characters", beside="name")
    await ada.fills(name="Ada Lovelace")
    await ada.page.click("#rename")
    await expect(ada.page.locator("#who")).to_have_text("Ada Lovelace")
    await expect(ada.page.locator(".done").first).to_have_text("Saved.")

    await ada.fills(password="not the password", new_password=OTHER)
    await ada.page.click("#change-password")
    await ada.is_told("wrong_password", "Email or password is wrong.", beside="password")
    await ada.fills(password=PASSWORD, new_password="short")
    await ada.page.click("#change-password")
    await ada.is_told("weak_password", "at least 10 characters", beside="new_password")
    await ada.fills(new_password=OTHER)
    await ada.page.click("#change-password")
    await expect(ada.page.get_by_text("Your password is another one now.")).to_be_visible()
    for field in ("password", "new_password"):
        await expect(ada.page.locator(f"#{field}")).to_have_value("")
    assert overheard.says(OTHER) == overheard.says(PASSWORD) == {"/api/users/me/password"}

    await ada.page.click("#sign-out")
    await ada.arrives_at("/")
    await ada.signs_in()
    await ada.is_told("wrong_password", "Email or password is wrong.", beside="password")
    await ada.signs_in(password=OTHER)
    await ada.arrives_at("/lobby")
    await expect(ada.page.locator("#who")).to_have_text("Ada Lovelace")


async def test_an_account_goes_with_all_that_is_in_it(person: People) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await bob.joins(path)
    await ada.goto("/account")
    await ada.page.fill("#delete-password", "not the password")
    await ada.page.click("#delete-account")
    await ada.is_told("wrong_password", "Email or password is wrong.", beside="delete-password")
    await bob.is_in("joined")
    await ada.page.fill("#delete-password", PASSWORD)
    await ada.page.click("#delete-account")
    await ada.arrives_at("/")
    assert await ada.sessions() == []
    await expect(bob.page.get_by_role("heading")).to_have_text("The meeting has ended")
    await ada.signs_in()
    await ada.is_told("wrong_password", "Email or password is wrong.", beside="password")
    await ada.goto("/account")
    await ada.arrives_at("/?next=/account")


async def test_a_guest_has_a_name_to_change_and_may_be_forgotten(person: People, room: str) -> None:
    bob = await person("Bob")
    await bob.joins(room)
    await bob.leaves()
    await bob.goto("/account")
    await expect(bob.page.locator("#change-password")).to_have_count(0)
    await bob.fills(name="Bob Hope")
    await bob.page.click("#rename")
    await expect(bob.page.locator("#who")).to_have_text("Bob Hope")
    await bob.page.click("#forget")
    await bob.arrives_at("/")
    assert await bob.sessions() == []
    await bob.opens(room)
    await expect(bob.page.locator("#name")).to_have_value("")
