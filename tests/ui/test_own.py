"""The page of a room: for its owner alone, whatever a tab says, and without what is secret."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from peermeet.core.errors import SENTENCES
from peermeet.store import Attendance, Meeting
from peermeet.ui.own import OwnRoomState, length
from peermeet.ui.state import LobbyState, LoginState
from tests.auth.desk import Desk, now
from tests.ui.conftest import Pipeline, Tab, leads_to


@pytest.fixture
async def den(desk: Desk) -> SimpleNamespace:
    """Ada's room, her session, and how its page is opened."""
    ada = await desk.account()
    code = (await desk.services.create_room(ada, "Den")).code
    session = desk.session(ada)

    async def opens(session: str | None = session, code: str = code) -> OwnRoomState:
        page = await Tab(session, room=code).state(OwnRoomState)
        await page.enter()
        return page

    return SimpleNamespace(ada=ada, code=code, session=session, opens=opens)


async def meets(desk: Desk, den: SimpleNamespace, n: int = 1, invitation: str | None = None) -> None:
    """Let Ada and a guest meet, once a day until yesterday."""
    for day in range(n, 0, -1):
        at = now() - timedelta(days=day)
        meeting = Meeting(f"m-{day}", den.code, at)
        await desk.store.open_meeting(meeting)
        for id, name, guest in ((den.ada.id, "Ada", False), ("g-1", "Gast", True)):
            by = invitation if guest else None
            stay = Attendance(f"{id}-{day}", meeting.id, den.code, id, name, guest, by, at)
            await desk.store.note_arrival(stay)
        await desk.store.close_meeting(meeting.id, at + timedelta(minutes=65))


class TestWhoSeesIt:
    async def test_its_owner_does(self, den: SimpleNamespace) -> None:
        page = await den.opens()
        assert (page.title, page.code, page.refusal, page.passcode, page.most) == ("Den", den.code, "", False, 12)

    async def test_however_the_code_is_written(self, den: SimpleNamespace) -> None:
        page = await den.opens(code=den.code.upper().replace("-", ""))
        assert (page.title, page.code) == ("Den", den.code)

    async def test_nobody_is_sent_to_the_front_door_and_back(self, desk: Desk, den: SimpleNamespace) -> None:
        for session in (None, "x", desk.ticket(den.code, den.ada.id)):
            page = await Tab(session, room=den.code).state(OwnRoomState)
            assert leads_to(await page.enter()) == f"/?next=/room/{den.code}"
            assert page.title == ""

    async def test_to_all_others_there_is_no_such_room(self, desk: Desk, den: SimpleNamespace) -> None:
        bob = await desk.account("bob@example.org", "Bob")
        desk.meets().seated[den.code] = {bob.id}  # a host in the meeting, and no owner
        for session in (desk.session(bob), desk.session(await desk.guest())):
            page = await den.opens(session)
            assert (page.title, page.refusal) == ("", SENTENCES["no_such_room"])

    @pytest.mark.parametrize("code", ["", "x", "2222-22222-2222", "../lobby", "x" * 1000])
    async def test_a_room_that_is_none_is_told(self, den: SimpleNamespace, code: str) -> None:
        assert (await den.opens(code=code)).refusal == SENTENCES["no_such_room"]

    async def test_what_a_tab_believes_of_itself_grants_nothing(self, desk: Desk, den: SimpleNamespace) -> None:
        bob = await desk.account("bob@example.org", "Bob")
        await meets(desk, den)
        before = await desk.store.room(den.code)
        asking = {
            "save": ({"title": "Mine"},),
            "set_door": ("locked", True),
            "look": (),
            "unfold": ("m-1",),
            "show_more": (),
            "delete": (),
        }
        for session in (desk.session(bob), None):
            page = await Tab(session, room=den.code).state(OwnRoomState)
            for what, said in asking.items():
                page.code, page.refusal = den.code, ""
                led = await getattr(page, what)(*said)
                if session is None:
                    assert leads_to(led) == f"/?next=/room/{den.code}"
                elif what != "unfold":  # of meetings that are not shown none can be
                    assert page.refusal or page.errors
                assert (page.title, page.meetings) == ("", [])
        assert await desk.store.room(den.code) == before

    async def test_no_secret_stands_in_a_var(self, desk: Desk, den: SimpleNamespace) -> None:
        await desk.services.set_passcode(den.ada, den.code, "open sesame")
        made = await desk.services.invite(den.ada, den.code)
        await meets(desk, den, invitation=made.id)
        page = await den.opens()
        await page.unfold("m-1")
        record = await desk.store.room(den.code)
        assert record is not None
        sent = repr(page.dict(initial=True))
        for secret in (den.session, "sesame", made.token, str(record.passcode_hash), "ada@example.org"):
            assert secret not in sent

    @pytest.mark.parametrize("after", ["nobody", "somebody else"])
    async def test_nothing_is_left_for_the_next_person_in_this_tab(
        self, desk: Desk, den: SimpleNamespace, after: str
    ) -> None:
        await meets(desk, den)
        tab = Tab(den.session, room=den.code)
        page, lobby = await tab.state(OwnRoomState), await tab.state(LobbyState)
        await lobby.enter()
        await page.enter()
        await page.unfold("m-1")
        tab.cookie(None if after == "nobody" else desk.session(await desk.guest()))
        await (await tab.state(LoginState)).enter()
        sent = repr(tab.root.dict(initial=True))
        assert (page.title, page.meetings, lobby.rooms) == ("", [], [])
        assert not [private for private in ("Den", "m-1") if private in sent]


