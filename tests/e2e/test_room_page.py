"""The page of one's own room: what is set there is so at the door, and what happened there is remembered."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from .person import Overheard, People
from .server import Server

pytestmark = pytest.mark.browser

PASSCODE = "open sesame"


async def test_a_passcode_is_asked_for_at_the_door(person: People, server: Server) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Private talk")
    await ada.sets_up(path)
    of_ada, of_bob = Overheard(ada.page), Overheard(bob.page)
    await ada.fills(passcode="abc")
    await ada.page.click("#set-passcode")
    await ada.is_told("bad_passcode", "A passcode has 4 to 64 characters.", beside="passcode")
    await ada.fills(passcode=PASSCODE)
    await ada.page.click("#set-passcode")
    await expect(ada.page.locator("#passcode-now")).to_contain_text("says a passcode")
    await expect(ada.page.locator("#passcode")).to_have_value("")

    await bob.goto(path)
    await expect(bob.page.locator("#passcode")).to_have_count(0)
    await bob.presses_join()
    await expect(bob.page.locator("#passcode")).to_be_visible()
    await expect(bob.page.locator("#passcode-error")).to_be_empty()  # he has not said one yet
    assert await bob.page.get_attribute("#passcode", "type") == "password"
    assert await bob.page.get_attribute("#passcode", "autocomplete") == "off"
    await bob.fills(passcode="closed sesame")
    await bob.presses_join()
    await bob.is_told("wrong_passcode", "This passcode is wrong.", beside="passcode")
    await expect(bob.page.locator("#passcode")).to_be_focused()
    await bob.is_in("preview")
    await bob.fills(passcode=PASSCODE)
    await bob.joins()
    await bob.leaves()
    await bob.page.click("#rejoin")
    await bob.joins()

    assert of_ada.says("sesame") == {re.sub("/meet/(.*)", r"/api/rooms/\1/passcode", path)}
    assert of_bob.says("sesame") == {"/api/tickets"}
    assert "sesame" not in server.log()
    for one in (ada, bob):
        assert not [known for known in await one.knows() if "sesame" in known]

    await ada.page.click("#clear-passcode")
    await expect(ada.page.locator("#passcode-now")).to_contain_text("None is asked for")
    cy = await person("Cy")
    await cy.joins(path)


async def test_hours_are_each_reader_s_own(person: People) -> None:
    ada = await person("Ada", account=True, timezone_id="America/New_York", locale="en-GB")
    bob = await person("Bob", timezone_id="Asia/Kolkata", locale="en-GB")
    path = await ada.creates("Evening class")
    await ada.sets_up(path)
    await ada.page.fill("#opens-at", "2090-05-03T14:30")
    await ada.page.click("#save-hours")
    await expect(ada.page.locator("#hours .done")).to_have_text("Saved.")
    await ada.page.reload()
    await expect(ada.page.locator("#opens-at")).to_have_value("2090-05-03T14:30")
    await expect(ada.page.locator("#closes-at")).to_have_value("")

    opens = r"Thursday,? 4 May 2090,? (at )?00:00"  # as this version of the browser writes it
    await bob.goto(path)
    await expect(bob.page.get_by_text("This room opens")).to_contain_text(re.compile(opens))
    await bob.presses_join()
    refused = bob.page.locator(".form-error")
    await expect(refused).to_have_attribute("data-code", "not_open_yet")
    await expect(refused).to_contain_text(re.compile(f"It opens {opens}"))
    await bob.is_in("preview")

    await ada.page.fill("#opens-at", "")
    await ada.page.fill("#closes-at", "2020-05-03T14:30")
    await ada.page.click("#save-hours")
    await expect(ada.page.locator("#hours .done")).to_have_text("Saved.")
    await bob.page.reload()
    await expect(refused).to_have_attribute("data-code", "closed")
    await expect(refused).to_contain_text(re.compile(r"It closed Monday,? 4 May 2020,? (at )?00:00"))
    await ada.page.fill("#opens-at", "2020-05-03T15:30")
    await ada.page.click("#save-hours")
    await expect(ada.page.locator("#closes-error")).to_contain_text("a room closes after it opens")

    await ada.page.fill("#opens-at", "")
    await ada.page.fill("#closes-at", "")
    await ada.page.click("#save-hours")
    await expect(ada.page.locator("#hours .done")).to_have_text("Saved.")
    await bob.page.click("#join")  # he only tries again
    await bob.is_in("joined")


async def test_what_is_set_here_is_so_in_the_meeting_and_the_other_way_round(person: People) -> None:
    ada = await person("Ada", account=True)
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    page = await ada.another_tab()
    await page.sets_up(path)
    await page.fills(title="Planning, weekly", capacity="99")
    await page.page.click("#save-room")
    await expect(page.page.locator("#capacity-error")).to_contain_text("not a number of seats")
    await page.fills(capacity="2")
    await page.page.click("#save-room")
    await expect(page.page.get_by_role("heading", name="Planning, weekly")).to_be_visible()
    await expect(page.page.locator("#room .done")).to_have_text("Saved.")
    await expect(page.page.locator("#door-relay_only")).to_be_disabled()  # this server has none
    await page.page.click("#door-lobby")
    await expect(page.page.locator("#door-lobby")).to_have_attribute("aria-checked", "true")
    await ada.page.click("#panel-doors")
    await expect(ada.page.locator("#door-lobby")).to_have_attribute("aria-checked", "true")
    await expect(ada.page.locator("#door-relay_only")).to_be_disabled()
    await ada.page.click("#door-locked")
    await expect(ada.page.locator("#door-locked")).to_have_attribute("aria-checked", "true")
    await page.page.reload()
    await expect(page.page.locator("#door-locked")).to_have_attribute("aria-checked", "true")


async def test_the_history_tells_who_was_there_and_by_which_invitation(person: People, tmp_path: Path) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob, a guest")
    path = await ada.creates("Weekly planning")
    await ada.sets_up(path)
    await expect(ada.page.get_by_text("Nobody has met here yet.")).to_be_visible()
    link = await ada.invites()
    await ada.joins(path)
    await bob.page.goto(link)
    await bob.joins()
    await ada.sees_tiles("Bob, a guest")
    await bob.leaves()
    await ada.sees_tiles()
    owner = await ada.another_tab()
    await owner.sets_up(path)
    meeting = owner.page.locator(".meeting-line")
    await expect(meeting).to_contain_text("goes on now")
    await ada.leaves()
    await owner.page.reload()
    await expect(meeting).to_contain_text("under 1 min")
    await meeting.click()
    rows = owner.page.locator(".stays tbody tr")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("Ada")
    await expect(rows.nth(1)).to_contain_text("Bob, a guest")
    await expect(rows.nth(1)).to_contain_text("invitation no. 1")
    await meeting.click()
    await expect(rows).to_have_count(0)
    async with owner.page.expect_download() as started:
        await owner.page.click("#attendance")
    download = await started.value
    assert download.suggested_filename == f"attendance-{path.removeprefix('/meet/')}.csv"
    await download.save_as(tmp_path / "attendance.csv")
    table = csv.DictReader((tmp_path / "attendance.csv").read_text("utf-8-sig").splitlines())
    assert [(line["name"], line["guest"]) for line in table] == [("Ada", ""), ("Bob, a guest", "guest")]


async def test_the_page_is_its_owner_s_alone(person: People) -> None:
    ada, bob = await person("Ada", account=True), await person("Bob", account=True)
    path = await ada.creates("Weekly planning")
    await ada.room("Weekly planning").get_by_role("link", name="Settings").click()
    await ada.arrives_at(path.replace("/meet/", "/room/"))
    await expect(ada.page.get_by_role("heading", name="Weekly planning")).to_be_visible()
    await bob.goto(path.replace("/meet/", "/room/"))
    await expect(bob.page.get_by_role("alert")).to_contain_text("There is no such room.")
    await expect(bob.page.locator("#history")).to_have_count(0)
    await ada.context.clear_cookies()
    await ada.page.reload()
    await ada.signs_in()
    await ada.arrives_at(path.replace("/meet/", "/room/"))
    await expect(ada.page.locator("#history")).to_be_visible()
