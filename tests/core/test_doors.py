"""Who comes in, who waits, who stays out, and who hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from peermeet.core.commands import (
    BAN_SECONDS,
    MAX_KNOCKING,
    MAX_KNOWN,
    Admit,
    Allow,
    AnyCommand,
    Ban,
    Deny,
    Disconnect,
    End,
    EndMeeting,
    Expire,
    Join,
    Leave,
    Lift,
    Remove,
    Resume,
    SetDoors,
    SetRole,
    SetRoom,
)
from peermeet.core.events import (
    ExilesChanged,
    Knocked,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Waiting,
    Welcomed,
)
from peermeet.core.model import Doors, Exile, Room
from tests.core.meeting import Heard, Meeting, governed, person


def lobby(**more: Any) -> Meeting:
    den = Meeting(owner="u-ada", lobby=True, **more)
    den.join("ada", role="host")
    return den


def whys(heard: Heard) -> dict[str, str]:
    return {id: event.why for id, events in heard.items() for event in events if isinstance(event, Waiting)}


class TestKnocking:
    def test_hosts_hear_who_knocks_and_nobody_else_does(self) -> None:
        den = governed(lobby=True)
        kim = person("kim", guest=True, presence="knocking")
        heard = den.join("kim", guest=True)
        waits = Waiting("kim", Room("den", participants=(kim,)), "lobby")
        assert heard == {"ada": [Knocked(kim)], "hal": [Knocked(kim)], "cora": [Knocked(kim)], "kim": [waits]}
        assert den.knocking == ["kim"]
        assert "kim" not in den.roster

    def test_a_host_who_comes_later_sees_who_knocks(self) -> None:
        den = Meeting(owner="u-ada", lobby=True)
        den.knock("kim")
        (welcomed,) = den.join("ada")["ada"]
        assert isinstance(welcomed, Welcomed)
        assert [p.id for p in welcomed.room.participants] == ["kim", "ada"]

    def test_a_host_does_not_knock(self) -> None:
        den = lobby()
        den.join("hal", role="host")
        assert den.roster == ["ada", "hal"]

    @pytest.mark.parametrize("role", ["member", "listener"])
    def test_all_others_do(self, role: str) -> None:
        lobby().knock("kim", role=role)

    def test_who_is_invited_does_not_and_neither_does_a_cohost(self) -> None:
        den = lobby()
        den.join("iris", invited=True)
        den.join("cora", role="cohost")
        assert den.roster == ["ada", "iris", "cora"]

    def test_without_a_lobby_nobody_does(self) -> None:
        den = governed()
        den.join("kim")
        assert "kim" in den.roster

    def test_nobody_knocks_twice(self) -> None:
        den = lobby()
        den.knock("kim")
        assert den.refused(Join("kim", person("kim"))) == "already_joined"

    def test_who_has_been_admitted_does_not_knock_again(self) -> None:
        den = lobby()
        den.knock("kim")
        den.do(Admit("ada", "kim"))
        den.do(Leave("kim"))
        den.join("kim-reloaded", user="u-kim")
        assert den.roster == ["ada", "kim-reloaded"]

    def test_who_was_denied_may_knock_again(self) -> None:
        den = lobby()
        den.knock("kim")
        den.do(Deny("ada", "kim"))
        den.knock("kim")

    def test_a_door_has_room_for_so_many(self) -> None:
        den = lobby()
        den.knock(*(f"k{i}" for i in range(MAX_KNOCKING)))
        assert den.refused(Join("more", person("more"))) == "too_many"
        den.do(Deny("ada", "k0"))
        den.knock("more")


class TestWaiting:
    def test_giving_up(self) -> None:
        den = lobby()
        den.knock("kim")
        assert den.do(Leave("kim")) == {"ada": [ParticipantLeft("kim", "left")]}
        assert den.knocking == []

    def test_a_lost_socket_gives_up(self) -> None:
        den = lobby()
        den.knock("kim")
        assert den.do(Disconnect("kim", now=5.0)) == {"ada": [ParticipantLeft("kim", "lost")]}

    def test_who_knocks_does_not_expire(self) -> None:
        den = lobby()
        den.knock("kim")
        assert den.do(Expire("kim", now=1e9)) == {}

    def test_on_another_socket_one_waits_on(self) -> None:
        den = lobby()
        den.knock("kim")
        assert den.do(Resume("kim")) == {"kim": [Waiting("kim", den.view("kim"), "lobby")]}

    def test_nothing_of_the_room_is_heard(self) -> None:
        den = lobby()
        den.knock("kim")
        den.knock("lea")
        commands: list[AnyCommand] = [
            SetRoom("ada", chat="off"),
            Disconnect("ada", now=1.0),
            Resume("ada"),
            Admit("ada", "lea"),
            SetRole("ada", "lea", "cohost"),
            Remove("ada", "lea"),
        ]
        for command in commands:
            assert "kim" not in den.do(command)

    def test_one_hears_whether_a_host_is_there(self) -> None:
        den = Meeting(owner="u-ada", lobby=True)
        assert whys(den.join("kim")) == {"kim": "host"}
        assert whys(den.join("ada")) == {"kim": "lobby"}
        assert whys(den.do(Leave("ada"))) == {"kim": "host"}


class TestAdmitting:
    def test_who_is_admitted_hears_the_room_and_the_others_who_comes(self) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        heard = den.do(Admit("cora", "kim"))
        came = ParticipantJoined(person("kim"))
        assert heard == {**{id: [came] for id in den.roster[:-1]}, "kim": [Welcomed("kim", den.view("kim"))]}
        assert den.roster[-1] == "kim"
        assert [p.id for p in den.view("kim").participants] == den.roster

    def test_all_at_once_in_the_order_of_their_knocks(self) -> None:
        den = lobby()
        den.knock("kim", "lea", "max")
        heard = den.do(Admit("ada"))
        assert den.roster == ["ada", "kim", "lea", "max"]
        for id in "kim", "lea", "max":  # nothing is heard before the room
            assert heard[id] == [Welcomed(id, den.view(id))]

    def test_all_of_nobody(self) -> None:
        assert lobby().do(Admit("ada")) == {}

    @pytest.mark.parametrize("id", ["ada", "nobody"])
    def test_who_does_not_knock(self, id: str) -> None:
        assert lobby().refused(Admit("ada", id)) == "no_such_participant"
        assert lobby().refused(Deny("ada", id)) == "no_such_participant"

    def test_a_full_room(self) -> None:
        den = lobby(capacity=2)
        den.knock("kim", "lea", "max")
        den.do(Admit("ada"))
        assert (den.roster, den.knocking) == (["ada", "kim"], ["lea", "max"])
        assert den.refused(Admit("ada", "lea")) == den.refused(Admit("ada")) == "room_full"

    def test_who_is_admitted_in_one_tab_is_in_another(self) -> None:
        den = lobby()
        den.knock("kim")
        den.knock("kim2", user="u-kim")
        den.do(Admit("ada", "kim"))
        assert den.roster == ["ada", "kim", "kim2"]


class TestDenying:
    def test_those_at_the_door_hear_it(self) -> None:
        den = governed(lobby=True)
        den.knock("kim", "lea")
        left = ParticipantLeft("kim", "denied")
        assert den.do(Deny("hal", "kim")) == {id: [left] for id in ("ada", "hal", "cora", "kim")}
        assert den.knocking == ["lea"]

    def test_all_at_once_each_hears_it_of_themselves(self) -> None:
        den = lobby()
        den.knock("kim", "lea")
        kim, lea = ParticipantLeft("kim", "denied"), ParticipantLeft("lea", "denied")
        assert den.do(Deny("ada")) == {"ada": [kim, lea], "kim": [kim], "lea": [lea]}


class TestOpening:
    def test_when_the_lobby_is_closed_for_good_who_waits_comes_in(self) -> None:
        den = lobby(capacity=3)
        den.knock("kim", "lea", "max")
        heard = den.do(SetRoom("ada", lobby=False))
        assert den.roster == ["ada", "kim", "lea"]
        assert whys(heard) == {"max": "full"}

    def test_the_next_comes_in_when_a_seat_is_free(self) -> None:
        den = lobby(capacity=2)
        den.knock("kim", "lea")
        den.do(SetRoom("ada", lobby=False))
        den.do(Leave("kim"))
        assert den.roster == ["ada", "lea"]

    def test_so_it_is_when_the_record_of_the_room_was_changed(self) -> None:
        den = lobby()
        den.knock("kim")
        heard = den.do(SetDoors("", Doors(relay_only=True)))
        assert heard["ada"] == [RoomChanged(Doors(relay_only=True)), ParticipantJoined(person("kim"))]
        assert den.do(SetDoors("", Doors(relay_only=True))) == {}

    def test_not_into_a_locked_room(self) -> None:
        den = lobby()
        den.knock("kim")
        den.do(SetRoom("ada", lobby=False, locked=True))
        assert den.knocking == ["kim"]
        den.do(SetRoom("ada", locked=False))
        assert den.roster == ["ada", "kim"]


class TestLocked:
    @pytest.mark.parametrize("role", ["member", "listener", "cohost"])
    def test_nobody_new_enters(self, role: Any) -> None:
        den = governed(locked=True)
        for invited in False, True:
            assert den.refused(Join("bob", person("bob", role=role, invited=invited))) == "room_locked"

    def test_nobody_new_knocks(self) -> None:
        assert lobby(locked=True).refused(Join("kim", person("kim"))) == "room_locked"

    def test_a_host_enters(self) -> None:
        den = lobby(locked=True)
        den.join("hal", role="host")
        assert den.roster == ["ada", "hal"]

    def test_who_has_sat_here_is_not_new(self) -> None:
        den = governed()
        den.do(SetRoom("ada", locked=True))
        den.do(Leave("mia"))
        den.join("mia-reloaded", user="u-mia")
        assert "mia-reloaded" in den.roster

    def test_who_only_knocked_is(self) -> None:
        den = lobby()
        den.knock("kim")
        den.do(SetRoom("ada", locked=True))
        assert den.refused(Join("kim2", person("kim2", user="u-kim"))) == "room_locked"

    def test_a_host_may_still_admit_who_knocked_before(self) -> None:
        den = lobby()
        den.knock("kim")
        den.do(SetRoom("ada", locked=True))
        den.do(Admit("ada", "kim"))
        assert den.roster == ["ada", "kim"]


class TestWaitingForTheHost:
    def meeting(self, **more: Any) -> Meeting:
        return Meeting(owner="u-ada", wait_for_host=True, **more)

    @pytest.mark.parametrize(
        "who", [{}, {"invited": True}, {"role": "cohost"}, {"role": "listener"}, {"guest": True}], ids=str
    )
    def test_nobody_enters_before_a_host(self, who: dict[str, Any]) -> None:
        den = self.meeting()
        assert whys(den.join("kim", **who)) == {"kim": "host"}
        assert den.knocking == ["kim"]

    def test_with_a_host_all_enter_in_the_order_they_came(self) -> None:
        den = self.meeting()
        den.knock("kim", "lea")
        heard = den.join("ada")
        assert den.roster == ["ada", "kim", "lea"]
        assert {id: [type(event) for event in events] for id, events in heard.items()} == {
            "ada": [Welcomed],
            "kim": [Welcomed],
            "lea": [Welcomed],
        }
        assert heard["ada"] == [Welcomed("ada", den.view("ada"))]

    def test_as_far_as_there_are_seats(self) -> None:
        den = self.meeting(capacity=2)
        den.knock("kim", "lea")
        heard = den.join("ada")
        assert (den.roster, den.knocking) == (["ada", "kim"], ["lea"])
        assert whys(heard) == {"lea": "full"}

    def test_then_the_lobby_is_a_door_of_its_own(self) -> None:
        den = self.meeting(lobby=True)
        den.knock("kim")
        den.knock("iris", invited=True)
        heard = den.join("ada")
        assert (den.roster, den.knocking) == (["ada", "iris"], ["kim"])
        assert whys(heard) == {"kim": "lobby"}

    def test_with_a_host_there_nobody_waits(self) -> None:
        den = self.meeting()
        den.join("ada")
        den.join("kim")
        assert den.roster == ["ada", "kim"]

    def test_when_the_room_passes_on_nobody_is_put_out_and_who_comes_finds_a_host(self) -> None:
        den = self.meeting()
        den.join("ada")
        den.join("mia")
        den.do(Leave("ada"))
        den.join("kim")
        assert den.roles() == {"mia": "host", "kim": "member"}

    def test_without_an_heir_those_inside_stay_and_who_comes_waits(self) -> None:
        den = self.meeting()
        den.join("ada")
        den.join("gus", guest=True)
        den.do(Leave("ada"))
        den.knock("kim")
        assert den.roster == ["gus"]
        den.join("gus2", user="u-gus", guest=True)  # no other person, only another tab
        assert den.roster == ["gus", "gus2"]


class TestCapacity:
    def test_who_knocks_takes_no_seat(self) -> None:
        den = lobby(capacity=2)
        den.knock("kim", "lea", "max")
        den.join("iris", invited=True)
        assert den.roster == ["ada", "iris"]

    def test_a_full_room_refuses_hosts_too(self) -> None:
        assert lobby(capacity=1).refused(Join("hal", person("hal", role="host"))) == "room_full"

    def test_a_newer_device_takes_no_second_seat(self) -> None:
        den = Meeting("ada", "bob", capacity=2, one_device=True)
        den.join("bob2", user="u-bob")
        assert den.roster == ["ada", "bob2"]


class TestRemoving:
    def test_everybody_hears_it_and_those_at_the_door_who_is_out(self) -> None:
        den = governed()
        left, out = ParticipantLeft("mia", "removed"), ExilesChanged((Exile("u-mia", "Mia"),))
        heard = den.do(Remove("cora", "mia"))
        doorkeepers = {id: [left, out] for id in ("ada", "hal", "cora")}
        assert heard == {**doorkeepers, "gus": [left], "lou": [left], "mia": [left]}

    def test_there_is_no_way_back(self) -> None:
        den = governed()
        den.do(Remove("ada", "mia"))
        assert den.refused(Join("mia", person("mia"))) == "removed"
        assert den.refused(Join("mia2", person("mia2", user="u-mia", invited=True))) == "removed"
        assert den.refused(Join("mia2", person("mia2", user="u-mia", role="host"))) == "removed"
        assert den.refused(Resume("mia")) == "not_joined"

    def test_every_seat_of_a_person_goes_and_every_knock(self) -> None:
        den = governed(one_device=False)
        den.join("mia2", user="u-mia")
        den.do(Remove("ada", "mia2"))
        assert not {"mia", "mia2"} & set(den.roster)

    def test_until_a_host_allows_it(self) -> None:
        den = governed()
        den.do(Remove("ada", "mia"))
        out = ExilesChanged(())
        assert den.do(Allow("ada", "u-mia")) == {"ada": [out], "hal": [out], "cora": [out]}
        den.join("mia")
        assert den.roster[-1] == "mia"

    def test_nobody_is_allowed_who_is_not_out(self) -> None:
        assert governed().refused(Allow("ada", "u-mia")) == "no_such_participant"

    def test_a_host_who_comes_later_sees_who_is_out(self) -> None:
        den = governed()
        den.do(Remove("ada", "mia"))
        den.join("ivy", role="host")
        assert den.view("ivy").out == (Exile("u-mia", "Mia"),)
        assert den.view("gus").out == ()

    def test_time_does_not_help(self) -> None:
        den = governed()
        den.do(Remove("ada", "gus"))
        den.do(Lift("", 1e9))
        assert den.refused(Join("gus", person("gus", guest=True), now=1e9)) == "removed"


class TestBanning:
    def test_an_account_is_out_for_the_rest_of_the_meeting(self) -> None:
        den = governed()
        den.do(Ban("hal", "mia", now=10.0))
        assert den.room.out == (Exile("u-mia", "Mia", True),)
        den.do(Lift("", 1e9))
        assert den.refused(Join("mia", person("mia"), now=1e9)) == "banned"

    @pytest.mark.parametrize("marks", [("device", "elsewhere"), ("another", "address"), ("device", "address")])
    def test_a_guest_is_known_again_by_device_and_address(self, marks: tuple[str, ...]) -> None:
        den = governed()
        den.join("kim", guest=True, marks=("device", "address"))
        den.do(Ban("hal", "kim", now=10.0))
        again = person("lea", guest=True)
        assert den.refused(Join("lea", again, marks, now=11.0)) == "banned"

    def test_for_a_time(self) -> None:
        den = governed()
        den.join("kim", guest=True, marks=("device",))
        den.do(Ban("hal", "kim", now=10.0))
        again = person("lea", guest=True)
        over = 10.0 + BAN_SECONDS
        assert den.refused(Join("lea", again, ("device",), now=over - 1)) == "banned"
        assert den.do(Lift("", over - 1)) == {}
        den.join("lea", guest=True, marks=("device",), now=over)
        assert den.do(Lift("", over))["ada"] == [ExilesChanged(())]
        den.join("kim", guest=True, now=over)

    def test_others_with_other_marks_and_accounts_come_in(self) -> None:
        den = governed()
        den.join("kim", guest=True, marks=("device", "address"))
        den.do(Ban("hal", "kim", now=10.0))
        den.join("lea", guest=True, marks=("another",), now=11.0)
        den.join("max", marks=("device", "address"), now=11.0)  # a house has one address
        assert {"lea", "max"} <= set(den.roster)

    def test_who_is_removed_is_not_looked_for_by_marks(self) -> None:
        den = governed()
        den.join("kim", guest=True, marks=("device",))
        den.do(Remove("hal", "kim"))
        den.join("lea", guest=True, marks=("device",))

    def test_from_the_door(self) -> None:
        den = governed(lobby=True)
        den.knock("kim", guest=True, marks=("device",))
        left = ParticipantLeft("kim", "banned")
        heard = den.do(Ban("hal", "kim", now=1.0))
        assert heard["kim"] == [left]
        assert set(heard) == {"ada", "hal", "cora", "kim"}
        assert den.refused(Join("lea", person("lea", guest=True), ("device",), now=2.0)) == "banned"

    def test_marks_are_remembered_of_so_many_who_are_gone_and_of_who_is_out(self) -> None:
        den = governed()
        den.join("kim", guest=True, marks=("device",))
        den.do(Ban("hal", "kim", now=1.0))
        for i in range(2 * MAX_KNOWN):
            den.join(f"g{i}", guest=True, marks=(f"m{i}",))
            den.do(Leave(f"g{i}"))
        assert den.room.knows("u-kim").marks == ("device",)
        assert den.room.known
        assert len(den.room.known) <= MAX_KNOWN + len(den.roster) + 2
        assert not den.room.knows("u-g0").admitted
        assert den.room.knows(f"u-g{2 * MAX_KNOWN - 1}").admitted


class TestOneDevice:
    def test_the_seat_moves_to_the_newer_one(self) -> None:
        den = Meeting("ada", "bob", one_device=True)
        heard = den.join("bob2", user="u-bob")
        gone, came = ParticipantLeft("bob", "replaced"), ParticipantJoined(person("bob2", user="u-bob"))
        assert heard == {"ada": [gone, came], "bob": [gone], "bob2": [Welcomed("bob2", den.view("bob2"))]}

    def test_two_tabs_are_welcome_otherwise(self) -> None:
        den = Meeting("ada", "bob")
        den.join("bob2", user="u-bob")
        assert den.roster == ["ada", "bob", "bob2"]

    def test_a_host_is_host_on_the_newer_one_and_nobody_inherits(self) -> None:
        den = governed(one_device=True)
        den.do(SetRole("ada", "mia", "host"))
        den.do(Leave("ada"))
        den.do(Leave("hal"))
        den.join("mia2", user="u-mia")
        assert den.roles() == {"cora": "cohost", "gus": "member", "lou": "listener", "mia2": "host"}

    def test_two_tabs_do_not_open_a_door(self) -> None:
        den = lobby(one_device=True)
        den.knock("kim")
        heard = den.join("kim2", user="u-kim")
        assert den.knocking == ["kim2"]
        assert heard["kim"] == [ParticipantLeft("kim", "replaced")]

    def test_who_sits_moves_through_closed_doors(self) -> None:
        den = governed(lobby=True, locked=True, wait_for_host=True, one_device=True)
        den.join("gus2", user="u-gus", guest=True)
        assert "gus2" in den.roster

    def test_who_is_refused_keeps_the_older_one(self) -> None:
        den = lobby(one_device=True)
        den.knock("kim")
        den.do(SetRoom("ada", locked=True))
        assert den.refused(Join("kim2", person("kim2", user="u-kim"))) == "room_locked"
        assert den.knocking == ["kim"]


class TestEnding:
    @pytest.mark.parametrize("command", [EndMeeting("hal"), End("")], ids=["end_meeting", "end"])
    def test_everybody_hears_it_of_themselves_and_who_knocks_of_nobody_else(self, command: AnyCommand) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        heard = den.do(command)
        for id in "ada", "hal", "cora", "mia", "gus", "lou", "kim":
            assert heard[id][-1] == ParticipantLeft(id, "ended")
        assert heard["kim"] == [ParticipantLeft("kim", "ended")]
        assert den.room.participants == ()
