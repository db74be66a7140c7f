"""Who sends too much: the buckets by themselves, and what floods get over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from peermeet.core.permissions import ALLOWED
from peermeet.core.wire import TYPES
from peermeet.signaling import limits
from peermeet.signaling.buckets import Buckets, Payers, kind_of
from peermeet.signaling.limits import COMMANDS, Kind, Payer, Rate
from tests.signaling.conftest import House, offer
from tests.signaling.wire import Socket, code

# Of every class, and of what there is no class for.
KINDS = {
    "signal": {"signal"},
    "say": {"send_message", "set_attributes", "delete_message"},
    "govern": {
        *("admit", "deny", "remove", "ban", "allow", "set_role", "set_room", "ask_mute", "silence", "end_meeting"),
    },
    "rest": {"join", "refresh_ice", "leave", "publish", "unpublish", "nonsense", ""},
}


def ada(socket: str = "s1", account: str = "u-ada", address: str = "192.0.2.7") -> Payers:
    return {"socket": socket, "account": account, "address": address}


def many(buckets: Buckets, payers: Payers, now: float, kind: Kind = "signal") -> int:
    """How many are let through of as many as one can send."""
    return sum(1 for _ in itertools.takewhile(bool, (buckets.take(kind, payers, now) for _ in itertools.count())))


class TestTheTable:
    def test_every_command_is_of_the_class_that_is_written_here(self) -> None:
        assert set(TYPES) | {"join", "refresh_ice"} <= set().union(*KINDS.values())
        assert {
            kind: {name for name in names if kind_of([{"type": name}]) == kind} for kind, names in KINDS.items()
        } == KINDS

    def test_whatever_only_hosts_and_co_hosts_may_is_governing(self) -> None:
        for role, commands in ALLOWED.items():
            kinds = {kind_of([{"type": command.__struct_config__.tag}]) for command in commands}
            assert ("govern" in kinds) is (role in {"host", "cohost"})

    @pytest.mark.parametrize(
        "said", [[], [None], [[]], ["signal"], [{}], [{"type": ["signal"]}], [{"type": {}}], [1, 2]]
    )
    def test_what_is_no_command_is_paid_for_too(self, said: list[Any]) -> None:
        assert kind_of(said) == "rest"

    def test_it_has_a_row_for_each_class_and_a_figure_for_each_payer(self) -> None:
        assert set(COMMANDS) == set(get_args(Kind))
        for kind, row in COMMANDS.items():
            assert set(row) == ({"socket"} if kind == "too many" else set(get_args(Payer)))

    def test_more_may_come_from_more(self) -> None:
        for kind in KINDS:
            socket, account, address = (COMMANDS[kind][payer] for payer in ("socket", "account", "address"))  # type: ignore[index]
            assert socket.a_second <= account.a_second <= address.a_second
            assert 1 <= socket.burst <= account.burst <= address.burst

    def test_a_hall_may_join_at_once(self) -> None:
        """As many sockets as one address may have, each with what joining a room of twelve costs."""
        assert COMMANDS["signal"]["address"].burst >= limits.SOCKETS_OF_ADDRESS * 60
        assert COMMANDS["rest"]["address"].burst >= limits.SOCKETS_OF_ADDRESS * 5
        assert COMMANDS["signal"]["socket"].burst >= 60


class TestABucket:
    def test_is_full_at_first_and_fills_again(self) -> None:
        buckets = Buckets({"signal": {"socket": Rate(5, 20)}})
        assert many(buckets, ada(), 1000.0) == 20
        assert many(buckets, ada(), 1001.0) == 5
        assert many(buckets, ada(), 1001.2) == 1
        assert many(buckets, ada(), 9000.0) == 20  # and not over its brim

    def test_is_not_fuller_for_a_clock_that_goes_back(self) -> None:
        buckets = Buckets({"signal": {"socket": Rate(5, 20)}})
        assert many(buckets, ada(), 1000.0) == 20
        assert many(buckets, ada(), 900.0) == 0

    def test_of_one_class_is_none_of_another(self) -> None:
        buckets = Buckets()
        many(buckets, ada(), 0.0, "signal")
        assert buckets.take("say", ada(), 0.0)

    def test_is_shared_by_the_sockets_of_an_account_and_by_the_accounts_of_an_address(self) -> None:
        buckets = Buckets({"signal": {"socket": Rate(1, 10), "account": Rate(2, 15), "address": Rate(3, 22)}})
        assert many(buckets, ada("s1"), 0.0) == 10
        assert many(buckets, ada("s2"), 0.0) == 5
        assert many(buckets, ada("s3", account="u-bob"), 0.0) == 7
        assert many(buckets, ada("s4", account="u-cem"), 0.0) == 0
        assert many(buckets, ada("s5", account="u-cem", address="198.51.100.1"), 0.0) == 10

    def test_is_not_touched_by_what_another_refuses(self) -> None:
        buckets = Buckets({"signal": {"socket": Rate(1, 5), "account": Rate(1, 10), "address": Rate(1, 100)}})
        assert many(buckets, ada("s1"), 0.0) == 5
        for _ in range(50):
            assert not buckets.take("signal", ada("s1"), 0.0)
        assert many(buckets, ada("s2"), 0.0) == 5  # what the account had left

    def test_of_whoever_is_gone_is_forgotten(self) -> None:
        buckets = Buckets({"signal": {"socket": Rate(10, 50)}})
        most = 0
        for n in range(10_000):  # a hundred newcomers a second
            buckets.take("signal", ada(f"s{n}"), n / 100)
            most = max(most, len(buckets))
        assert most <= 2 * 100 * 5 + 1  # of the last two times that a bucket takes to fill

    @given(
        st.lists(
            st.tuples(
                st.floats(0, 4), st.sampled_from(["signal", "say"]), st.sampled_from("ab"), st.sampled_from("xyz")
            ),
            max_size=200,
        )
    )
    def test_forgetting_forgives_nothing(self, asked: list[tuple[float, Kind, str, str]]) -> None:
        """Whoever comes when: the answer is that of buckets which are kept for ever."""
        table: dict[Kind, dict[Payer, Rate]] = {
            "signal": {"socket": Rate(2, 4), "address": Rate(1, 6)},
            "say": {"socket": Rate(0.5, 3), "address": Rate(4, 4)},
        }
        buckets, kept, now = Buckets(table), {}, 0.0
        for pause, kind, address, socket in asked:
            now += pause
            payers = ada(socket, address=address)
            keys = [(kind, payer, payers[payer], rate) for payer, rate in table[kind].items()]
            for key in keys:
                tokens, counted = kept.get(key, (key[3].burst, now))
                kept[key] = (min(key[3].burst, tokens + (now - counted) * key[3].a_second), now)
            may = all(kept[key][0] >= 1 for key in keys)
            for key in keys:
                kept[key] = (kept[key][0] - may, now)
            assert buckets.take(kind, payers, now) is may


Flood = tuple[Socket, Socket, Socket, str]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REFUSED_PAUSE", 0.0)


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bucket fills while a test runs: else what is let through would depend on the machine."""
    for kind, row in COMMANDS.items():
        monkeypatch.setitem(COMMANDS, kind, {payer: Rate(0, rate.burst) for payer, rate in row.items()})


