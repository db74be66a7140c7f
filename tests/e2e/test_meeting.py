"""People meet: they see and hear each other, and what one switches off reaches nobody."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from .person import People, Person, until

pytestmark = pytest.mark.browser


async def meet(person: People, size: dict[str, int] | None = None) -> tuple[Person, Person]:
    """Ada, who owns the room, and Bob, who got the link, in a call."""
    ada, bob = await person("Ada", account=True), await person("Bob")
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    for one, other in ((ada, "Bob"), (bob, "Ada")):
        await one.sees_tiles(other)
        await one.sees_moving(1)
    return ada, bob


async def test_a_guest_who_follows_a_link_meets_the_owner(person: People) -> None:
    lobby = await person("Ada Lovelace", size=None)
    bob = await person("Bob", size=None)
    await lobby.goto("/")
    await lobby.registers()
    await lobby.arrives_at("/lobby")
    path = await lobby.creates("Weekly planning")
    await lobby.counts("Weekly planning", 0)

    ada = await lobby.another_tab()
    await ada.joins(path)
    await expect(ada.page.get_by_text("Nobody else is here yet.")).to_be_visible()
    await lobby.counts("Weekly planning", 1)
    await bob.joins(path)
    await lobby.counts("Weekly planning", 2)

    for one, other in ((ada, "Bob"), (bob, "Ada Lovelace")):
        await one.sees_tiles(other)
        await one.sees_moving(1)
        await one.sees_painted(2)
        await one.hears(1)
        assert await one.connections() == ["connected"]
        for tile in (one.tile(other), one.tile("You")):
            await expect(tile).to_have_attribute("data-microphone", "true")
    await expect(ada.tile("Bob").locator(".tile-name")).to_have_text("Bob")
    await expect(ada.page.get_by_text("Nobody else is here yet.")).to_have_count(0)

    await bob.leaves()
    await lobby.counts("Weekly planning", 1)
    await ada.leaves()
    await lobby.counts("Weekly planning", 0)


async def test_four_people_join_at_once_and_all_see_all(person: People) -> None:
    names = ["Ada", "Bob", "Cy", "Dee"]
    ada = await person("Ada", account=True)
    path = await ada.creates("Four corners")
    everybody = [ada, *[await person(name) for name in names[1:]]]
    for one in everybody:
        await one.opens(path)
    await asyncio.gather(*[one.joins() for one in everybody])
    for one in everybody:
        await one.sees_tiles(*[name for name in names if name != one.name])
    await asyncio.gather(*[one.sees_moving(3) for one in everybody])
    await asyncio.gather(*[one.hears(3) for one in everybody])
    for one in everybody:
        assert await one.connections() == ["connected"] * 3

    *staying, dee = everybody
    for one in staying:
        await one.watches_tiles()
    await dee.leaves()
    clicked = await dee.page.evaluate("() => window.clicked")
    for one in staying:
        await one.sees_no_tile("Dee")
        gone = next(moment["at"] for moment in await one.saw() if "Dee" not in moment["tiles"])
        assert 0 <= gone - clicked < 1000
        await one.sees_moving(2)
        assert sorted(await one.connections()) == ["closed", "connected", "connected"]


async def test_rooms_side_by_side_never_hear_of_each_other(person: People) -> None:
    ada, eve = await person("Ada", account=True), await person("Eve")
    here, there = await ada.creates("Here"), await ada.creates("There")
    lobby = await ada.another_tab()
    await lobby.goto("/lobby")
    await eve.joins(there)
    await eve.watches_tiles()
    await ada.joins(here)
    bob = await person("Bob")
    await bob.joins(here)
    await bob.sees_moving(1)
    await lobby.counts("Here", 2)
    await lobby.counts("There", 1)
    await bob.leaves()
    await lobby.counts("Here", 1)
    assert all(moment["tiles"] == {"You": "online"} for moment in await eve.saw())
    assert await eve.connections() == []
    await ada.sees_tiles()


async def test_who_is_muted_sends_nothing_and_shows_it(person: People) -> None:
    ada, bob = await meet(person)
    await bob.hears(1)

    await ada.switches("microphone", on=False)
    await expect(bob.tile("Ada")).to_have_attribute("data-microphone", "false")
    await expect(bob.tile("Ada").get_by_role("img", name="Microphone off")).to_be_visible()
    await expect(ada.tile("You").get_by_role("img", name="Microphone off")).to_be_visible()
    await ada.sends_nothing("audio")
    before = await bob.energy()
    await asyncio.sleep(1.5)  # longer than from beep to beep
    assert await bob.energy() == pytest.approx(before, abs=1e-9)
    await ada.hears(1)
    await bob.sees_moving(1)

    await ada.switches("microphone", on=True)
    await bob.hears(1)
    await expect(bob.tile("Ada")).to_have_attribute("data-microphone", "true")
    assert await ada.connections() == await bob.connections() == ["connected"]


async def test_a_camera_that_is_off_is_off(person: People) -> None:
    ada, bob = await meet(person)
    lines = await bob.page.evaluate("() => window.pcs[0].getTransceivers().length")
    await expect(bob.tile("Ada").locator("video")).to_be_visible()

    await ada.switches("camera", on=False)
    assert await ada.live_tracks("video") == 0
    assert await ada.live_tracks("audio") == 1
    await expect(bob.tile("Ada").locator("video")).to_have_count(0)
    await expect(bob.tile("Ada").locator(".tile-avatar")).to_be_visible()
    await expect(ada.tile("You").locator("video")).to_have_count(0)
    await ada.sends_nothing("video")
    await ada.sees_moving(1)

    for on in (True, False, True):  # quickly, as people who search for the button do
        await ada.switches("camera", on=on)
    await bob.sees_moving(1)
    await bob.sees_painted(2)
    assert await ada.live_tracks("video") == 1
    assert await ada.connections() == await bob.connections() == ["connected"]
    assert await bob.page.evaluate("() => window.pcs[0].getTransceivers().length") == lines


async def test_whoever_leaves_leaves_nothing_on_and_may_come_back(person: People) -> None:
    ada, bob = await meet(person)
    await bob.leaves()
    await ada.sees_tiles()
    assert await bob.live_tracks() == 0
    assert await bob.connections() == await ada.connections() == ["closed"]

    await bob.page.click("#rejoin")
    await expect(bob.page.locator("#join")).to_be_enabled()
    await expect(bob.page.locator("#name")).to_have_count(0)  # a guest has said it already
    await bob.joins()
    await ada.sees_tiles("Bob")
    await bob.sees_moving(1)
    await ada.sees_moving(1)
    assert await bob.connections() == await ada.connections() == ["closed", "connected"]


@pytest.mark.parametrize("how", ["closes the tab", "goes elsewhere"])
async def test_a_tab_that_is_closed_is_gone_at_once(person: People, how: str) -> None:
    ada, bob = await meet(person)
    await ada.watches_tiles()
    left = await bob.page.evaluate("() => Date.now()")
    if how == "closes the tab":
        await bob.page.close(run_before_unload=True)
    else:
        await bob.page.goto("about:blank")
    await ada.sees_tiles()
    gone = next(moment["at"] for moment in await ada.saw() if "Bob" not in moment["tiles"])
    assert gone - left < 1500  # the second that it may take, and the browser's own time to close a tab
    assert await ada.connections() == ["closed"]


async def test_long_names_and_many_signs_stay_inside_their_tiles(person: People) -> None:
    long = "Maximiliane-Friederike von und zu Hohenlohe-Waldenburg-Schilling"
    signs = "👩🏽‍🚀 שלום नमस्ते 👨‍👩‍👧‍👦"
    ada = await person(long, account=True)
    path = await ada.creates("W" * 120)
    await ada.joins(path)
    phone = await person(signs, viewport={"width": 360, "height": 740})
    await phone.joins(path)
    for one, other in ((ada, signs), (phone, long)):
        await one.sees_tiles(other)
        await one.page.click("#panel-people")
        await expect(one.page.locator(".people li")).to_have_count(2)
        for tile in (one.tile(other), one.tile("You")):
            await expect(tile.locator(".tile-name")).to_be_visible()

            async def inside(tile=tile) -> bool:
                outer, inner = await tile.bounding_box(), await tile.locator(".tile-name").bounding_box()
                return bool(outer and inner) and (
                    outer["x"] <= inner["x"]
                    and inner["x"] + inner["width"] <= outer["x"] + outer["width"]
                    and outer["y"] <= inner["y"]
                    and inner["y"] + inner["height"] <= outer["y"] + outer["height"]
                )

            await until(inside, "the name is inside its tile", patience=3)
        wide = await one.page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0
        await expect(one.page.locator("#leave")).to_be_in_viewport()
