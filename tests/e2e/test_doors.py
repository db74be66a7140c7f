"""The room as a place: who knocks waits, who is removed is out, who is silenced is not played, and each is told so."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from .person import People, Person, until

pytestmark = pytest.mark.browser


async def host(person: People) -> tuple[Person, str]:
    """Ada, in a room of her own, and its path."""
    ada = await person("Ada", account=True)
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    return ada, path


async def sets(ada: Person, door: str) -> None:
    """Turn one of the room's switches, by its panel."""
    await ada.page.click("#panel-doors")
    switch = ada.page.locator(f"#door-{door}")
    await expect(switch).to_have_attribute("aria-checked", "false")
    await switch.click()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await ada.page.click("#panel-doors")


async def knocks(one: Person, path: str) -> None:
    await one.opens(path)
    await one.presses_join()
    await one.is_in("waiting")


async def asks(ada: Person, name: str, what: str) -> None:
    """Choose something from somebody's menu in the people panel."""
    if not await ada.page.locator(".people").count():
        await ada.page.click("#panel-people")
    await ada.button(f"More about {name}").click()
    await ada.button(what).click()


def ended(one: Person) -> Locator:
    return one.page.get_by_role("heading")


async def test_who_knocks_waits_until_a_host_answers(person: People) -> None:
    ada, path = await host(person)
    await sets(ada, "lobby")
    bob, cy = await person("Bob"), await person("Cy")
    await knocks(bob, path)
    await expect(bob.page.get_by_text("You have knocked.")).to_be_visible()
    await expect(bob.page.get_by_text("A host will let you in.")).to_be_visible()
    await expect(bob.page.get_by_role("timer")).to_have_text("0:02")
    await expect(ada.page.locator(".unseen")).to_have_text("Bob is waiting to be let in.")
    await ada.sees_tiles()
    assert await bob.connections() == await ada.connections() == []
    assert await bob.live_tracks() == 2  # the preview goes on

    await bob.page.click("#cancel")
    await bob.is_in("preview")
    await expect(ada.page.locator(".knocks")).to_have_count(0)
    await knocks(bob, path)
    await knocks(cy, path)
    await expect(ada.button("Admit all")).to_be_visible()
    await ada.button("Deny Cy").click()
    await expect(ended(cy)).to_have_text("You were not let in")
    assert await cy.live_tracks() == 0
    await ada.button("Admit Bob").click()
    await bob.is_in("joined")
    await expect(ada.page.locator(".knocks")).to_have_count(0)
    for one, other in ((ada, "Bob"), (bob, "Ada")):
        await one.sees_tiles(other)
        await one.sees_moving(1)
    assert await cy.connections() == []


async def test_members_wait_for_the_host(person: People) -> None:
    ada, path = await host(person)
    await sets(ada, "wait_for_host")
    bob, cy = await person("Bob", account=True), await person("Cy")
    await bob.joins(path)
    await asks(ada, "Bob", "Make listener")  # so that the room does not pass to him
    await expect(bob.page.locator("#microphone")).to_have_count(0)
    await bob.sends_nothing("audio")
    await ada.leaves()
    await knocks(cy, path)
    await expect(cy.page.get_by_text("Waiting for the host.")).to_be_visible()
    await ada.page.click("#rejoin")
    await ada.joins()
    await cy.is_in("joined")
    await cy.sees_tiles("Ada", "Bob")


async def test_who_is_removed_is_out_until_a_host_allows_it(person: People) -> None:
    ada, path = await host(person)
    bob = await person("Bob")
    await bob.joins(path)
    await ada.sees_moving(1)
    await asks(ada, "Bob", "Remove")
    await expect(ended(bob)).to_have_text("You were removed from this meeting")
    await ada.sees_tiles()
    assert await bob.live_tracks() == 0
    assert await bob.connections() == await ada.connections() == ["closed"]

    await bob.page.reload()
    await bob.presses_join()
    await expect(bob.page.get_by_text("You were removed from this meeting")).to_be_visible()
    await ada.sees_tiles()

    await ada.button("Let Bob come back").click()
    await expect(ada.page.get_by_text("May not come back")).to_have_count(0)
    await bob.joins(path)
    await ada.sees_moving(1)


