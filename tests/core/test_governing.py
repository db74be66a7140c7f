"""What hosts decide about the room and those in it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from peermeet.core.commands import (
    AskMute,
    Disconnect,
    Expire,
    Leave,
    Lift,
    Publish,
    Remove,
    SetRole,
    SetRoom,
    SilenceSource,
)
from peermeet.core.events import MuteAsked, ParticipantChanged, ParticipantJoined, RoomChanged, Welcomed
from peermeet.core.model import Doors, Publication, Silence
from tests.core.meeting import Meeting, governed, person


class TestRoles:
    def test_everybody_hears_who_is_what(self) -> None:
        den = governed()
        changed = ParticipantChanged(person("gus", guest=True, role="listener"))
        assert den.do(SetRole("hal", "gus", "listener")) == {id: [changed] for id in den.roster}

    @pytest.mark.parametrize("role", ["host", "cohost"])
    def test_who_answers_the_door_now_hears_who_stands_there(self, role: Any) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        heard = den.do(SetRole("hal", "mia", role))
        assert heard["mia"][-1] == Welcomed("mia", den.view("mia"))
        assert "kim" in [p.id for p in den.view("mia").participants]
        assert [type(event) for event in heard["gus"]] == [ParticipantChanged]

    def test_who_does_not_any_more_sees_nobody_there(self) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        heard = den.do(SetRole("hal", "cora", "member"))
        assert heard["cora"][-1] == Welcomed("cora", den.view("cora"))
        assert "kim" not in [p.id for p in den.view("cora").participants]

    def test_a_listener_publishes_no_more(self) -> None:
        den = governed()
        den.publish("mia", "camera", "s")
        den.do(SetRole("hal", "mia", "listener"))
        assert den.sees("mia").publications == ()
        assert den.refused(Publish("mia", "camera", "s")) == "not_allowed"
        den.do(SetRole("hal", "mia", "member"))
        assert den.sees("mia").publications == ()  # nobody's camera is ever switched on by another
        den.publish("mia", "camera", "s")

    def test_a_cohost_keeps_what_they_publish(self) -> None:
        den = governed()
        den.publish("mia", "camera", "s")
        den.do(SetRole("hal", "mia", "cohost"))
        assert den.sees("mia").publications == (Publication("camera", "s"),)

    @pytest.mark.parametrize("by", ["ada", "hal"])
    @pytest.mark.parametrize("role", ["cohost", "member", "listener"])
    def test_the_owner_stays_a_host(self, by: str, role: Any) -> None:
        assert governed().refused(SetRole(by, "ada", role)) == "not_allowed"

    def test_so_does_the_last_host(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("hal2", user="u-hal", role="host")
        assert den.refused(SetRole("hal", "hal2", "member")) == "not_allowed"
        den.join("ivy", role="host")
        den.do(SetRole("hal", "hal", "member"))
        assert den.roles() == {"hal": "member", "hal2": "member", "ivy": "host"}

    def test_the_same_again_is_heard_by_nobody(self) -> None:
        assert governed().do(SetRole("hal", "mia", "member")) == {}

    def test_nobody_who_only_knocks_has_a_role_to_change(self) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        assert den.refused(SetRole("hal", "kim", "host")) == "no_such_participant"

    @pytest.mark.parametrize("role", ["host", "cohost", "listener"])
    def test_a_role_holds_in_every_tab_and_in_those_opened_later(self, role: Any) -> None:
        den = governed()
        den.join("mia2", user="u-mia")
        den.do(SetRole("hal", "mia", role))
        den.do(Leave("mia"))
        den.do(Leave("mia2"))
        den.join("mia3", user="u-mia")
        assert den.sees("mia3").role == role

    def test_a_ticket_does_not_undo_it(self) -> None:
        den = governed()
        den.do(SetRole("ada", "hal", "member"))
        den.do(Leave("hal"))
        den.join("hal", role="host")
        assert den.sees("hal").role == "member"

    def test_a_new_tab_is_what_the_others_of_its_owner_are(self) -> None:
        den = governed()
        den.join("lou2", user="u-lou", role="member")
        assert den.sees("lou2").role == "listener"


class TestPassingOn:
    def test_to_the_cohost_who_has_been_here_longest(self) -> None:
        den = governed()
        den.join("cyd", role="cohost")
        den.do(Leave("ada"))
        assert den.roles()["cora"] == "cohost"  # there is another host
        heard = den.do(Leave("hal"))
        assert den.roles() == {"cora": "host", "mia": "member", "gus": "member", "lou": "listener", "cyd": "cohost"}
        assert heard["mia"][-1] == ParticipantChanged(person("cora", role="host"))

    def test_else_to_the_member_with_an_account_who_has(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("gus", guest=True)
        den.join("lou", role="listener")
        den.join("mia")
        den.join("max")
        heard = den.do(Leave("hal"))
        assert den.roles() == {"gus": "member", "lou": "listener", "mia": "host", "max": "member"}
        assert heard["mia"][-1] == Welcomed("mia", den.view("mia"))

    def test_else_to_nobody(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("gus", guest=True)
        den.join("lou", role="listener")
        den.do(Leave("hal"))
        assert den.roles() == {"gus": "member", "lou": "listener"}

    def test_when_the_last_host_is_lost(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("mia")
        den.do(Disconnect("hal", now=0.0))
        assert den.roles()["mia"] == "member"  # the seat is kept, and what goes with it
        den.do(Expire("hal", now=30.0))
        assert den.roles() == {"mia": "host"}

    def test_not_while_the_host_sits_in_another_tab(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("hal2", user="u-hal", role="host")
        den.join("mia")
        den.do(Leave("hal"))
        assert den.roles() == {"hal2": "host", "mia": "member"}

    def test_to_every_tab_of_the_heir(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("mia")
        den.join("mia2", user="u-mia")
        den.do(Leave("hal"))
        assert den.roles() == {"mia": "host", "mia2": "host"}

    def test_nobody_inherits_from_somebody_who_knocks(self) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        assert "host" not in [type(e) for events in den.do(Leave("kim")).values() for e in events]
        assert list(den.roles().values()).count("host") == 2

    def test_the_owner_who_comes_back_is_host(self) -> None:
        den = governed()
        den.do(Leave("ada"))
        came = ParticipantJoined(person("ada", role="host"))
        assert den.join("ada", role="member")["mia"] == [came]

    def test_who_inherited_and_went_comes_back_as_before(self) -> None:
        den = Meeting()
        den.join("hal", role="host")
        den.join("mia")
        den.join("max")
        den.do(Leave("hal"))
        den.do(Leave("mia"))
        den.join("mia")
        assert den.roles() == {"max": "host", "mia": "member"}


class TestTheRoom:
    def test_everybody_hears_how_it_is_set(self) -> None:
        den = governed()
        changed = RoomChanged(Doors(lobby=True, locked=True))
        assert den.do(SetRoom("hal", lobby=True, locked=True)) == {id: [changed] for id in den.roster}

    def test_what_is_not_named_stays(self) -> None:
        den = governed(lobby=True, wait_for_host=True, relay_only=True, chat="forever")
        den.do(SetRoom("hal", lobby=False, one_device=True))
        assert den.room.doors == Doors(wait_for_host=True, relay_only=True, one_device=True, chat="forever")

    def test_asks_for_relays_where_there_are_some(self) -> None:
        den = governed()
        assert den.refused(SetRoom("hal", relay_only=True)) == "no_relay"
        den.room = replace(den.room, relays=False)
        assert den.refused(SetRoom("hal", lobby=True, relay_only=True)) == "no_relay"
        den.room = replace(den.room, relays=True)
        heard = den.do(SetRoom("hal", relay_only=True))
        assert heard == {id: [RoomChanged(Doors(relay_only=True))] for id in den.roster}
        assert den.refused(SetRoom("mia", relay_only=False)) == "not_allowed"

    def test_that_asks_for_relays_which_are_gone_need_not_do_so_for_ever(self) -> None:
        den = governed(relay_only=True)
        den.do(SetRoom("hal", lobby=True))
        den.do(SetRoom("hal", relay_only=False))
        assert den.room.doors == Doors(lobby=True)

    @pytest.mark.parametrize("id", ["hal", "mia"])
    def test_tells_nobody_what_the_server_has(self, id: str) -> None:
        den = governed()
        den.room = replace(den.room, relays=True)
        assert den.view(id).relays is UNSET
        assert b"relays" not in msgspec.json.encode(den.view(id))

    @pytest.mark.parametrize("same", [SetRoom("hal"), SetRoom("hal", lobby=False)], ids=["nothing", "the same"])
    def test_the_same_again_is_heard_by_nobody(self, same: SetRoom) -> None:
        assert governed().do(same) == {}

    def test_who_knocks_does_not_hear_it(self) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        assert "kim" not in den.do(SetRoom("hal", chat="off"))


class TestQuiet:
    def test_a_request_is_heard_by_who_is_asked_and_changes_nothing(self) -> None:
        den = governed()
        before = den.room
        assert den.do(AskMute("cora", "mia", "microphone")) == {"mia": [MuteAsked("mia", "cora", "microphone")]}
        assert den.room == before

    def test_silence_is_heard_by_everybody_and_touches_no_publication(self) -> None:
        den = governed()
        den.publish("mia", "microphone", "s")
        den.do(SilenceSource("cora", "microphone", True, "mia"))
        assert den.sees("mia").silenced == (Silence("microphone"),)
        assert den.sees("mia").publications == (Publication("microphone", "s"),)

    def test_it_holds_whatever_its_owner_does(self) -> None:
        den = governed()
        den.do(SilenceSource("cora", "microphone", True, "mia"))
        den.publish("mia", "microphone", "another")
        den.do(Leave("mia"))
        den.join("mia-reloaded", user="u-mia")
        assert den.sees("mia-reloaded").silenced == (Silence("microphone"),)

    def test_it_holds_in_every_tab(self) -> None:
        den = governed()
        den.join("mia2", user="u-mia")
        den.do(SilenceSource("cora", "camera", True, "mia"))
        assert den.sees("mia2").silenced == den.sees("mia").silenced == (Silence("camera"),)
        den.do(SilenceSource("cora", "camera", False, "mia2"))
        assert den.sees("mia2").silenced == den.sees("mia").silenced == ()

    def test_lifting_by_hand_leaves_the_other_sources(self) -> None:
        den = governed()
        den.do(SilenceSource("cora", "microphone", True, "mia"))
        den.do(SilenceSource("cora", "camera", True, "mia"))
        den.do(SilenceSource("hal", "microphone", False, "mia"))
        assert den.sees("mia").silenced == (Silence("camera"),)

    def test_lifting_by_time(self) -> None:
        den = governed()
        den.do(SilenceSource("cora", "microphone", True, "mia", seconds=60.0, now=10.0))
        assert den.sees("mia").silenced == (Silence("microphone", 70.0),)
        assert den.do(Lift("", 69.9)) == {}
        assert den.do(Lift("", 70.0))["gus"] == [ParticipantChanged(person("mia"))]

    def test_time_is_over_for_those_too_who_are_not_here(self) -> None:
        den = governed()
        den.do(SilenceSource("cora", "microphone", True, "mia", seconds=60.0, now=10.0))
        den.do(Leave("mia"))
        assert den.do(Lift("", 70.0)) == {}
        den.join("mia")
        assert den.sees("mia").silenced == ()

    def test_a_longer_silence_takes_the_place_of_a_shorter(self) -> None:
        den = governed()
        den.do(SilenceSource("cora", "microphone", True, "mia", seconds=60.0, now=10.0))
        den.do(SilenceSource("cora", "microphone", True, "mia"))
        den.do(Lift("", 1e9))
        assert den.sees("mia").silenced == (Silence("microphone"),)

    @pytest.mark.parametrize(("by", "quiet"), [("hal", ["cora", "mia", "gus", "lou"]), ("cora", ["mia", "gus", "lou"])])
    def test_all_at_once_but_hosts_and_those_on_whom_one_may_not_act(self, by: str, quiet: list[str]) -> None:
        den = governed()
        den.do(SilenceSource(by, "microphone", True))
        assert [p.id for p in den.room.roster if p.silenced] == quiet
        den.do(SilenceSource(by, "microphone", False))
        assert not [p.id for p in den.room.roster if p.silenced]

    def test_who_knocks_is_told_of_nobody_and_nobody_of_them(self) -> None:
        den = governed(lobby=True)
        den.do(SilenceSource("hal", "microphone", True, "mia"))
        den.do(SetRoom("hal", wait_for_host=True))
        den.knock("kim")
        heard = den.do(SilenceSource("hal", "microphone", True))
        assert "kim" not in heard
        assert "kim" not in [e.participant.id for e in heard["gus"] if isinstance(e, ParticipantChanged)]

    def test_nobody_opens_anothers_microphone(self) -> None:
        den = governed()
        den.publish("mia", "microphone", "s", muted=True)
        den.do(SilenceSource("hal", "microphone", True, "mia"))
        den.do(SilenceSource("hal", "microphone", False, "mia"))
        den.do(SetRole("hal", "mia", "cohost"))
        assert den.sees("mia").publications == (Publication("microphone", "s", muted=True),)

    def test_who_is_gone_is_not_silenced(self) -> None:
        den = governed()
        den.do(Remove("hal", "mia"))
        assert den.refused(SilenceSource("hal", "microphone", True, "mia")) == "no_such_participant"
