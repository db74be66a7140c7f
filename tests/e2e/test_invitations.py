"""Links that say who may come, as what and how often; and that tell nobody else so."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .person import Overheard, People, Person
from .server import Server

pytestmark = pytest.mark.browser

NOT_VALID = "This invitation is not valid any more."


def token_of(link: str) -> str:
    return link.partition("#i=")[2]


async def comes_by(one: Person, link: str) -> Overheard:
    """Follow an invitation, and see that it shows nowhere."""
    overheard = Overheard(one.page)
    await one.page.goto(link)
    await expect(one.page.locator("#join")).to_be_enabled()
    assert one.page.url == link.partition("#")[0]
    return overheard


async def is_refused(one: Person) -> None:
    await expect(one.page.locator(".form-error[data-code=bad_invitation]")).to_contain_text(NOT_VALID)
    await one.is_in("preview")


async def test_a_link_for_one_listener_lets_one_listener_in(person: People, server: Server) -> None:
    ada = await person("Ada", account=True, permissions=["camera", "microphone", "clipboard-read", "clipboard-write"])
    path = await ada.creates("Lecture")
    await ada.sets_up(path)
    heard_of_ada = Overheard(ada.page)
    link = await ada.invites("Listener", uses=1)
    token = token_of(link)
    assert link == f"{ada.url}{path}#i={token}"
    assert len(token) == 43
    await ada.button("Copy").click()
    await expect(ada.page.locator(".made").get_by_text("Copied")).to_be_visible()
    assert await ada.page.evaluate("() => navigator.clipboard.readText()") == link
    assert heard_of_ada.says(token) == set()  # the answer to the one request, and nothing on the way there

    bob = await person("Bob")
    overheard = await comes_by(bob, link)
    await bob.joins()
    await expect(bob.page.locator("#microphone")).to_have_count(0)  # a listener has nothing to switch
    await bob.page.reload()  # this tab keeps it
    await bob.joins()
    await expect(bob.page.locator("#microphone")).to_have_count(0)
    assert bob.page.url == f"{bob.url}{path}"
    assert overheard.says(token) == {"/api/tickets"}
    assert token not in server.log()
    assert any("/_event" in line for line in overheard.lines)

    cy = await person("Cy")
    await comes_by(cy, link)
    await cy.presses_join()
    await is_refused(cy)
    await expect(cy.page.locator("#join")).to_have_text("Try again")
    await cy.page.click("#without-invitation")  # the room has no other lock
    await cy.joins()
    await expect(cy.page.locator("#microphone")).to_be_visible()

    await ada.sets_up(path)
    line = ada.invitation(1)
    await expect(line).to_contain_text("Listener")
    await expect(line).to_contain_text("used up")
    await line.get_by_role("button", name="1 of 1 came").click()
    await expect(line.locator(".came bdi")).to_have_text(["Bob"])
    await line.get_by_role("button", name="Revoke").click()
    await ada.page.locator(".menu-items:popover-open").get_by_role("button", name="Revoke").click()
    await expect(line).to_contain_text("revoked")
    await expect(line.get_by_role("button", name="Revoke")).to_have_count(0)
    assert token not in await ada.page.content()  # it was shown once

    await bob.page.reload()
    await is_refused(bob)


async def test_an_invitation_is_kept_through_the_front_door(person: People) -> None:
    ada, dee = await person("Ada", account=True), await person("Dee", account=True)
    path = await ada.creates("Lecture")
    await ada.sets_up(path)
    link = await ada.invites("Co-host")
    await dee.context.clear_cookies()
    overheard = await comes_by(dee, link)
    await dee.page.get_by_role("link", name="Sign in").click()
    await dee.signs_in()
    await dee.arrives_at(path)
    await dee.joins()
    await dee.page.click("#panel-people")
    await expect(dee.page.locator(".people li")).to_contain_text(["co-host"])
    assert overheard.says(token_of(link)) == {"/api/tickets"}


async def test_another_link_to_the_room_that_is_open_is_taken_at_once(person: People) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob", account=True)
    path = await ada.creates("Lecture")
    await ada.sets_up(path)
    link = await ada.invites("Listener")
    overheard = await comes_by(bob, f"{bob.url}{path}#i=mistyped")
    await is_refused(bob)
    await bob.page.evaluate("(hash) => { location.hash = hash; }", f"i={token_of(link)}")
    await expect(bob.page.locator(".form-error")).to_be_empty()
    assert bob.page.url == f"{bob.url}{path}"
    await bob.joins()
    await expect(bob.page.locator("#microphone")).to_have_count(0)
    assert overheard.says(token_of(link)) == {"/api/tickets"}


async def test_a_host_who_is_no_owner_invites_from_the_meeting(person: People) -> None:
    ada, bob, cy = await person("Ada", account=True), await person("Bob"), await person("Cy")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    await expect(bob.page.locator("#panel-people")).to_be_visible()
    await expect(bob.page.locator("#panel-invite")).to_have_count(0)
    await ada.page.click("#panel-people")
    await ada.button("More about Bob").click()
    await ada.button("Make host").click()
    await bob.page.click("#panel-invite")
    roles = bob.page.locator("#invitation-role option")
    await expect(roles).to_have_text(["Member", "Listener"])  # a link outlives the meeting, his being host does not
    await expect(bob.page.locator("#invitation-life option")).to_have_text(["An hour", "A day"])
    link = await bob.invites("Listener", life="An hour")

    await comes_by(cy, link)
    await cy.joins()
    await cy.sees_tiles("Ada", "Bob")
    await expect(cy.page.locator("#panel-invite")).to_have_count(0)
    await expect(cy.page.locator("#microphone")).to_have_count(0)

    await ada.page.click("#panel-invite")
    await expect(ada.invitation(1)).to_contain_text("by Bob")
    await ada.invites("Host")
    await bob.page.click("#panel-invite")
    await bob.page.click("#panel-invite")
    await expect(bob.page.locator(".invitations > li")).to_have_count(1)  # not the owner's
    await bob.invitation(1).get_by_role("button", name="Revoke").click()
    await bob.page.locator(".menu-items:popover-open").get_by_role("button", name="Revoke").click()
    await expect(bob.invitation(1)).to_contain_text("revoked")
    await cy.is_in("joined")  # who is seated stays

    await ada.page.click("#panel-people")
    await ada.button("More about Bob").click()
    await ada.button("Make member").click()
    await expect(bob.page.locator("#panel-invite")).to_have_count(0)
    await expect(bob.page.locator("#invitation-role")).to_have_count(0)
