"""The login page and the lobby: who is looking comes from the cookie, in every handler."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from reflex.state import State

from peermeet.auth.tokens import Tokens
from peermeet.core.errors import SENTENCES
from peermeet.store import User
from peermeet.ui.state import AccountState, House, LobbyState, LoginState, MeetingState, Viewer
from tests.auth.desk import HERE, SECRET, Desk, now
from tests.ui.conftest import Pipeline, Tab, leads_to

TO_LOGIN = "/?next=/lobby"


async def ada(desk: Desk) -> tuple[User, str]:
    user = await desk.account()
    return user, desk.session(user)


async def no_sessions(desk: Desk) -> list[str | None]:
    """Cookies that are nobody's."""
    user, revoked = await ada(desk)
    await desk.services.sign_out(revoked)
    old = Tokens(SECRET, timedelta(hours=1), lambda: now() - timedelta(hours=2))
    return [None, "", "x", revoked, old.session(user.id), desk.tokens.session("u-nobody"), desk.ticket("den", user.id)]


class TestWhoIsLooking:
    async def test_is_whoever_the_cookie_names(self, desk: Desk) -> None:
        user, session = await ada(desk)
        viewer = await Tab(session).state(Viewer)
        assert await viewer.identify() == user
        assert (viewer.name, viewer.account) == ("Ada", True)

    async def test_a_guest_has_a_name_and_no_account(self, desk: Desk) -> None:
        guest = await desk.guest()
        viewer = await Tab(desk.session(guest)).state(Viewer)
        assert await viewer.identify() == guest
        assert (viewer.name, viewer.account) == ("Gast", False)

    async def test_any_other_cookie_is_nobody_s(self, desk: Desk) -> None:
        for session in await no_sessions(desk):
            viewer = await Tab(session).state(Viewer)
            assert await viewer.identify() is None
            assert (viewer.name, viewer.account) == ("", False)

    async def test_whoever_was_here_before_is_not_shown_any_more(self, desk: Desk) -> None:
        _, session = await ada(desk)
        tab = Tab(session)
        viewer = await tab.state(Viewer)
        await viewer.identify()
        tab.cookie(None)
        await viewer.identify()
        assert (viewer.name, viewer.account) == ("", False)

    @pytest.mark.parametrize("kind", [Viewer, LoginState, LobbyState, MeetingState, AccountState])
    async def test_no_secret_stands_in_a_var(self, desk: Desk, kind: type[State]) -> None:
        _, session = await ada(desk)
        tab = Tab(session)
        await (await tab.state(LobbyState)).enter()
        await (await tab.state(MeetingState)).enter()
        sent = repr((await tab.state(kind)).dict(initial=True)[kind.get_full_name()])
        assert session not in sent
        assert "ada@example.org" not in sent


class TestLogin:
    async def test_whoever_has_a_session_goes_on_to_the_lobby(self, desk: Desk) -> None:
        _, session = await ada(desk)
        assert leads_to(await (await Tab(session).state(LoginState)).enter()) == "/lobby"

    async def test_a_guest_may_become_somebody(self, desk: Desk) -> None:
        guest = await desk.guest()
        assert await (await Tab(desk.session(guest)).state(LoginState)).enter() is None

    async def test_everybody_else_stays(self, desk: Desk) -> None:
        for session in await no_sessions(desk):
            assert await (await Tab(session).state(LoginState)).enter() is None

    @pytest.mark.parametrize("odd", [None, 1, "true", [True], {"$ne": None}])
    async def test_one_of_its_two_forms_shows(self, desk: Desk, odd: object) -> None:
        login = await Tab().state(LoginState)
        login.choose(True)
        assert login.registering is True
        login.choose(odd)
        assert login.registering is False


