"""What breaks and heals: the server, a socket, Reflex's own. Nothing of it closes a peer connection."""

from __future__ import annotations

import asyncio
import signal

import pytest
from playwright.async_api import expect

from .person import SERVER_AWAY, People, Person, until
from .server import Server

pytestmark = pytest.mark.browser

AWAY = 2.0  # seconds; long enough for several tries to come back in vain


async def test_accounts_and_rooms_outlive_the_server(person: People, server: Server) -> None:
    ada = await person("Ada", account=True)
    path = await ada.creates("Weekly planning")
    cookie = await ada.cookie()
    await ada.page.goto("about:blank")  # no page of ours is open meanwhile
    await server.restart()
    await ada.goto("/lobby")
    await ada.counts("Weekly planning", 0)
    assert (await ada.cookie())["value"] == cookie["value"]
    await ada.joins(path)
    await ada.leaves()
    await ada.context.clear_cookies()
    await ada.goto("/")
    await ada.signs_in()
    await ada.arrives_at("/lobby")
    await ada.counts("Weekly planning", 0)
    assert "Traceback" not in server.log()


class Call:
    """Ada and Bob in a room, and what must stay as it is."""

    def __init__(self, ada: Person, bob: Person) -> None:
        self.both = (ada, bob)
        self.others = {ada: "Bob", bob: "Ada"}
        self.start: dict[Person, dict[int, float]] = {}

    async def begins(self) -> None:
        for one, other in self.others.items():
            await one.sees_tiles(other)
            await one.sees_moving(1)
            self.start[one] = await one.frames()

    async def goes_on(self) -> None:
        """The same connections, the same tracks, and more frames on them."""
        for one, other in self.others.items():
            await one.sees_tiles(other)
            await one.sees_moving(1)
            assert await one.connections() == ["connected"]
            assert await one.live_tracks("audio") == 1
            now = await one.frames()
            assert now.keys() == self.start[one].keys()
            assert all(now[link] > before for link, before in self.start[one].items())

    async def never_froze(self) -> None:
        for one in self.both:
            assert sum((await one.rtp("inbound", "video", "frozen")).values()) == 0


async def call(person: People, **options: tuple[str, ...]) -> Call:
    ada, bob = await person("Ada", account=True, **options), await person("Bob", **options)
    path = await ada.creates("Weekly planning")
    await ada.joins(path)
    await bob.joins(path)
    begun = Call(ada, bob)
    await begun.begins()
    return begun


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
async def test_a_call_outlives_its_server(person: People, server: Server, how: signal.Signals) -> None:
    talk = await call(person, tolerates=SERVER_AWAY)
    ada, bob = talk.both
    await ada.switches("camera", on=False)
    await expect(bob.tile("Ada").locator("video")).to_have_count(0)
    line = "The server cannot be reached at the moment."

    await server.stop(how)
    try:
        for one in talk.both:
            await expect(one.page.get_by_text(line)).to_be_visible()
        heard = await bob.energy()
        await asyncio.sleep(AWAY)
        await ada.sees_moving(1)
        await bob.hears(1)
        assert heard.keys() == (await bob.energy()).keys()
        await bob.switches("microphone", on=False)  # muting needs no server
        await bob.sends_nothing("audio", seconds=0.5)
    finally:
        await server.start()

    for one in talk.both:
        await expect(one.page.get_by_text(line)).to_have_count(0)
        assert await one.connections() == ["connected"]
        await one.page.click("#panel-people")
        await expect(one.page.locator(".people li")).to_have_count(2)
    await expect(ada.tile("Bob")).to_have_attribute("data-microphone", "false")
    await expect(bob.tile("Ada")).to_have_attribute("data-camera", "false")
    await ada.has("camera", on=False)  # nothing came on by itself
    await bob.has("microphone", on=False)
    assert await ada.live_tracks("video") == 0
    await bob.sends_nothing("audio", seconds=0.5)
    await ada.switches("camera", on=True)
    await bob.switches("microphone", on=True)
    await talk.goes_on()
    await ada.hears(1)


async def test_a_lost_socket_keeps_the_seat(person: People) -> None:
    talk = await call(person)
    ada, bob = talk.both
    await ada.watches_tiles()
    await bob.drops_socket("/rtc/")
    await until(lambda: _came_back(ada), "Bob is away, then online")
    assert all(set(moment["tiles"]) == {"You", "Bob"} for moment in await ada.saw())
    await expect(bob.page.get_by_text("The server cannot be reached")).to_have_count(0)
    assert await bob.sockets("/rtc/") == 2
    await talk.goes_on()
    await talk.never_froze()


async def _came_back(ada: Person) -> bool:
    presences = [moment["tiles"].get("Bob") for moment in await ada.saw()]
    return "away" in presences and presences[-1] == "online"


async def test_reflex_may_redraw_and_reconnect_as_it_likes(person: People) -> None:
    """The page is drawn anew by Reflex's state and by its socket; the call is not its business."""
    talk = await call(person)
    ada, bob = talk.both
    await ada.page.evaluate("() => { window.painted = document.querySelector('.stage video'); }")
    dropped = await ada.rtp("inbound", "video", "dropped")
    panel = ada.page.get_by_role("complementary", name="People")
    for _ in range(5):
        await ada.page.click("#panel-people")
        await expect(panel).to_be_visible()
        await ada.page.click("#panel-people")
        await expect(panel).to_have_count(0)
    sockets = await ada.sockets("/_event")
    await ada.drops_socket("/_event")
    await until(lambda: _more(ada, sockets), "Reflex comes back")
    await ada.page.click("#panel-people")
    await expect(panel).to_be_visible()
    await talk.goes_on()
    await talk.never_froze()
    assert await ada.sockets("/rtc/") == 1
    now = await ada.rtp("inbound", "video", "dropped")
    assert sum(now.values()) - sum(dropped.values()) <= 3  # a busy machine drops one now and then
    assert await ada.page.evaluate("() => document.querySelector('.stage video') === window.painted")
    await bob.leaves()
    await expect(panel.locator("li")).to_have_count(1)


async def _more(one: Person, sockets: int) -> bool:
    return await one.sockets("/_event") > sockets
