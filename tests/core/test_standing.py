"""What of a meeting outlives its server: what hosts decided, and what was said."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from peermeet.core.commands import Ban, Forget, Leave, Remove, SendMessage, SetDoors, SetRole, SilenceSource
from peermeet.core.events import ExilesChanged, MessageDeleted, ParticipantLeft, RoomChanged
from peermeet.core.model import Doors, Room
from peermeet.core.standing import Standing, resumed, standing

from .meeting import Meeting, governed


def again(before: Meeting, **doors: object) -> Meeting:
    """The meeting after its server was lost: nobody sits there yet. What is kept has travelled as bytes."""
    kept = msgspec.json.decode(msgspec.json.encode(standing(before.room)), type=Standing)
    after = Meeting(owner=before.room.owner)
    after.room = resumed(replace(after.room, doors=replace(before.room.doors, **doors)), kept)
    return after


class TestComingBack:
    def test_roles_are_as_hosts_gave_them(self) -> None:
        den = governed()
        den.do(SetRole("ada", "mia", "cohost"))
        den.do(SetRole("ada", "gus", "listener"))
        back = again(den)
        for id in ("mia", "gus"):
            back.join(id)
        back.join("ada")
        assert back.roles() == {"mia": "cohost", "gus": "listener", "ada": "host"}

    def test_who_inherited_the_room_still_has_it(self) -> None:
        den = Meeting("mia", "gus", owner="u-ada")
        den.join("ada", role="host")
        den.do(Leave("ada"))
        assert den.roles() == {"mia": "host", "gus": "member"}
        back = again(den)
        back.join("gus")
        back.join("mia")
        assert back.roles() == {"gus": "member", "mia": "host"}

    @pytest.mark.parametrize("doors", [{"lobby": True}, {"locked": True}])
    def test_who_sat_there_need_not_knock_again(self, doors: dict[str, bool]) -> None:
        den = governed(**doors)
        back = again(den)
        back.join("ada")
        back.join("mia")
        assert back.roster == ["ada", "mia"]

    @pytest.mark.parametrize(("command", "code"), [(Remove, "removed"), (Ban, "banned")])
    def test_who_was_sent_away_stays_away(self, command: type, code: str) -> None:
        den = governed()
        den.do(command("ada", "gus"))
        back = again(den)
        with pytest.raises(Exception, match="come back") as refusal:
            back.join("gus", guest=True)
        assert refusal.value.code == code  # type: ignore[attr-defined]

    def test_who_was_silenced_is_silent_until_their_time(self) -> None:
        den = governed()
        den.do(SilenceSource("ada", "microphone", True, "mia", 60.0, now=1000.0))
        back = again(den)
        back.join("mia")
        assert [(s.source, s.until) for s in back.sees("mia").silenced] == [("microphone", 1060.0)]

    def test_the_chat_goes_on_unless_nothing_is_to_be_kept(self) -> None:
        den = governed()
        den.do(SendMessage("mia", "chat", {"text": "hello"}, now=1.0, stamp="m1"))
        assert [line.text for line in again(den).room.history] == ["hello"]
        assert again(den, chat="off").room.history == ()

    def test_who_is_there_is_not_kept(self) -> None:
        den = governed()
        assert again(den).room.participants == ()
        assert b"Gus" not in msgspec.json.encode(standing(den.room))


class TestForgetting:
    def test_a_deleted_account_leaves_nothing_in_the_room(self) -> None:
        den = governed()
        den.do(SendMessage("mia", "chat", {"text": "hello"}, now=1.0, stamp="m1"))
        den.do(SendMessage("gus", "chat", {"text": "hi"}, now=2.0, stamp="m2"))
        heard = den.do(Forget("", "u-mia"))
        assert {type(event) for event in heard["ada"]} == {ParticipantLeft, MessageDeleted}
        assert den.room.find("mia") is None
        assert [line.id for line in den.room.history] == ["m2"]
        assert "mia" not in msgspec.json.encode(den.room).decode().lower()

    def test_nor_among_those_who_may_not_come_back(self) -> None:
        den = governed()
        den.do(Ban("ada", "mia"))
        heard = den.do(Forget("", "u-mia"))
        assert heard["ada"] == [ExilesChanged(())]
        assert "mia" not in msgspec.json.encode(den.room).decode().lower()

    def test_where_nobody_knows_them_nothing_happens(self) -> None:
        den = governed()
        before = den.room
        assert den.do(Forget("", "u-nobody")) == {}
        assert den.room == before


class TestTheRecord:
    def test_its_hours_are_told_to_nobody(self) -> None:
        den = governed()
        assert den.do(SetDoors("", den.room.doors, 1000.0)) == {}
        assert den.room.closes == 1000.0
        for p in den.room.roster:
            assert b"closes" not in msgspec.json.encode(den.view(p.id))

    def test_its_doors_are_told_to_all_and_let_in_who_waits(self) -> None:
        den = governed(lobby=True)
        den.knock("eve")
        heard = den.do(SetDoors("", Doors()))
        assert RoomChanged(Doors()) in heard["lou"]
        assert den.sees("eve").seated

    def test_a_room_that_never_had_hours_keeps_having_none(self) -> None:
        den = Meeting()
        before = den.room
        assert den.do(SetDoors("", Doors(), None)) == {}
        assert den.room == before == Room("den", 16, 30.0)