class TestLobby:
    async def test_nobody_sees_nothing_and_is_sent_to_the_door(self, desk: Desk) -> None:
        for session in await no_sessions(desk):
            lobby = await Tab(session).state(LobbyState)
            assert leads_to(await lobby.enter()) == TO_LOGIN
            assert (lobby.rooms, lobby.loaded) == ([], False)

    async def test_nobody_creates_anything(self, desk: Desk) -> None:
        for session in await no_sessions(desk):
            lobby = await Tab(session).state(LobbyState)
            assert leads_to(await lobby.create({"title": "Mine"})) == TO_LOGIN
            assert (lobby.rooms, lobby.created) == ([], 0)

    async def test_what_a_tab_believes_of_itself_grants_nothing(self, desk: Desk) -> None:
        """A browser can set what it is shown; whoever it says it is, the cookie says who it is."""
        tab = Tab()
        viewer = await tab.state(Viewer)
        viewer.name, viewer.account = "Ada", True
        assert leads_to(await (await tab.state(LobbyState)).create({"title": "Den"})) == TO_LOGIN

    async def test_shows_own_rooms_with_who_is_there(self, desk: Desk) -> None:
        user, session = await ada(desk)
        room = await desk.services.create_room(user, "Den")
        desk.services.attendance.note(room.code, 2)
        lobby = await Tab(session).state(LobbyState)
        assert (await lobby.enter()) == LobbyState.follow
        assert lobby.loaded is True
        assert lobby.rooms == [
            {"code": room.code, "title": "Den", "path": f"/meet/{room.code}", "mine": True, "present": 2}
        ]

    async def test_a_room_created_is_there(self, desk: Desk) -> None:
        user, session = await ada(desk)
        lobby = await Tab(session).state(LobbyState)
        await lobby.create({"title": " Team sync "})
        assert [room["title"] for room in lobby.rooms] == ["Team sync"]
        assert (lobby.error, lobby.created) == ("", 1)
        assert len(await desk.store.rooms_of(user.id)) == 1

    @pytest.mark.parametrize("form", [{}, {"title": ""}, {"title": "<b>"}, {"title": None}, {"title": {"$ne": 1}}])
    async def test_a_refusal_is_shown_and_nothing_is_lost(self, desk: Desk, form: dict[str, Any]) -> None:
        user, session = await ada(desk)
        await desk.services.create_room(user, "Den")
        lobby = await Tab(session).state(LobbyState)
        await lobby.enter()
        await lobby.create(form)
        assert lobby.error == SENTENCES["bad_title"]
        assert [room["title"] for room in lobby.rooms] == ["Den"]
        assert lobby.created == 0  # else the page would make a new, empty field
        await lobby.create({"title": "Attic"})
        assert (lobby.error, lobby.created) == ("", 1)

    async def test_a_guest_is_told_why_not(self, desk: Desk) -> None:
        guest = await desk.guest()
        lobby = await Tab(desk.session(guest)).state(LobbyState)
        await lobby.create({"title": "Den"})
        assert lobby.error == SENTENCES["not_signed_in"]
        assert lobby.rooms == []

    async def test_another_s_room_is_another_s(self, desk: Desk) -> None:
        owner = await desk.account("bob@example.org", "Bob")
        room = await desk.services.create_room(owner, "Den")
        user, session = await ada(desk)
        await desk.services.ticket(user, room.code, HERE)
        lobby = await Tab(session).state(LobbyState)
        await lobby.enter()
        assert [(line["title"], line["mine"]) for line in lobby.rooms] == [("Den", False)]


class TestTheAccount:
    async def test_is_of_whoever_the_cookie_names(self, desk: Desk) -> None:
        _, session = await ada(desk)
        tab = Tab(session)
        page = await tab.state(AccountState)
        assert await page.enter() is None
        viewer = await tab.state(Viewer)
        assert (viewer.name, viewer.account, page.error) == ("Ada", True, "")

    async def test_is_looked_at_again_after_it_was_changed(self, desk: Desk) -> None:
        user, session = await ada(desk)
        tab = Tab(session)
        page = await tab.state(AccountState)
        await page.enter()
        await desk.services.rename(user, "Ada L.")
        await page.enter()
        assert (await tab.state(Viewer)).name == "Ada L."

    async def test_of_nobody_is_none(self, desk: Desk) -> None:
        for session in await no_sessions(desk):
            assert leads_to(await (await Tab(session).state(AccountState)).enter()) == "/?next=/account"


class TestThroughThePipeline:
    async def test_a_lobby_follows_who_comes_and_goes(
        self, desk: Desk, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user, session = await ada(desk)
        room = await desk.services.create_room(user, "Den")
        looking = await pipeline.start(LobbyState.enter, session, "/lobby")

        def shown() -> list[Any]:
            return pipeline.wire.values(LobbyState).get("rooms", [])

        async def shows(present: int) -> None:
            async with asyncio.timeout(5):
                while [room["present"] for room in shown()] != [present]:  # noqa: ASYNC110 (it is a list)
                    await asyncio.sleep(0.005)

        await shows(0)
        desk.services.attendance.note(room.code, 2)
        await shows(2)
        desk.services.attendance.note(room.code, 0)
        await shows(0)
        monkeypatch.setattr(House, "connected", lambda token: False)  # the tab is closed
        desk.services.attendance.wake()
        async with asyncio.timeout(5):
            await looking.wait_all()
        assert pipeline.errors == []

    async def test_nobody_is_sent_to_the_door(self, desk: Desk, pipeline: Pipeline) -> None:
        await pipeline.fire(LobbyState.create({"title": "Den"}), None, "/lobby")
        assert not pipeline.wire.values(LobbyState).get("rooms")
        assert "_redirect" in [event.name for event in pipeline.wire.events]
        assert TO_LOGIN in str(pipeline.wire.events)
