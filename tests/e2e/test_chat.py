"""What people write: whom it reaches, what of it is kept for who comes later, and that text is text. Hands, too."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from .person import People, Person

pytestmark = pytest.mark.browser


async def chat(one: Person) -> None:
    await one.page.click("#panel-chat")
    await expect(one.page.locator(".composer textarea")).to_be_visible()


async def writes(one: Person, text: str, to: str = "Everybody") -> None:
    await one.page.locator(".chat-to select").select_option(label=to)
    field = one.page.locator(".composer textarea")
    await field.fill(text)
    await field.press("Enter")
    await expect(field).to_have_value("")


def lines(one: Person) -> Locator:
    return one.page.locator(".line p")


async def test_who_comes_later_reads_what_was_said_and_nothing_private(person: People) -> None:
    ada, bob, cy = await person("Ada", account=True), await person("Bob"), await person("Cy")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await chat(ada)
    await writes(ada, "Read <b>this</b> & javascript:alert(1): https://example.org/notes?week=12.")
    await expect(bob.button("Chat, 1 new")).to_be_visible()
    await chat(bob)
    await expect(bob.page.get_by_role("button", name="Chat", exact=True)).to_be_visible()
    await expect(lines(bob)).to_have_text(
        ["Read <b>this</b> & javascript:alert(1): https://example.org/notes?week=12."]
    )
    links = lines(bob).locator("a")
    await expect(links).to_have_count(1)
    for name, value in {
        "href": "https://example.org/notes?week=12",
        "target": "_blank",
        "rel": "noopener noreferrer nofollow",
    }.items():
        await expect(links).to_have_attribute(name, value)

    await writes(bob, "only for you", to="Ada")
    await expect(lines(ada)).to_have_count(2)
    await expect(ada.page.locator(".line[data-private=true]")).to_contain_text("to you alone")

    await cy.joins(path)
    await chat(cy)
    await expect(lines(cy)).to_have_count(1)
    await writes(cy, "mine")
    await expect(lines(ada)).to_have_count(3)
    await expect(cy.page.get_by_role("button", name="Delete this message for everybody")).to_have_count(1)

    await cy.page.locator(".line").last.hover()
    await cy.button("Delete this message for everybody").click()
    for one, left in ((ada, 2), (bob, 2), (cy, 1)):
        await expect(lines(one)).to_have_count(left)
    await ada.button("Delete all").click()
    await ada.page.locator(".menu-items").get_by_role("button", name="Delete all").click()
    for one, left in ((ada, 1), (bob, 1), (cy, 0)):  # what is private was never the room's
        await expect(lines(one)).to_have_count(left)


async def test_one_writes_in_peace(person: People) -> None:
    """Lines go in with Shift and Enter; what is half written outlives the panel, others' lines and Reflex's socket."""
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await chat(ada)
    await chat(bob)
    field = ada.page.locator(".composer textarea")
    await field.press_sequentially("first")
    await field.press("Shift+Enter")
    await field.press_sequentially("second")
    for n in range(3):
        await writes(bob, f"line {n}")
    await expect(lines(ada)).to_have_count(3)
    await expect(field).to_be_focused()
    await expect(field).to_have_value("first\nsecond")
    await ada.page.click("#panel-chat")
    await chat(ada)
    await expect(field).to_have_value("first\nsecond")
    await ada.drops_socket("/_event")
    await field.press("Enter")
    await expect(lines(bob).last).to_have_text("first\nsecond", use_inner_text=True)
    await expect(lines(ada)).to_have_count(4)


async def test_hands_go_up_in_order_and_reactions_go_by(person: People) -> None:
    ada, bob, cy = await person("Ada", account=True), await person("Bob"), await person("Cy")
    path = await ada.creates("Weekly planning")
    for one in (ada, bob, cy):
        await one.joins(path)
    await ada.page.click("#panel-people")
    for one in (cy, bob):
        await one.button("Raise hand or react").click()
        await one.page.click("#raise-hand")
        await expect(ada.tile(one.name).get_by_role("img", name="Hand raised")).to_be_visible()
    await expect(ada.page.locator(".people .who bdi")).to_have_text(["Cy", "Bob", "Ada"])
    await expect(ada.page.get_by_role("img", name="Hand raised, number 1")).to_be_visible()
    await cy.button("Raise hand or react").click()
    await cy.page.click("#raise-hand")
    await expect(ada.page.locator(".people .who bdi")).to_have_text(["Bob", "Ada", "Cy"])

    await bob.button("Raise hand or react").click()
    await bob.button("👏").click()
    shown = [one.tile(tile).get_by_role("img", name="👏") for one, tile in ((ada, "Bob"), (bob, "You"))]
    for reaction in shown:
        await expect(reaction).to_be_visible()
    for reaction in shown:
        await expect(reaction).to_have_count(0)
