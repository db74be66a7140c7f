"""The hub without sockets: what it delivers, in which order, and that it keeps nothing of those who are gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import count
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from peermeet.core import wire
from peermeet.core.commands import Ban, Description, Leave, Publish, Remove, SendMessage, SetAttributes, Signal
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
from peermeet.core.model import Doors, Role, Room, Ticket
from peermeet.core.room import evolve, view
from peermeet.signaling.hub import Happening, Hub, Seat, participant_id
from peermeet.signaling.redis import CHANNEL, Bus, RedisRooms, Sitting
from peermeet.signaling.rooms import MemoryRooms
from tests.redis_server import RedisServer

GRACE = 30.0


class House:
    """A hub whose deliveries are written down and whose clock stands still until somebody moves it. Whatever a test
    asks of the hub, it goes on when all that came of it is delivered."""

    def __init__(self, capacity: int = 4) -> None:
        self.now = 1000.0
        self.delivered: list[tuple[str, AnyEvent]] = []  # by socket
        self.observed: list[Happening] = []
        self.dismissed: list[str] = []
        self.there: dict[str, int] = {}
        self.record = Room("", capacity, GRACE)  # as every room begins
        self.opened: list[str] = []
        self.before_delivery: Callable[[], Awaitable[None]] | None = None
        self.rooms: MemoryRooms | RedisRooms = MemoryRooms(self)
        self._keys = count(1)
        self._sockets = count(1)

    @property
    def hub(self) -> Any:
        return Settled(self.bare, self.settled)

    def settle_in(self) -> House:
        self.bare = Hub(
            self.rooms,
            self.open_room,
            clock=lambda: self.now,
            new_key=lambda: f"key-{next(self._keys)}",
            observe=self.observed.append,
        )
        return self

    async def open_room(self, code: str) -> Room:
        self.opened.append(code)
        await asyncio.sleep(0)
        return replace(self.record, id=code)

    async def tell(self, sockets: tuple[str, ...], event: AnyEvent) -> None:
        if self.before_delivery is not None:
            await self.before_delivery()
        self.delivered += [(socket, event) for socket in sockets]

    def told(self, sockets: Iterable[str]) -> None:
        """They read whatever they are told."""

    def dismiss(self, socket: str) -> None:
        self.dismissed.append(socket)

    def present(self, room: str, number: int) -> None:
        self.there[room] = number

    async def settled(self) -> None:
        """All is delivered that was decided."""

    async def sits(self, came: Ticket, device: str = "page-one", socket: str = "") -> At:
        socket = socket or f"socket-{next(self._sockets)}"
        return At(await self.hub.join(came, device, socket), socket)

    async def join(self, user: str, room: str = "den", device: str = "page-one", role: Role = "member") -> At:
        return await self.sits(ticket(user, room, role), device)

    async def comes_back(self, seat: At) -> At:
        socket = f"socket-{next(self._sockets)}"
        await self.hub.resume(seat.seat, socket)
        return At(seat.seat, socket)

    async def loses(self, seat: At) -> None:
        await self.hub.disconnect(seat.seat, seat.socket)

    def heard(self, seat: At) -> list[AnyEvent]:
        return [event for socket, event in self.delivered if socket == seat.socket]

    async def roster(self, room: str = "den") -> list[str]:
        live = await self.hub.room(room)
        return [p.user for p in live.participants] if live else []

    async def presence(self, seat: At) -> str:
        sitting = await self.hub.sitting(seat.seat)
        return sitting[1].presence if sitting else "gone"

    async def kept(self) -> list[str]:
        """The rooms that are kept, and nothing besides."""
        assert not self.bare._locks
        assert isinstance(self.rooms, MemoryRooms)
        assert set(self.rooms._due) <= set(self.rooms._held)
        return list(self.rooms._held)


class SharedHouse(House):
    """The same with its rooms in Redis."""

    @classmethod
    async def open(cls, url: str, capacity: int = 4) -> SharedHouse:
        house = cls(capacity)
        house.bus = Heard(url, house)
        house.rooms = RedisRooms(house.bus)
        house.bus.start()
        await house.bus.listening.wait()
        house.settle_in()
        return house

    bus: Heard

    async def settled(self) -> None:
        word = f"settled {next(self._sockets)}"
        await self.bus.client.publish(CHANNEL, msgspec.json.encode(Sitting(word, 1)))
        async with asyncio.timeout(5):
            while self.there.pop(word, None) is None:  # noqa: ASYNC110 (it comes by the channel)
                await asyncio.sleep(0)

    async def kept(self) -> list[str]:
        assert not self.bare._locks
        keys = [key.decode() for key in await self.bus.client.keys("peermeet:room:*")]
        scheduled = [id.decode() for id in await self.bus.client.zrange("peermeet:rooms", 0, -1)]
        assert sorted(keys) == sorted(f"peermeet:room:{id}" for id in scheduled)
        return scheduled


class Heard(Bus):
    """Hands what the channel says to a house without sockets."""

    def __init__(self, url: str, house: House) -> None:
        self.listening = asyncio.Event()
        self.house = house
        super().__init__(url, house, self._nothing)

    async def _nothing(self) -> None:
        self.listening.set()

    async def _thread(self) -> None:
        async for _ in self._listen():
            pass

    def is_connected(self, sid: str, namespace: str) -> bool:
        return True

    async def _listen(self) -> AsyncIterator[dict[str, Any]]:
        async for message in super()._listen():
            await self.house.tell(tuple(message["room"]), wire.parse_event(message["data"][0]))
            yield message


class Settled:
    """A hub; whoever asks it for something waits until all that came of it is delivered, refusals included."""

    def __init__(self, hub: Hub, settled: Callable[[], Awaitable[None]]) -> None:
        self._hub = hub
        self._settled = settled

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._hub, name)

        async def asked(*args: Any, **named: Any) -> Any:
            try:
                return await method(*args, **named)
            finally:
                await self._settled()

        return asked


class At(NamedTuple):
    """Somebody's seat, and the socket that they hear by."""

    seat: Seat
    socket: str

    @property
    def id(self) -> str:
        return self.seat.participant

    @property
    def resume(self) -> str:
        return self.seat.resume


