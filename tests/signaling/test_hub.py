"""The hub without sockets: what it delivers, in which order, and that it keeps nothing of those who are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from msgspec.structs import replace

from peermeet.core.commands import Description, Leave, Publish, SendMessage, SetAttributes, Signal
from peermeet.core.errors import Refusal
from peermeet.core.events import (
    AnyEvent,
    MessageSent,
    Noted,
    ParticipantChanged,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Signaled,
    Welcomed,
)
from peermeet.core.model import Doors, Room, Ticket
from peermeet.core.room import evolve, view
from peermeet.signaling.hub import Happening, Hub, Seat, participant_id

GRACE = 30.0


class House:
    """A hub whose deliveries are written down and whose clock stands still until somebody moves it."""

    def __init__(self, capacity: int = 4) -> None:
        self.now = 1000.0
        self.delivered: list[tuple[str, str, AnyEvent]] = []  # room, who, what
        self.observed: list[Happening] = []
        self.dismissed: list[Seat] = []
        self.record = Room("", capacity, GRACE)  # as every room begins
        self.taken: list[Seat] = []
        self.before_delivery: Callable[[], Awaitable[None]] | None = None
        keys = count(1)
        self.hub = Hub(
            self._open_room,
            self._deliver,
            clock=lambda: self.now,
            new_key=lambda: f"key-{next(keys)}",
            dismiss=self.dismissed.append,
            observe=self.observed.append,
        )

    async def _open_room(self, code: str) -> Room:
        await asyncio.sleep(0)
        return replace(self.record, id=code)

    async def _deliver(self, room: str, participants: tuple[str, ...], event: AnyEvent) -> None:
        if self.before_delivery is not None:
            await self.before_delivery()
        self.delivered += [(room, participant, event) for participant in participants]

    async def join(self, user: str, room: str = "den", device: str = "page-one") -> Seat:
        await self.hub.join(ticket(user, room), device, self.taken.append)
        return self.taken[-1]

    def heard(self, seat: Seat) -> list[AnyEvent]:
        return [event for room, who, event in self.delivered if (room, who) == (seat.room, seat.participant)]

    def roster(self, room: str = "den") -> list[str]:
        live = self.hub.room(room)
        return [p.user for p in live.participants] if live else []

    def presence(self, seat: Seat) -> str:
        room = self.hub.room(seat.room)
        found = room.find(seat.participant) if room else None
        return found.presence if found else "gone"

    def forgotten(self) -> bool:
        """Whether nothing at all is kept."""
        return not (self.hub._rooms or self.hub._locks or self.hub._seats or self.hub._keys)


def ticket(user: str, room: str = "den") -> Ticket:
    return Ticket("t", room, user, user.title(), "member", False)


async def refused(asked: Awaitable[None]) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked
    return refusal.value.code


@pytest.fixture
def house() -> House:
    return House()


class TestJoining:
    async def test_the_seat_is_taken_before_anything_is_delivered_to_it(self, house: House) -> None:
        order: list[str] = []

        async def delivering() -> None:
            order.append("delivered")

        house.before_delivery = delivering
        await house.hub.join(ticket("ada"), "page-one", lambda seat: order.append("taken"))
        assert order == ["taken", "delivered"]

    async def test_who_joins_is_welcomed_and_the_others_hear_of_it(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        assert [type(event) for event in house.heard(ada)] == [Welcomed, ParticipantJoined]
        assert [type(event) for event in house.heard(bob)] == [Welcomed]
        assert house.roster() == ["ada", "bob"]

    async def test_rooms_never_hear_of_each_other(self, house: House) -> None:
        await house.join("ada", "den")
        await house.join("bob", "attic")
        assert {(room, event.room.id) for room, _, event in house.delivered if isinstance(event, Welcomed)} == {
            ("den", "den"),
            ("attic", "attic"),
        }
        assert house.roster("den") == ["ada"]

    async def test_a_full_room_refuses_and_takes_no_seat(self) -> None:
        house = House(capacity=1)
        await house.join("ada")
        assert await refused(house.hub.join(ticket("bob"), "page-one", house.taken.append)) == "room_full"
        assert len(house.taken) == len(house.hub._seats) == len(house.hub._keys) == 1

    async def test_two_pages_of_one_user_are_two_participants(self, house: House) -> None:
        one, two = await house.join("ada", device="page-one"), await house.join("ada", device="page-two")
        assert one.participant != two.participant
        assert house.roster() == ["ada", "ada"]

    async def test_the_same_page_takes_its_own_seat_back(self, house: House) -> None:
        first, again = await house.join("ada"), await house.join("ada")
        assert first == again
        assert house.roster() == ["ada"]
        assert [type(event) for event in house.heard(first)] == [Welcomed, Welcomed]

    async def test_the_same_page_gets_in_although_the_room_is_full(self) -> None:
        house = House(capacity=1)
        seat = await house.join("ada")
        assert await house.join("ada") == seat

    async def test_nobody_can_sit_down_under_the_id_of_another_user(self) -> None:
        names = ["a", "b", "ab", ""]
        ids = {participant_id(room, user, device) for room in names for user in names for device in names}
        assert len(ids) == len(names) ** 3

    async def test_an_id_follows_from_who_sits_where(self) -> None:
        assert participant_id("den", "ada", "page") == participant_id("den", "ada", "page")


class TestAwayAndBack:
    async def test_a_lost_socket_leaves_its_seat_away(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.disconnect(bob)
        assert house.presence(bob) == "away"
        last = house.heard(ada)[-1]
        assert isinstance(last, ParticipantChanged)
        assert (last.participant.presence, last.participant.away_since) == ("away", 1000.0)

    async def test_a_resume_key_brings_one_back(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.disconnect(bob)
        assert house.hub.seat(bob.resume) == bob
        await house.hub.resume(bob, house.taken.append)
        assert house.taken[-1] == bob
        assert house.presence(bob) == "online"
        assert isinstance(house.heard(bob)[-1], Welcomed)
        back = house.heard(ada)[-1]
        assert isinstance(back, ParticipantChanged)
        assert back.participant.presence == "online"

    async def test_whoever_comes_back_before_the_loss_was_noticed_is_just_welcomed(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        heard = len(house.heard(ada))
        await house.hub.resume(bob, house.taken.append)
        assert len(house.heard(ada)) == heard
        assert isinstance(house.heard(bob)[-1], Welcomed)

    async def test_a_seat_is_kept_for_the_grace_and_not_longer(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.disconnect(bob)
        house.now += GRACE - 0.1
        await house.hub.tick()
        assert house.presence(bob) == "away"
        house.now += 0.1
        await house.hub.tick()
        assert house.presence(bob) == "gone"
        assert house.heard(ada)[-1] == ParticipantLeft(bob.participant, "lost")

    async def test_being_back_stops_the_clock(self, house: House) -> None:
        bob = await house.join("bob")
        await house.hub.disconnect(bob)
        house.now += GRACE - 1
        await house.hub.resume(bob, house.taken.append)
        house.now += GRACE
        await house.hub.tick()
        assert house.presence(bob) == "online"

    async def test_a_second_loss_counts_from_itself(self, house: House) -> None:
        bob = await house.join("bob")
        await house.hub.disconnect(bob)
        house.now += GRACE - 1
        await house.hub.resume(bob, house.taken.append)
        await house.hub.disconnect(bob)
        house.now += GRACE - 1
        await house.hub.tick()
        assert house.presence(bob) == "away"

    async def test_a_seat_given_up_cannot_be_resumed(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        await house.hub.disconnect(bob)
        house.now += GRACE
        await house.hub.tick()
        taken = len(house.taken)
        assert house.hub.seat(bob.resume) is None
        assert await refused(house.hub.resume(bob, house.taken.append)) == "seat_gone"
        assert len(house.taken) == taken

    async def test_an_old_key_does_not_open_the_seat_of_a_later_stay(self, house: House) -> None:
        await house.join("ada")
        before = await house.join("bob")
        await house.hub.submit("den", Leave(before.participant))
        after = await house.join("bob")
        assert before.participant == after.participant
        assert before.resume != after.resume
        assert await refused(house.hub.resume(before, house.taken.append)) == "seat_gone"

    async def test_a_seat_that_nobody_gave_is_none(self, house: House) -> None:
        await house.join("ada")
        assert house.hub.seat("key-999") is None
        assert await refused(house.hub.resume(Seat("den", "p-1", "key-1"), house.taken.append)) == "seat_gone"
        assert await refused(house.hub.resume(Seat("nowhere", "p-1", "key-1"), house.taken.append)) == "seat_gone"

    async def test_losing_a_seat_that_is_gone_does_nothing(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.submit("den", Leave(bob.participant))
        heard = len(house.delivered)
        await house.hub.disconnect(bob)
        await house.hub.submit("den", Leave(ada.participant))
        await house.hub.disconnect(ada)
        assert len(house.delivered) == heard

    async def test_only_those_away_are_given_up(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        await house.join("cem", "attic")
        await house.hub.disconnect(bob)
        house.now += 10 * GRACE
        await house.hub.tick()
        assert house.roster() == ["ada"]
        assert house.roster("attic") == ["cem"]


class TestCommands:
    async def test_a_command_from_nowhere_is_refused(self, house: House) -> None:
        assert await refused(house.hub.submit("den", Leave("p-1"))) == "not_joined"
        assert house.forgotten()

    async def test_a_command_of_somebody_of_another_room_is_refused(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob", "attic")
        assert await refused(house.hub.submit("den", Leave(bob.participant))) == "not_joined"
        assert house.roster("attic") == ["bob"]

    async def test_a_refused_command_changes_nothing_and_tells_nobody(self, house: House) -> None:
        ada = await house.join("ada")
        room, heard = house.hub.room("den"), len(house.delivered)
        asked = house.hub.submit("den", Signal(ada.participant, "p-nobody", Description("offer")))
        assert await refused(asked) == "no_such_participant"
        assert house.hub.room("den") is room
        assert len(house.delivered) == heard
        assert not house.hub._locks

    async def test_the_end_of_a_room_is_heard_by_all_and_leaves_nothing(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.end("den")
        assert house.heard(ada)[-1] == ParticipantLeft(ada.participant, "ended")
        assert house.heard(bob)[-1] == ParticipantLeft(bob.participant, "ended")
        assert house.forgotten()

    async def test_the_end_of_a_room_where_nobody_sits_is_no_event(self, house: House) -> None:
        await house.hub.end("den")
        assert house.forgotten()
        assert house.delivered == []

    async def test_a_room_begins_anew_when_all_have_left(self, house: House) -> None:
        ada = await house.join("ada")
        await house.hub.submit("den", SetAttributes(ada.participant, {"hand": 1}))
        await house.hub.submit("den", Leave(ada.participant))
        assert house.forgotten()
        await house.join("ada")
        welcomed = house.heard(ada)[-1]
        assert isinstance(welcomed, Welcomed)
        assert welcomed.room.participants[0].attributes == {}


class TestObserving:
    async def test_all_that_happens_is_observed_with_the_room_after_it(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        await house.hub.submit("den", SendMessage(bob.participant, "poll", {"choice": "yes"}))
        await house.hub.submit("den", Leave(bob.participant))
        seen = [(type(event), len(room.participants)) for room, event, _ in house.observed if type(event) is not Noted]
        assert seen == [(ParticipantJoined, 1), (ParticipantJoined, 2), (MessageSent, 2), (ParticipantLeft, 1)]

    @pytest.mark.parametrize("way", ["left", "lost", "ended"])
    async def test_that_the_last_one_is_gone_is_observed_though_nobody_hears_it(self, house: House, way: str) -> None:
        ada = await house.join("ada")
        if way == "left":
            await house.hub.submit("den", Leave(ada.participant))
        elif way == "lost":
            await house.hub.disconnect(ada)
            house.now += GRACE
            await house.hub.tick()
        else:
            await house.hub.end("den")
        room, event, _ = house.observed[-1]
        assert room.participants == ()
        assert event == ParticipantLeft(ada.participant, way)  # type: ignore[arg-type]

    async def test_what_is_refused_is_not_observed(self, house: House) -> None:
        ada = await house.join("ada")
        seen = len(house.observed)
        await refused(house.hub.submit("den", Signal(ada.participant, ada.participant, Description("offer"))))
        assert len(house.observed) == seen


class TestOrder:
    async def test_everybody_hears_the_same_events_in_the_order_of_the_core(self, house: House) -> None:
        seats = [await house.join(user) for user in ("ada", "bob", "cem")]
        turn = count()

        async def dawdle() -> None:  # every delivery takes another number of turns of the loop
            for _ in range(next(turn) % 5):
                await asyncio.sleep(0)

        house.before_delivery = dawdle
        house.delivered.clear()
        await asyncio.gather(
            *(house.hub.submit("den", SendMessage(s.participant, "n", n)) for n in range(30) for s in seats)
        )
        stories = [house.heard(seat) for seat in seats]
        assert len(stories[0]) == 90
        assert stories[0] == stories[1] == stories[2]

    async def test_what_each_has_heard_is_the_room(self, house: House) -> None:
        seats = [await house.join(user) for user in ("ada", "bob", "cem")]

        async def dawdle() -> None:
            await asyncio.sleep(0)

        house.before_delivery = dawdle
        await asyncio.gather(
            house.hub.submit("den", Publish(seats[0].participant, "camera", "s-1")),
            house.hub.disconnect(seats[1]),
            house.hub.submit("den", SetAttributes(seats[2].participant, {"hand": 1})),
            house.hub.submit("den", Publish(seats[0].participant, "camera", "s-1", True)),
            house.join("dan"),
            house.hub.resume(seats[1], house.taken.append),
        )
        for seat in seats:
            room = Room("nothing yet")
            for event in house.heard(seat):
                room = evolve(room, event)
            live = house.hub.room("den")
            assert live is not None
            assert room == view(live, seat.participant)

    async def test_signals_of_one_pair_arrive_in_order(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await asyncio.gather(
            *(
                house.hub.submit("den", Signal(ada.participant, bob.participant, Description("offer", f"v={n}")))
                for n in range(200)
            )
        )
        signals = [e.description.sdp for e in house.heard(bob) if isinstance(e, Signaled) and e.description]
        assert signals == [f"v={n}" for n in range(200)]

    async def test_a_slow_room_holds_up_no_other(self, house: House) -> None:
        ada = await house.join("ada", "den")
        release = asyncio.Event()

        async def stuck() -> None:
            await release.wait()

        house.before_delivery = stuck
        slow = asyncio.create_task(house.hub.submit("den", SendMessage(ada.participant, "n")))
        await asyncio.sleep(0)
        house.before_delivery = None
        await house.join("bob", "attic")
        assert house.roster("attic") == ["bob"]
        assert not slow.done()
        release.set()
        await slow

    async def test_of_many_who_want_the_last_seat_one_gets_it(self) -> None:
        house = House(capacity=2)
        await house.join("ada")
        tries = [house.hub.join(ticket(f"u{n}"), "page-one", house.taken.append) for n in range(20)]
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(answer is None for answer in answers) == 1
        assert len(house.roster()) == len(house.hub._seats) == len(house.hub._keys) == 2


class TestTheDoor:
    async def test_a_room_is_opened_when_the_first_one_comes_and_only_then(self, house: House) -> None:
        opened: list[str] = []
        open_room = house.hub._open_room

        async def counted(code: str) -> Room:
            opened.append(code)
            return await open_room(code)

        house.hub._open_room = counted
        await asyncio.gather(*(house.join(user) for user in ("ada", "bob", "cem")))
        await house.join("ada", "attic")
        assert opened == ["den", "attic"]
        assert house.roster() == ["ada", "bob", "cem"]

    async def test_a_room_that_cannot_be_opened_takes_nobody(self, house: House) -> None:
        async def refuses(code: str) -> Room:
            raise Refusal("no_such_room")

        house.hub._open_room = refuses
        assert await refused(house.hub.join(ticket("ada"), "page-one", house.taken.append)) == "no_such_room"
        assert house.forgotten()
        assert house.taken == []

    @pytest.mark.parametrize("way", ["left", "lost", "ended", "expelled"])
    async def test_a_seat_given_up_is_dismissed_once_all_have_heard_why(self, house: House, way: str) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        heard: list[int] = []
        house.hub._dismiss = lambda seat: heard.append(len(house.delivered))
        before = len(house.delivered)
        if way == "left":
            await house.hub.submit("den", Leave(bob.participant))
        elif way == "lost":
            await house.hub.disconnect(bob)
            house.now += GRACE
            await house.hub.tick()
        elif way == "expelled":
            await house.hub.expel("bob")
        else:
            await house.hub.end("den")
        assert len(heard) == (2 if way == "ended" else 1)
        assert min(heard) == len(house.delivered) > before

    async def test_whose_telling_failed_is_dismissed_all_the_same(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")

        async def broken() -> None:
            raise RuntimeError

        house.before_delivery = broken
        with pytest.raises(RuntimeError):
            await house.hub.submit("den", Leave(bob.participant))
        assert house.dismissed == [bob]
        assert house.hub.who(bob) is None

    async def test_by_which_invitation_somebody_came_is_observed_when_they_sit_down(self, house: House) -> None:
        house.record = replace(house.record, doors=Doors(wait_for_host=True))
        invited = Ticket("t", "den", "bob", "Bob", "member", True, "i-1")
        await house.hub.join(invited, "page-one", house.taken.append)
        await house.join("cem")
        host = Ticket("t", "den", "ada", "Ada", "host", False)
        await house.hub.join(host, "page-one", house.taken.append)
        came = {
            happening.event.participant.user: happening.invitation
            for happening in house.observed
            if isinstance(happening.event, ParticipantJoined)
        }
        assert came == {"ada": None, "bob": "i-1", "cem": None}

    async def test_doors_set_from_outside_are_told_and_observed(self, house: House) -> None:
        ada = await house.join("ada")
        await house.hub.change("den", Doors(locked=True))
        await house.hub.change("den", Doors(locked=True))
        await house.hub.change("nowhere", Doors(locked=True))
        assert house.heard(ada)[-1] == RoomChanged(Doors(locked=True))
        assert [happening.event for happening in house.observed].count(RoomChanged(Doors(locked=True))) == 1
        live = house.hub.room("den")
        assert live is not None
        assert live.doors.locked

    async def test_only_a_deleted_account_s_own_seats_are_given_up(self, house: House) -> None:
        for room in ("den", "attic"):
            for user in ("ada", "bob"):
                await house.join(user, room)
        await house.hub.expel("bob")
        assert house.roster("den") == house.roster("attic") == ["ada"]

    async def test_seats_of_one_session_or_of_all_but_one_can_be_given_up(self, house: House) -> None:
        for room in ("den", "attic"):
            for session in ("s-1", "s-2", ""):
                ticket = Ticket("t", room, "bob", session, "member", False, session=session)
                await house.hub.join(ticket, f"page-of-{session}", house.taken.append)
            await house.join("ada", room)

        def names(room: str) -> list[str]:
            live = house.hub.room(room)
            return [p.name for p in live.participants if p.user == "bob"] if live else []

        await house.hub.expel("ada", session="s-1")
        assert names("den") == names("attic") == ["s-1", "s-2", ""]
        await house.hub.expel("bob", session="s-1")
        assert names("den") == names("attic") == ["s-2", ""]
        await house.hub.expel("bob", but="s-2")
        assert names("den") == names("attic") == ["s-2"]

    async def test_what_ends_by_itself_is_lifted_when_it_is_over_and_not_before(self, house: House) -> None:
        host = Ticket("t", "den", "ada", "Ada", "host", False)
        await house.hub.join(host, "page-one", house.taken.append)
        ada, bob = house.taken[-1], await house.join("bob")
        silence = {"type": "silence", "source": "camera", "on": True, "id": bob.participant, "seconds": 60}
        await house.hub.hear(ada, silence)
        for seconds, silent in ((59, True), (1, False)):
            house.now += seconds
            await house.hub.tick()
            live = house.hub.room("den")
            assert live is not None
            found = live.find(bob.participant)
            assert found is not None
            assert bool(found.silenced) is silent

    async def test_no_two_messages_have_one_stamp(self, house: House) -> None:
        ada = await house.join("ada")
        for _ in range(20):
            await house.hub.hear(ada, {"type": "send_message", "topic": "chat", "data": {"text": "x"}})
        lines = [event for event in house.heard(ada) if isinstance(event, MessageSent)]
        assert len({line.id for line in lines}) == 20
        assert {line.at for line in lines} == {house.now}
        assert ada.resume not in {line.id for line in lines}


class TestNothingIsLeftBehind:
    async def test_locks_are_forgotten_when_nobody_wants_them(self, house: House) -> None:
        ada = await house.join("ada")
        assert not house.hub._locks
        await asyncio.gather(*(house.hub.submit("den", SendMessage(ada.participant, "n", n)) for n in range(50)))
        assert not house.hub._locks

    async def test_a_lock_is_forgotten_although_its_owner_was_cancelled(self, house: House) -> None:
        ada = await house.join("ada")
        never = asyncio.Event()

        async def stuck() -> None:
            await never.wait()

        house.before_delivery = stuck
        holds = asyncio.create_task(house.hub.submit("den", SendMessage(ada.participant, "n")))
        waits = asyncio.create_task(house.hub.submit("den", SendMessage(ada.participant, "n")))
        await asyncio.sleep(0)
        assert house.hub._locks
        waits.cancel()
        holds.cancel()
        await asyncio.gather(holds, waits, return_exceptions=True)
        assert not house.hub._locks
        house.before_delivery = None
        await house.hub.submit("den", Leave(ada.participant))
        assert house.forgotten()

    async def test_a_hundred_rooms_that_came_and_went_leave_nothing(self, house: House) -> None:
        async def stay(n: int) -> None:
            room = f"room-{n}"
            seats: list[Seat] = []
            await house.hub.join(ticket("ada", room), "page-one", seats.append)
            await house.hub.join(ticket("bob", room), "page-one", seats.append)
            await house.hub.join(ticket("bob", room), "page-one", seats.append)
            await house.hub.disconnect(seats[1])
            await house.hub.submit(room, Leave(seats[0].participant))

        await asyncio.gather(*(stay(n) for n in range(100)))
        assert len(house.hub._rooms) == len(house.hub._seats) == len(house.hub._keys) == 100
        house.now += GRACE
        await house.hub.tick()
        assert house.forgotten()