class TestSetting:
    async def test_title_and_seats(self, desk: Desk, den: SimpleNamespace) -> None:
        page = await den.opens()
        await page.save({"title": " Attic ", "capacity": "8"})
        assert (page.title, page.capacity, page.saved, page.errors) == ("Attic", "8", "room", {})
        await page.save({"title": "Attic", "capacity": ""})
        assert page.capacity == ""
        record = await desk.store.room(den.code)
        assert record is not None
        assert (record.title, record.capacity) == ("Attic", None)

    @pytest.mark.parametrize(
        ("form", "field", "code"),
        [
            ({"title": "<b>", "capacity": "8"}, "title", "bad_title"),
            ({"title": "Attic", "capacity": "13"}, "capacity", "bad_capacity"),
            ({"title": "Attic", "capacity": "many"}, "capacity", "bad_capacity"),
            ({"opens": "?", "closes": ""}, "opens", "bad_hours"),
            ({"opens": "2030-01-02T00:00:00.000Z", "closes": "2030-01-01T00:00:00.000Z"}, "closes", "bad_hours"),
            ({"opens": "2030-01-02T00:00"}, "opens", "bad_hours"),  # on whose clock?
            ({"title": {"$ne": None}}, "title", "bad_title"),
        ],
        ids=str,
    )
    async def test_what_is_wrong_is_said_beside_it_and_nothing_is_set(
        self, desk: Desk, den: SimpleNamespace, form: dict[str, Any], field: str, code: str
    ) -> None:
        before = await desk.store.room(den.code)
        page = await den.opens()
        await page.save(form)
        assert (page.errors, page.saved, page.title) == ({field: SENTENCES[code]}, "", "Den")
        assert await desk.store.room(den.code) == before
        await page.save({"title": "Den"})
        assert page.errors == {}

    async def test_hours_are_kept_in_utc_and_shown_as_the_moment_they_are(
        self, desk: Desk, den: SimpleNamespace
    ) -> None:
        page = await den.opens()
        await page.save({"opens": "2030-05-03T14:30:00.000Z", "closes": "2030-05-03T20:00:00+02:00"})
        assert (page.opens, page.closes, page.saved) == (1_904_049_000.0, 1_904_061_600.0, "hours")
        await page.save({"opens": "", "closes": ""})
        assert (page.opens, page.closes) == (0.0, 0.0)

    async def test_more_than_the_forms_of_the_page_is_passed_over(self, desk: Desk, den: SimpleNamespace) -> None:
        page = await den.opens()
        await page.save({"title": "Attic", "owner": "u-eve", "passcode_hash": "x", "locked": True})
        record = await desk.store.room(den.code)
        assert record is not None
        assert (record.title, record.owner, record.locked) == ("Attic", den.ada.id, False)
        for odd in (None, 1, [], "title"):
            await page.save(odd)
        assert page.title == "Attic"

    @pytest.mark.parametrize("door", ["lobby", "locked", "wait_for_host", "one_device"])
    async def test_doors(self, desk: Desk, den: SimpleNamespace, door: str) -> None:
        live = desk.meets()
        page = await den.opens()
        await page.set_door(door, True)
        assert page.doors[door] is True
        assert [what for what, _ in live.told] == ["change"]  # a meeting that goes on hears it
        await page.set_door(door, False)
        assert page.doors[door] is False

    async def test_how_long_the_chat_is_kept(self, den: SimpleNamespace) -> None:
        page = await den.opens()
        await page.set_door("chat", "forever")
        assert page.doors["chat"] == "forever"

    @pytest.mark.parametrize("door", ["owner", "capacity", "title", "", None, [], {}, 1])
    async def test_what_is_no_door_is_passed_over(self, desk: Desk, den: SimpleNamespace, door: Any) -> None:
        before = await desk.store.room(den.code)
        page = await den.opens()
        await page.set_door(door, True)
        assert await desk.store.room(den.code) == before

    async def test_a_relay_is_not_asked_for_where_there_is_none(self, den: SimpleNamespace) -> None:
        page = await den.opens()
        assert page.relays is False
        await page.set_door("relay_only", True)
        assert (page.errors, page.doors["relay_only"]) == ({"relay_only": SENTENCES["no_relay"]}, False)

    async def test_a_passcode_that_was_set_meanwhile_is_seen(self, desk: Desk, den: SimpleNamespace) -> None:
        page = await den.opens()
        await desk.services.set_passcode(den.ada, den.code, "open sesame")
        await page.look()
        assert page.passcode is True