def ticket(user: str, room: str = "den", role: Role = "member", invitation: str | None = None) -> Ticket:
    return Ticket("t", room, user, user.title(), role, False, invitation)


async def refused(asked: Awaitable[Any]) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked
    return refusal.value.code


@pytest.fixture(params=["memory", "redis"])
async def house(request: pytest.FixtureRequest, redis: RedisServer) -> AsyncIterator[House]:
    if request.param == "memory":
        yield House().settle_in()
        return
    await redis.empty()
    house = await SharedHouse.open(redis.url)
    yield house
    await house.bus.close()


@pytest.fixture
def alone() -> House:
    """A house whose rooms are in memory."""
    return House().settle_in()


class TestJoining:
    async def test_what_is_said_of_a_seat_is_heard_by_the_socket_that_took_it(self, house: House) -> None:
        ada = await house.join("ada")
        assert [socket for socket, _ in house.delivered] == [ada.socket]

    async def test_who_joins_is_welcomed_and_the_others_hear_of_it(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        assert [type(event) for event in house.heard(ada)] == [Welcomed, ParticipantJoined]
        assert [type(event) for event in house.heard(bob)] == [Welcomed]
        assert await house.roster() == ["ada", "bob"]

    async def test_rooms_never_hear_of_each_other(self, house: House) -> None:
        await house.join("ada", "den")
        await house.join("bob", "attic")
        assert [event.room.id for _, event in house.delivered if isinstance(event, Welcomed)] == ["den", "attic"]
        assert len(house.delivered) == 2
        assert await house.roster("den") == ["ada"]

    async def test_a_full_room_refuses_and_takes_no_seat(self, house: House) -> None:
        house.record = replace(house.record, capacity=1)
        await house.join("ada")
        assert await refused(house.join("bob")) == "room_full"
        assert await house.roster() == ["ada"]
        assert house.dismissed == []

    async def test_two_pages_of_one_user_are_two_participants(self, house: House) -> None:
        one, two = await house.join("ada", device="page-one"), await house.join("ada", device="page-two")
        assert one.id != two.id
        assert await house.roster() == ["ada", "ada"]

    async def test_the_same_page_takes_its_own_seat_back(self, house: House) -> None:
        first, again = await house.join("ada"), await house.join("ada")
        assert first.seat == again.seat
        assert await house.roster() == ["ada"]
        assert [type(event) for seat in (first, again) for event in house.heard(seat)] == [Welcomed, Welcomed]

    async def test_the_older_socket_of_a_seat_is_dismissed(self, house: House) -> None:
        first, again = await house.join("ada"), await house.join("ada")
        assert house.dismissed == [first.socket]
        await house.loses(first)  # it says nothing of the seat any more
        assert await house.presence(again) == "online"

    async def test_the_same_page_gets_in_although_the_room_is_full(self, house: House) -> None:
        house.record = replace(house.record, capacity=1)
        seat = await house.join("ada")
        assert (await house.join("ada")).seat == seat.seat

    async def test_nobody_can_sit_down_under_the_id_of_another_user(self) -> None:
        names = ["a", "b", "ab", ""]
        ids = {participant_id(room, user, device) for room in names for user in names for device in names}
        assert len(ids) == len(names) ** 3

    async def test_an_id_follows_from_who_sits_where(self) -> None:
        assert participant_id("den", "ada", "page") == participant_id("den", "ada", "page")


class TestAwayAndBack:
    async def test_a_lost_socket_leaves_its_seat_away(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.loses(bob)
        assert await house.presence(bob) == "away"
        last = house.heard(ada)[-1]
        assert isinstance(last, ParticipantChanged)
        assert (last.participant.presence, last.participant.away_since) == ("away", 1000.0)

    async def test_a_resume_key_brings_one_back(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.loses(bob)
        assert await house.hub.seat(bob.resume) == bob.seat
        bob = await house.comes_back(bob)
        assert await house.presence(bob) == "online"
        assert isinstance(house.heard(bob)[-1], Welcomed)
        back = house.heard(ada)[-1]
        assert isinstance(back, ParticipantChanged)
        assert back.participant.presence == "online"

    async def test_whoever_comes_back_before_the_loss_was_noticed_is_just_welcomed(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        heard = len(house.heard(ada))
        bob = await house.comes_back(bob)
        assert len(house.heard(ada)) == heard
        assert isinstance(house.heard(bob)[-1], Welcomed)

    async def test_a_seat_is_kept_for_the_grace_and_not_longer(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.loses(bob)
        house.now += GRACE - 0.1
        await house.hub.tick()
        assert await house.presence(bob) == "away"
        house.now += 0.1
        await house.hub.tick()
        assert await house.presence(bob) == "gone"
        assert house.heard(ada)[-1] == ParticipantLeft(bob.id, "lost")

    async def test_being_back_stops_the_clock(self, house: House) -> None:
        bob = await house.join("bob")
        await house.loses(bob)
        house.now += GRACE - 1
        bob = await house.comes_back(bob)
        house.now += GRACE
        await house.hub.tick()
        assert await house.presence(bob) == "online"

    async def test_a_second_loss_counts_from_itself(self, house: House) -> None:
        bob = await house.join("bob")
        await house.loses(bob)
        house.now += GRACE - 1
        bob = await house.comes_back(bob)
        await house.loses(bob)
        house.now += GRACE - 1
        await house.hub.tick()
        assert await house.presence(bob) == "away"

    async def test_a_seat_given_up_cannot_be_resumed(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        await house.loses(bob)
        house.now += GRACE
        await house.hub.tick()
        assert await house.hub.seat(bob.resume) is None
        assert await refused(house.comes_back(bob)) == "seat_gone"

    async def test_an_old_key_does_not_open_the_seat_of_a_later_stay(self, house: House) -> None:
        await house.join("ada")
        before = await house.join("bob")
        await house.hub.submit("den", Leave(before.id))
        after = await house.join("bob")
        assert before.id == after.id
        assert before.resume != after.resume
        assert await refused(house.comes_back(before)) == "seat_gone"
        assert await house.presence(after) == "online"

    async def test_a_seat_that_nobody_gave_is_none(self, house: House) -> None:
        ada = await house.join("ada")
        others = (f"den.{ada.id}.key-999", f"attic.{ada.id}.key-1", f"den.{ada.id}.", "den.p-1.key-1")
        for key in ("", "key-999", "..", "den.é.1", 7, None, *others):
            assert await house.hub.seat(key) is None
        for room, participant in (("den", "p-1"), ("nowhere", "p-1"), ("den", ada.id)):
            seat = Seat(room, participant, "den.p-1.key-1")
            assert await refused(house.hub.resume(seat, "socket")) == "seat_gone"

    async def test_losing_a_seat_that_is_gone_does_nothing(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.submit("den", Leave(bob.id))
        heard = len(house.delivered)
        await house.loses(bob)
        await house.hub.submit("den", Leave(ada.id))
        await house.loses(ada)
        assert len(house.delivered) == heard

    async def test_only_those_away_are_given_up(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        await house.join("cem", "attic")
        await house.loses(bob)
        house.now += 10 * GRACE
        await house.hub.tick()
        assert await house.roster() == ["ada"]
        assert await house.roster("attic") == ["cem"]


class TestCommands:
    async def test_a_command_from_nowhere_is_refused(self, house: House) -> None:
        assert await refused(house.hub.submit("den", Leave("p-1"))) == "not_joined"
        assert await house.kept() == []

    async def test_a_command_of_somebody_of_another_room_is_refused(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob", "attic")
        assert await refused(house.hub.submit("den", Leave(bob.id))) == "not_joined"
        assert await house.roster("attic") == ["bob"]

    async def test_a_refused_command_changes_nothing_and_tells_nobody(self, house: House) -> None:
        ada = await house.join("ada")
        room, heard = await house.hub.room("den"), len(house.delivered)
        asked = house.hub.submit("den", Signal(ada.id, "p-nobody", Description("offer")))
        assert await refused(asked) == "no_such_participant"
        assert await house.hub.room("den") == room
        assert len(house.delivered) == heard
        assert await house.kept() == ["den"]

    async def test_the_end_of_a_room_is_heard_by_all_and_leaves_nothing(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await house.hub.end("den")
        assert house.heard(ada)[-1] == ParticipantLeft(ada.id, "ended")
        assert house.heard(bob)[-1] == ParticipantLeft(bob.id, "ended")
        assert await house.kept() == []

    async def test_the_end_of_a_room_where_nobody_sits_is_no_event(self, house: House) -> None:
        await house.hub.end("den")
        assert await house.kept() == []
        assert house.delivered == []

    async def test_who_comes_back_to_an_empty_room_within_the_grace_finds_it_as_it_was(self, house: House) -> None:
        ada, bob = await house.join("ada", role="host"), await house.join("bob")
        await house.hub.hear(ada.seat, {"type": "send_message", "topic": "chat", "data": {"text": "hello"}})
        await house.hub.submit("den", Ban(ada.id, bob.id, house.now))
        await house.hub.submit("den", Leave(ada.id))
        house.now += GRACE - 1
        await house.hub.tick()
        assert await refused(house.join("bob")) == "banned"
        again = await house.join("ada", role="host")
        welcomed = house.heard(again)[-1]
        assert isinstance(welcomed, Welcomed)
        assert [line.text for line in welcomed.room.history] == ["hello"]
        assert [exile.user for exile in welcomed.room.out] == ["bob"]
        house.now += GRACE
        await house.hub.tick()
        assert await house.roster() == ["ada"]

    async def test_a_room_begins_anew_when_it_was_empty_for_its_grace(self, house: House) -> None:
        ada, bob = await house.join("ada", role="host"), await house.join("bob")
        await house.hub.submit("den", Ban(ada.id, bob.id, house.now))
        await house.hub.submit("den", Leave(ada.id))
        house.now += GRACE
        await house.hub.tick()
        assert await house.kept() == []
        await house.join("bob")
        assert await house.roster() == ["bob"]
        assert house.opened == ["den", "den"]


class TestObserving:
    async def test_all_that_happens_is_observed_with_the_room_after_it(self, house: House) -> None:
        await house.join("ada")
        bob = await house.join("bob")
        await house.hub.submit("den", SendMessage(bob.id, "poll", {"choice": "yes"}))
        await house.hub.submit("den", Leave(bob.id))
        seen = [(type(h.event), len(h.room.participants)) for h in house.observed if type(h.event) is not Noted]
        assert seen == [(ParticipantJoined, 1), (ParticipantJoined, 2), (MessageSent, 2), (ParticipantLeft, 1)]

    @pytest.mark.parametrize("way", ["left", "lost", "ended"])
    async def test_that_the_last_one_is_gone_is_observed_though_nobody_hears_it(self, house: House, way: str) -> None:
        ada = await house.join("ada")
        if way == "left":
            await house.hub.submit("den", Leave(ada.id))
        elif way == "lost":
            await house.loses(ada)
            house.now += GRACE
            await house.hub.tick()
        else:
            await house.hub.end("den")
        happened = [h for h in house.observed if h.event is not None][-1]
        assert happened.room.participants == ()
        assert happened.event == ParticipantLeft(ada.id, way)  # type: ignore[arg-type]
        assert house.there == {"den": 0}

    async def test_the_end_of_a_meeting_is_observed_once_it_is_sure(self, house: House) -> None:
        ada = await house.join("ada")
        await house.hub.submit("den", Leave(ada.id))
        assert None not in [h.event for h in house.observed]
        house.now += GRACE
        await house.hub.tick()
        await house.hub.tick()
        assert [h.event for h in house.observed].count(None) == 1
        await house.join("ada")
        await house.hub.end("den")
        assert [h.event for h in house.observed].count(None) == 2
        assert len({h.meeting for h in house.observed}) == 2

    async def test_a_stay_has_one_id_from_coming_to_going(self, house: House) -> None:
        stays = []
        for _ in range(2):
            ada = await house.join("ada")
            await house.loses(ada)
            ada = await house.comes_back(ada)
            await house.hub.submit("den", Leave(ada.id))
            stays += [h.stay for h in house.observed if isinstance(h.event, ParticipantJoined | ParticipantLeft)]
            house.observed.clear()
        assert stays[0] == stays[1] != stays[2] == stays[3]

    async def test_what_is_refused_is_not_observed(self, house: House) -> None:
        ada = await house.join("ada")
        seen = len(house.observed)
        await refused(house.hub.submit("den", Signal(ada.id, ada.id, Description("offer"))))
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
        await asyncio.gather(*(house.hub.submit("den", SendMessage(s.id, "n", n)) for n in range(30) for s in seats))
        stories = [house.heard(seat) for seat in seats]
        assert len(stories[0]) == 90
        assert stories[0] == stories[1] == stories[2]

    async def test_what_each_has_heard_is_the_room(self, house: House) -> None:
        seats = [await house.join(user) for user in ("ada", "bob", "cem")]

        async def dawdle() -> None:
            await asyncio.sleep(0)

        house.before_delivery = dawdle
        await asyncio.gather(
            house.hub.submit("den", Publish(seats[0].id, "camera", "s-1")),
            house.loses(seats[1]),
            house.hub.submit("den", SetAttributes(seats[2].id, {"hand": 1})),
            house.hub.submit("den", Publish(seats[0].id, "camera", "s-1", True)),
            house.join("dan"),
            house.hub.resume(seats[1].seat, seats[1].socket),
        )
        for seat in seats:
            room = Room("nothing yet")
            for event in house.heard(seat):
                room = evolve(room, event)
            live = await house.hub.room("den")
            assert live is not None
            assert room == view(live, seat.id)

    async def test_signals_of_one_pair_arrive_in_order(self, house: House) -> None:
        ada, bob = await house.join("ada"), await house.join("bob")
        await asyncio.gather(
            *(house.hub.submit("den", Signal(ada.id, bob.id, Description("offer", f"v={n}"))) for n in range(200))
        )
        signals = [e.description.sdp for e in house.heard(bob) if isinstance(e, Signaled) and e.description]
        assert signals == [f"v={n}" for n in range(200)]

    async def test_a_slow_room_holds_up_no_other(self, alone: House) -> None:
        house = alone
        ada = await house.join("ada", "den")
        release = asyncio.Event()

        async def stuck() -> None:
            await release.wait()

        house.before_delivery = stuck
        slow = asyncio.create_task(house.hub.submit("den", SendMessage(ada.id, "n")))
        await asyncio.sleep(0)
        house.before_delivery = None
        await house.join("bob", "attic")
        assert await house.roster("attic") == ["bob"]
        assert not slow.done()
        release.set()
        await slow

    async def test_of_many_who_want_the_last_seat_one_gets_it(self, house: House) -> None:
        house.record = replace(house.record, capacity=2)
        await house.join("ada")
        answers = await asyncio.gather(*(house.join(f"u{n}") for n in range(20)), return_exceptions=True)
        assert sum(isinstance(answer, At) for answer in answers) == 1
        assert len(await house.roster()) == 2


class TestTheDoor:
    async def test_a_room_is_opened_when_the_first_one_comes_and_only_then(self, house: House) -> None:
        await asyncio.gather(*(house.join(user) for user in ("ada", "bob", "cem")))
        await house.join("ada", "attic")
        assert house.opened == ["den", "attic"]
        assert await house.roster() == ["ada", "bob", "cem"]

    async def test_a_room_that_cannot_be_opened_takes_nobody(self, house: House) -> None:
        async def refuses(code: str) -> Room:
            raise Refusal("no_such_room")

        house.bare._open_room = refuses
        assert await refused(house.join("ada")) == "no_such_room"
        assert await house.kept() == []

    @pytest.mark.parametrize("way", ["left", "removed", "ended", "forgotten"])
    async def test_a_seat_given_up_is_dismissed_once_all_have_heard_why(self, house: House, way: str) -> None:
        ada = await house.join("ada", role="host")
        bob = await house.join("bob")
        heard: list[int] = []
        house.dismiss = lambda socket: heard.append(len(house.delivered))  # type: ignore[method-assign]
        before = len(house.delivered)
        if way == "left":
            await house.hub.submit("den", Leave(bob.id))
        elif way == "removed":
            await house.hub.submit("den", Remove(ada.id, bob.id))
        elif way == "forgotten":
            await house.hub.forget("bob")
        else:
            await house.hub.end("den")
        assert len(heard) == (2 if way == "ended" else 1)
        assert min(heard) == len(house.delivered) > before

    async def test_whose_telling_failed_is_dismissed_all_the_same(
        self, alone: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        house = alone
        await house.join("ada")
        bob = await house.join("bob")

        async def broken() -> None:
            raise RuntimeError

        house.before_delivery = broken
        await house.hub.submit("den", Leave(bob.id))
        assert house.dismissed == [bob.socket]
        assert await house.presence(bob) == "gone"
        assert "an event could not be delivered" in caplog.text

    async def test_by_which_invitation_somebody_came_is_observed_when_they_sit_down(self, house: House) -> None:
        house.record = replace(house.record, doors=Doors(wait_for_host=True))
        await house.sits(ticket("bob", invitation="i-1"))
        await house.join("cem")
        await house.join("ada", role="host")
        came = {
            happening.event.participant.user: happening.invitation
            for happening in house.observed
            if isinstance(happening.event, ParticipantJoined)
        }
        assert came == {"ada": None, "bob": "i-1", "cem": None}

    async def test_doors_set_from_outside_are_told_and_observed(self, house: House) -> None:
        ada = await house.join("ada")
        await house.hub.change("den", Doors(locked=True), None)
        await house.hub.change("den", Doors(locked=True), None)
        await house.hub.change("nowhere", Doors(locked=True), None)
        assert house.heard(ada)[-1] == RoomChanged(Doors(locked=True))
        assert [happening.event for happening in house.observed].count(RoomChanged(Doors(locked=True))) == 1
        live = await house.hub.room("den")
        assert live is not None
        assert live.doors.locked

    async def test_who_waits_comes_in_when_a_door_is_opened_from_outside(self, house: House) -> None:
        house.record = replace(house.record, doors=Doors(lobby=True))
        await house.join("ada", role="host")
        bob = await house.join("bob")
        assert await house.presence(bob) == "knocking"
        await house.hub.change("den", Doors(), None)
        assert await house.presence(bob) == "online"

    async def test_a_room_closes_at_its_hour(self, house: House) -> None:
        ada = await house.join("ada")
        await house.hub.change("den", Doors(), house.now + 60)
        house.now += 59
        await house.hub.tick()
        assert await house.presence(ada) == "online"
        house.now += 1
        await house.hub.tick()
        assert house.heard(ada)[-1] == ParticipantLeft(ada.id, "ended")
        assert await house.kept() == []

    async def test_an_hour_that_is_taken_back_closes_nothing(self, house: House) -> None:
        house.record = replace(house.record, closes=house.now + 60)
        ada = await house.join("ada")
        await house.hub.change("den", Doors(), None)
        house.now += 61
        await house.hub.tick()
        assert await house.presence(ada) == "online"

    async def test_who_is_host_now_is_told_by_user(self, house: House) -> None:
        house.record = replace(house.record, doors=Doors(lobby=True), owner="ada")
        assert await house.hub.hosts("den") == frozenset()
        ada = await house.join("ada")
        bob = await house.join("bob")  # knocks
        assert await house.hub.hosts("den") == {"ada"}
        for message in (
            {"type": "admit", "id": bob.id},
            {"type": "set_role", "id": bob.id, "role": "host"},
        ):
            await house.hub.hear(ada.seat, message)
        await house.loses(ada)  # away, and still in her seat
        assert await house.hub.hosts("den") == {"ada", "bob"}
        await house.hub.hear(bob.seat, {"type": "leave"})
        assert await house.hub.hosts("den") == {"ada"}
        assert await house.hub.hosts("attic") == frozenset()

    async def test_only_a_deleted_account_s_own_seats_are_given_up(self, house: House) -> None:
        for room in ("den", "attic"):
            for user in ("ada", "bob"):
                await house.join(user, room)
        await house.hub.forget("bob")
        assert await house.roster("den") == await house.roster("attic") == ["ada"]

    async def test_seats_of_one_session_or_of_all_but_one_can_be_given_up(self, house: House) -> None:
        for room in ("den", "attic"):
            for session in ("s-1", "s-2", ""):
                ticket = Ticket("t", room, "bob", session, "member", False, session=session)
                await house.sits(ticket, f"page-of-{session}")
            await house.join("ada", room)

        async def names(room: str) -> list[str]:
            live = await house.hub.room(room)
            return [p.name for p in live.participants if p.user == "bob"] if live else []

        await house.hub.expel("ada", session="s-1")
        assert await names("den") == await names("attic") == ["s-1", "s-2", ""]
        await house.hub.expel("bob", session="s-1")
        assert await names("den") == await names("attic") == ["s-2", ""]
        await house.hub.expel("bob", but="s-2")
        assert await names("den") == await names("attic") == ["s-2"]

    async def test_what_ends_by_itself_is_lifted_when_it_is_over_and_not_before(self, house: House) -> None:
        ada, bob = await house.join("ada", role="host"), await house.join("bob")
        silence = {"type": "silence", "source": "camera", "on": True, "id": bob.id, "seconds": 60}
        await house.hub.hear(ada.seat, silence)
        for seconds, silent in ((59, True), (1, False)):
            house.now += seconds
            await house.hub.tick()
            live = await house.hub.room("den")
            assert live is not None
            found = live.find(bob.id)
            assert found is not None
            assert bool(found.silenced) is silent

    async def test_no_two_messages_have_one_stamp(self, house: House) -> None:
        ada = await house.join("ada")
        for _ in range(20):
            await house.hub.hear(ada.seat, {"type": "send_message", "topic": "chat", "data": {"text": "x"}})
        lines = [event for event in house.heard(ada) if isinstance(event, MessageSent)]
        assert len({line.id for line in lines}) == 20
        assert {line.at for line in lines} == {house.now}
        assert ada.resume not in {line.id for line in lines}


class TestNothingIsLeftBehind:
    async def test_locks_are_forgotten_when_nobody_wants_them(self, house: House) -> None:
        ada = await house.join("ada")
        assert await house.kept() == ["den"]
        await asyncio.gather(*(house.hub.submit("den", SendMessage(ada.id, "n", n)) for n in range(50)))
        assert await house.kept() == ["den"]

    async def test_a_lock_is_forgotten_although_its_owner_was_cancelled(self, alone: House) -> None:
        house = alone
        ada = await house.join("ada")
        never = asyncio.Event()

        async def stuck() -> None:
            await never.wait()

        house.before_delivery = stuck
        holds = asyncio.create_task(house.hub.submit("den", SendMessage(ada.id, "n")))
        waits = asyncio.create_task(house.hub.submit("den", SendMessage(ada.id, "n")))
        await asyncio.sleep(0)
        assert house.bare._locks
        waits.cancel()
        holds.cancel()
        await asyncio.gather(holds, waits, return_exceptions=True)
        assert not house.bare._locks
        house.before_delivery = None
        await house.hub.submit("den", Leave(ada.id))
        assert await house.roster() == []

    async def test_a_hundred_rooms_that_came_and_went_leave_nothing(self, house: House) -> None:
        async def stay(n: int) -> None:
            room = f"room-{n}"
            ada = await house.join("ada", room)
            await house.join("bob", room)
            bob = await house.join("bob", room)
            await house.loses(bob)
            await house.hub.submit(room, Leave(ada.id))

        await asyncio.gather(*(stay(n) for n in range(100)))
        assert len(await house.kept()) == 100
        for _ in range(2):
            house.now += GRACE
            await house.hub.tick()
        assert await house.kept() == []