@contextlib.asynccontextmanager
async def three(house: House) -> AsyncIterator[Flood]:
    """Ada and Bob, who mean well, and Mallory in one room."""
    async with house.pair() as (one, two, room), house.socket() as mallory:
        await house.seat(mallory, room, "u-mallory")
        for somebody in (one, two):
            await somebody.event("participant_joined")
        yield one, two, mallory, room


def frame(n: int, command: dict[str, Any]) -> str:
    return f"42/meeting,{n}{json.dumps(['command', command])}"


class TestAFlood:
    async def test_of_signals_is_refused_and_ends_the_connection_and_nobody_else_notices(
        self, house: House, still: None
    ) -> None:
        burst = int(COMMANDS["signal"]["socket"].burst)
        async with three(house) as (one, two, mallory, _), house.pair() as (three_, four, _elsewhere):
            flooding = asyncio.create_task(
                self.flood(mallory, {"type": "signal", "to": two.you, "description": offer()})
            )
            heard: list[str] = []
            for n in range(40):
                for from_, to in ((one, two), (three_, four)):
                    words = {"type": "signal", "to": to.you, "description": offer(f"v={n}")}
                    assert await from_.command(words) == {}
                    while (event := await to.event("signaled"))["by"] != from_.you:
                        heard.append(event["by"])
                    assert event["description"]["sdp"] == f"v={n}"
            codes = await flooding
            await mallory.gone(within=5)
            await two.quiet()
            heard += [event["by"] for event in two.events if event["type"] == "signaled"]
            assert heard == [mallory.you] * burst
            assert set(codes) <= {"", "too_many"}
            assert codes.count("") <= burst
            assert (await one.event("participant_changed"))["participant"]["presence"] == "away"

    @staticmethod
    async def flood(socket: Socket, command: dict[str, Any], number: int = 10_000) -> list[str]:
        """Send as fast as one can and never wait; the codes of what was answered until the end."""
        codes: list[str] = []

        async def listen() -> None:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    if (answer := await socket.hear()).startswith("43/"):
                        (said,) = json.loads(answer[answer.index("[") :])
                        codes.append(said["error"]["code"] if "error" in said else "")

        listening = asyncio.create_task(listen())
        with contextlib.suppress(ConnectionClosed):
            for n in range(number):
                await socket.say(frame(1000 + n, command))
        await listening
        return codes

    @pytest.mark.parametrize("kind", ["signal", "say", "govern", "rest"])
    async def test_of_any_class_ends_the_connection(self, house: House, still: None, kind: Kind) -> None:
        commands: dict[str, dict[str, Any]] = {
            "signal": {"type": "signal", "to": "p-nobody", "description": offer()},
            "say": {"type": "send_message", "topic": "n", "data": 1},
            "govern": {"type": "end_meeting"},
            "rest": {"type": "nonsense"},
        }
        async with three(house) as (one, two, mallory, _):
            codes = await self.flood(mallory, commands[kind])
            assert codes.count("too_many") <= COMMANDS["too many"]["socket"].burst + 1
            assert await mallory.gone()
            await two.quiet()
            said = [event for event in two.events if event["type"] == "message_sent"]
            assert len(said) == (COMMANDS["say"]["socket"].burst if kind == "say" else 0)
            assert await one.command({"type": "send_message", "topic": "n", "data": 1}) == {}

    async def test_that_is_let_through_in_part_ends_the_connection_too(self, house: House) -> None:
        """As it is with a server that goes on filling buckets: who sends more than they hold is refused again and
        again, and what is granted in between forgives nothing."""
        async with three(house) as (_, _two, mallory, _room):
            codes = await self.flood(mallory, {"type": "nonsense"}, number=100_000)
            assert "too_many" in codes
            await mallory.gone()

    async def test_of_many_sockets_is_bounded_by_the_account_and_by_the_address(
        self, house: House, still: None
    ) -> None:
        room, say = await house.room(), {"type": "send_message", "topic": "n", "data": 1}
        each, account = (int(COMMANDS["say"][payer].burst) for payer in ("socket", "account"))
        COMMANDS["say"]["address"] = Rate(0, account + 1)
        async with contextlib.AsyncExitStack() as stack:
            mallory = [await stack.enter_async_context(house.socket()) for _ in range(3)]
            for n, tab in enumerate(mallory):
                await house.seat(tab, room, "u-mallory", device=f"page-number-{n}")
            answers = [await tab.command(say) for tab in mallory for _ in range(each)]
            assert answers.count({}) == account < len(answers)
            here = await stack.enter_async_context(house.socket())
            await house.seat(here, room, "u-bob")
            assert await here.command(say) == {}
            assert code(await here.command(say)) == "too_many"
            await asyncio.gather(*(tab.quiet() for tab in mallory))  # what each has heard of the others is read
        async with house.pair() as (_, _two, room), house.socket(local_addr=("127.0.0.2", 0)) as far:
            await house.seat(far, room, "u-cem")
            assert await far.command(say) == {}

    async def test_waits_for_itself(self, house: House, still: None, monkeypatch: pytest.MonkeyPatch) -> None:
        """A refusal takes its time, in which nothing more is read of that socket, and of all others it is."""
        paused, go_on, real = asyncio.Event(), asyncio.Event(), asyncio.sleep
        refused = 0

        async def sleep(seconds: float) -> None:
            nonlocal refused
            if seconds == 47.0:
                refused += 1
                paused.set()
                await go_on.wait()
            else:
                await real(seconds)

        monkeypatch.setattr(limits, "REFUSED_PAUSE", 47.0)
        monkeypatch.setitem(COMMANDS, "rest", {"socket": Rate(0, 3)})
        async with house.pair() as (one, two, _), house.socket() as mallory:
            await house.seat(mallory, await house.room(), "u-mallory")
            monkeypatch.setattr("peermeet.signaling.server.asyncio.sleep", sleep)
            for n in range(10):
                await mallory.say(frame(1000 + n, {"type": "nonsense"}))
            await paused.wait()
            assert await one.command({"type": "signal", "to": two.you, "description": offer()}) == {}
            assert (await two.event("signaled"))["by"] == one.you
            assert refused == 1  # of eight that were said
            go_on.set()
            assert code(await mallory.command({"type": "nonsense"})) == "too_many"
            assert refused == 9
            monkeypatch.undo()

    async def test_who_waits_when_told_to_may_go_on(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(COMMANDS, "rest", {"socket": Rate(50, 5)})
        async with house.pair() as (one, _, _room):
            for _ in range(4):
                while code(await one.command({"type": "nonsense"})) != "too_many":
                    pass
                await asyncio.sleep(0.1)
            assert code(await one.command({"type": "nonsense"})) == "unknown_command"
            monkeypatch.undo()