class TestRemembering:
    async def test_meetings_newest_first_and_more_when_asked(self, desk: Desk, den: SimpleNamespace) -> None:
        await meets(desk, den, 12)
        page = await den.opens()
        assert [meeting["id"] for meeting in page.meetings] == [f"m-{day}" for day in range(1, 11)]
        assert page.more is True
        assert page.meetings[0]["length"] == "1 h 05 min"
        await page.show_more()
        assert (len(page.meetings), page.more) == (12, False)

    async def test_who_was_there_is_unfolded_and_folded(self, desk: Desk, den: SimpleNamespace) -> None:
        await desk.services.invite(den.ada, den.code)
        made = await desk.services.invite(den.ada, den.code)
        number = {line.id: line.number for line in await desk.services.invitations(den.ada, den.code)}[made.id]
        await meets(desk, den, 2, invitation=made.id)
        page = await den.opens()
        await page.unfold("m-2")
        shown = {meeting["id"]: meeting["stays"] for meeting in page.meetings}
        assert [(s["name"], s["guest"], s["by"], s["length"]) for s in shown["m-2"]] == [
            ("Ada", False, 0, "1 h 05 min"),
            ("Gast", True, number, "1 h 05 min"),
        ]
        assert shown["m-1"] == []
        await page.show_more()
        assert [meeting["unfolded"] for meeting in page.meetings] == [False, True]
        await page.unfold("m-2")
        assert [meeting["stays"] for meeting in page.meetings] == [[], []]

    async def test_a_meeting_that_goes_on_says_so(self, desk: Desk, den: SimpleNamespace) -> None:
        at = now() - timedelta(minutes=5)
        await desk.store.open_meeting(Meeting("m-now", den.code, at))
        await desk.store.note_arrival(Attendance("a", "m-now", den.code, den.ada.id, "Ada", False, None, at))
        page = await den.opens()
        await page.unfold("m-now")
        (meeting,) = page.meetings
        assert (meeting["ended"], meeting["stays"][0]["left"]) == (0.0, 0.0)

    async def test_what_is_unfolded_stays_so_when_the_socket_was_lost(self, desk: Desk, den: SimpleNamespace) -> None:
        await meets(desk, den)
        attic = await desk.services.create_room(den.ada, "Attic")
        tab = Tab(den.session, room=den.code)
        page = await tab.state(OwnRoomState)
        await page.enter()
        await page.unfold("m-1")
        await page.enter()
        assert [meeting["unfolded"] for meeting in page.meetings] == [True]
        tab.visit(room=attic.code)
        await page.enter()
        assert (page.title, page.meetings) == ("Attic", [])

    @pytest.mark.parametrize("id", ["x", "", None, [], {"$ne": None}])
    async def test_a_meeting_that_is_none_is_passed_over(self, desk: Desk, den: SimpleNamespace, id: Any) -> None:
        await meets(desk, den)
        page = await den.opens()
        await page.unfold(id)
        assert [meeting["unfolded"] for meeting in page.meetings] == [False]

    @pytest.mark.parametrize(
        ("seconds", "said"),
        [(0, "under 1 min"), (29, "under 1 min"), (31, "1 min"), (3600, "1 h 00 min"), (3900, "1 h 05 min")],
    )
    def test_a_time_is_said_as_people_say_it(self, seconds: float, said: str) -> None:
        assert length(seconds) == said


class TestDeleting:
    async def test_asks_first(self, desk: Desk, den: SimpleNamespace) -> None:
        live = desk.meets()
        page = await den.opens()
        for answer, asks in ((True, True), (False, False), ("yes", False), (True, True)):
            page.ask_delete(answer)
            assert page.deleting is asks
        assert leads_to(await page.delete()) == "/lobby"
        assert await desk.store.room(den.code) is None
        assert live.told == [("end", den.code)]

    async def test_a_room_that_is_gone_already_is_told(self, desk: Desk, den: SimpleNamespace) -> None:
        page = await den.opens()
        await desk.services.delete_room(den.ada, den.code)
        await page.set_door("locked", True)
        assert page.refusal == SENTENCES["no_such_room"]


async def test_it_runs_through_the_pipeline(desk: Desk, den: SimpleNamespace, pipeline: Pipeline) -> None:
    path = f"/room/{den.code}"
    await pipeline.fire(OwnRoomState.enter, den.session, path, room=den.code)
    await pipeline.fire(OwnRoomState.set_door("lobby", True), den.session, path, room=den.code)
    shown = pipeline.wire.values(OwnRoomState)
    assert (shown["title"], shown["doors"]["lobby"]) == ("Den", True)
