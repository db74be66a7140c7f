"""Joining without a camera, without a microphone, or without both; and why, in words that say what to do."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.browser import find

from .conftest import FLAGS, YES_TO_ALL
from .person import People, Person
from .server import Server

pytestmark = pytest.mark.browser


async def test_people_join_with_what_they_have(person: People, room: str) -> None:
    ada, bob, cy = await person("Ada"), await person("Bob"), await person("Cy")
    for one, off in ((ada, ("camera", "microphone")), (bob, ("camera",)), (cy, ("microphone",))):
        await one.opens(room)
        for source in off:
            await one.switches(source, on=False)
        if "camera" in off:
            await expect(one.page.get_by_text("Your camera is off")).to_be_visible()
            assert await one.live_tracks("video") == 0
        await one.joins()
    everybody = {"Ada": (False, False), "Bob": (False, True), "Cy": (True, False)}
    for one in (ada, bob, cy):
        await one.sees_tiles(*[name for name in everybody if name != one.name])
        for name, (camera, microphone) in everybody.items():
            tile = one.tile("You" if name == one.name else name)
            await expect(tile).to_have_attribute("data-camera", str(camera).lower())
            await expect(tile).to_have_attribute("data-microphone", str(microphone).lower())
    await ada.sees_moving(1)
    await ada.hears(1)
    await bob.sees_moving(1)
    await cy.hears(1)
    await ada.sends_nothing("video", seconds=0.5)
    await ada.sends_nothing("audio", seconds=0.5)

    await ada.switches("camera", on=True)  # for the first time: nobody has a line for it yet
    await bob.sees_moving(2)
    await cy.sees_moving(1)
    await ada.switches("microphone", on=True)
    await bob.hears(1)
    await cy.hears(2)


SENTENCES = {
    "NotAllowedError": ("camera_blocked", "Allow it in the browser's address bar"),
    "NotFoundError": ("no_camera", "Connect one and switch it on"),
    "NotReadableError": ("camera_in_use", "Close that program"),
}


async def test_each_reason_has_its_own_sentence_and_none_keeps_one_out(person: People, room: str) -> None:
    said = set()
    for error, (code, advice) in SENTENCES.items():
        bob = await person("Bob", refuses={"audio": error, "video": error})
        await bob.opens(room)
        sentences = await bob.notices(code.replace("camera", "microphone"), code)
        for sentence in sentences:
            assert advice in sentence
            assert "join without it" in sentence
        said.update(sentences)
        await joins_without_anything(bob)
        await bob.notices(code.replace("camera", "microphone"), code)
        await bob.leaves()
    assert len(said) == 2 * len(SENTENCES)


async def joins_without_anything(bob: Person) -> None:
    await bob.joins()
    await bob.sees_tiles()
    await expect(bob.tile("You")).to_have_attribute("data-camera", "false")
    await expect(bob.tile("You")).to_have_attribute("data-microphone", "false")


async def test_a_refused_camera_does_not_cost_the_microphone(person: People, room: str) -> None:
    ada, bob = await person("Ada"), await person("Bob", refuses={"video": "NotReadableError"})
    await ada.joins(room)
    await bob.opens(room)
    await bob.notices("camera_in_use")
    await bob.has("microphone", on=True)
    await bob.joins()
    await ada.hears(1)
    await bob.sees_moving(1)

    await bob.page.evaluate("() => { window.peermeetTest.refuses = {}; }")  # the other program is closed
    await bob.switches("camera", on=True)
    await bob.notices()
    await ada.sees_moving(1)


async def test_a_person_who_says_no_is_believed(chromium: Browser, server: Server, room: str) -> None:
    """The browser's own refusal, not one that the test made up; in a browser that asks."""
    program, flags = chromium.browser_type, [flag for flag in FLAGS if flag != YES_TO_ALL]
    async with await program.launch(executable_path=find(), args=flags) as asking:
        people = People(asking, server.url)
        bob = await people("Bob", permissions=[])
        page, browser = await bob.context.new_cdp_session(bob.page), await asking.new_browser_cdp_session()
        context = (await page.send("Target.getTargetInfo"))["targetInfo"]["browserContextId"]
        for name in ("camera", "microphone"):
            no = {"permission": {"name": name}, "setting": "denied", "browserContextId": context}
            await browser.send("Browser.setPermission", no)
        await bob.opens(room)
        await bob.notices("microphone_blocked", "camera_blocked")
        await joins_without_anything(bob)
        await people.leave()


async def test_a_page_without_https_says_so_once_and_lets_one_listen(person: People, server: Server, room: str) -> None:
    ada = await person("Ada")
    bob = await person("Bob", url=f"http://meeting.test:{server.port}")
    await ada.joins(room)
    await bob.opens(room)
    assert not await bob.page.evaluate("() => window.isSecureContext")
    (sentence,) = await bob.notices("insecure_page")
    assert "https" in sentence
    assert "join without them" in sentence
    await bob.joins()
    await bob.sees_tiles("Ada")
    await bob.sees_moving(1)
    await bob.hears(1)
    await ada.sees_tiles("Bob")