async def test_what_is_silenced_is_played_by_nobody(person: People) -> None:
    ada, path = await host(person)
    bob = await person("Bob")
    await bob.joins(path)
    await ada.sees_moving(1)
    await expect(ada.tile("Bob").locator("audio")).to_have_count(1)
    await asks(ada, "Bob", "Silence for all")
    await expect(ada.tile("Bob").locator("audio")).to_have_count(0)
    await expect(ada.tile("Bob").get_by_role("img", name="silenced")).to_be_visible()
    await expect(bob.page.get_by_text("nobody hears you")).to_be_visible()
    await bob.has("microphone", on=True)  # it is the others who do not listen
    await ada.sees_moving(1)

    await asks(ada, "Bob", "Hide camera for all")
    await expect(ada.tile("Bob").locator("video")).to_have_count(0)
    await expect(ada.tile("Bob").locator(".tile-avatar")).to_be_visible()

    await asks(ada, "Bob", "Let be heard again")
    await asks(ada, "Bob", "Show camera again")
    await expect(ada.tile("Bob").locator("audio")).to_have_count(1)
    await ada.sees_painted(2)


async def test_a_request_to_mute_is_a_request(person: People) -> None:
    ada, path = await host(person)
    bob = await person("Bob")
    await bob.joins(path)
    for answer, on in (("Keep it on", True), ("Switch off", False)):
        await asks(ada, "Bob", "Ask to mute")
        await expect(bob.page.get_by_text("Ada asks you to switch your microphone off.")).to_be_visible()
        await bob.has("microphone", on=True)
        await bob.button(answer).click()
        await expect(bob.page.locator(".asked")).to_have_count(0)
        await bob.has("microphone", on=on)
    await expect(ada.tile("Bob")).to_have_attribute("data-microphone", "false")


async def test_the_end_for_all_and_a_room_that_is_locked(person: People) -> None:
    ada, path = await host(person)
    bob, cy = await person("Bob"), await person("Cy")
    await bob.joins(path)
    await sets(ada, "locked")
    await cy.opens(path)
    await cy.presses_join()
    await expect(ended(cy)).to_have_text("The room is locked")
    await expect(bob.page.locator("#end")).to_have_count(0)
    await ada.page.click("#end")
    await ada.button("Go on").click()
    await ada.is_in("joined")
    await ada.page.click("#end")
    await ada.page.click("#end-for-all")
    for one in (ada, bob):
        await expect(ended(one)).to_have_text("The meeting has ended")
        assert await one.live_tracks() == 0


async def test_the_newer_tab_has_the_seat_where_there_is_one_a_person(person: People) -> None:
    ada, path = await host(person)
    await sets(ada, "one_device")
    bob = await person("Bob")
    await bob.joins(path)
    newer = await bob.another_tab()
    await newer.joins(path)
    await expect(ended(bob)).to_have_text("You are in this meeting in another tab")
    await ada.sees_tiles("Bob")
    await ada.sees_moving(1)
    assert await bob.live_tracks() == 0


@pytest.mark.parametrize("size", [(390, 844), (1280, 800)], ids=["phone", "desktop"])
async def test_knocks_cover_no_control(person: People, size: tuple[int, int]) -> None:
    ada, path = await host(person)
    await sets(ada, "lobby")
    await ada.page.set_viewport_size({"width": size[0], "height": size[1]})
    for name in ("Bob", "Cy", "Dee"):
        await knocks(await person(name, refuses={"audio": "NotFoundError", "video": "NotFoundError"}), path)
    await ada.page.click("#panel-people")

    async def free() -> bool:
        return await ada.page.evaluate(
            """() => {
                 const cards = document.querySelector(".knocks").getBoundingClientRect();
                 const buttons = [...document.querySelectorAll(".bar button, .panel button")]
                     .filter((button) => button.checkVisibility());
                 return buttons.length > 5 && buttons.every((button) => {
                   const { left, right, top, bottom } = button.getBoundingClientRect();
                   return right <= cards.left || left >= cards.right || bottom <= cards.top || top >= cards.bottom;
                 });
               }"""
        )

    await until(free, "no button under the cards", patience=3)
    wide = await ada.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
    await expect(ada.page.locator("#leave")).to_be_in_viewport(ratio=1)
