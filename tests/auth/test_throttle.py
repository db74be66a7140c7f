"""How often somebody may try, with a clock of the tests' own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import bcrypt
import pytest

from peermeet.auth.throttle import (
    NEW_ACCOUNT,
    TICKET,
    Tally,
    Throttle,
    invitation_from,
    passcode_of,
    room_code_from,
    sign_in_from,
)
from peermeet.core.errors import Refusal
from peermeet.store.sqlite import SqliteStore
from tests.auth.desk import PASSWORD, Desk, open_desk
from tests.redis_server import RedisServer

HERE, THERE = "192.0.2.1", "198.51.100.1"
ADA = "ada@example.org"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=clock.time))
    return clock


@pytest.fixture
def store(desk: Desk) -> SqliteStore:
    return desk.store


@pytest.fixture
def throttle(store: SqliteStore, clock: Clock) -> Throttle:
    return Throttle(store, clock)


async def refused(asked: object) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked  # type: ignore[misc]
    return refusal.value.code


async def wrong(throttle: Throttle, tallies: tuple[Tally, ...]) -> None:
    """A wrong guess that was let through."""
    await throttle.check(*tallies)
    await throttle.failed(*tallies)


async def test_the_eleventh_wrong_password_within_a_minute_is_not_looked_at(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        await wrong(throttle, sign_in_from(ADA, HERE))
        clock.now += 5
    assert await refused(throttle.check(*sign_in_from(ADA, HERE))) == "too_many_attempts"


async def test_the_window_moves(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        await wrong(throttle, sign_in_from(ADA, HERE))
    clock.now += 59
    assert await refused(throttle.check(*sign_in_from(ADA, HERE))) == "too_many_attempts"
    clock.now += 1.1
    await throttle.check(*sign_in_from(ADA, HERE))


async def test_being_refused_does_not_prolong_it(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        await wrong(throttle, sign_in_from(ADA, HERE))
    for _ in range(50):
        clock.now += 1
        assert await refused(throttle.check(*sign_in_from(ADA, HERE))) == "too_many_attempts"
    clock.now += 10.1
    await throttle.check(*sign_in_from(ADA, HERE))


async def test_guessing_elsewhere_does_not_lock_the_owner_out(throttle: Throttle, clock: Clock) -> None:
    for n in range(500):
        address = f"198.51.100.{n % 200}"
        try:
            await wrong(throttle, sign_in_from(ADA, address))
        except Refusal:
            clock.now += 10
    await throttle.check(*sign_in_from(ADA, HERE))


async def test_ten_failures_of_an_address_are_enough_whatever_the_accounts(throttle: Throttle, clock: Clock) -> None:
    for n in range(10):
        await wrong(throttle, sign_in_from(f"user{n}@example.org", HERE))
    assert await refused(throttle.check(*sign_in_from("somebody@example.org", HERE))) == "too_many_attempts"
    await throttle.check(*sign_in_from("somebody@example.org", THERE))
    clock.now += 60.1
    await throttle.check(*sign_in_from("somebody@example.org", HERE))


async def test_a_patient_guesser_gets_fifty_an_hour_at_one_account(throttle: Throttle, clock: Clock) -> None:
    guesses = 0
    for _ in range(3500):
        clock.now += 1
        try:
            await wrong(throttle, sign_in_from(ADA, HERE))
        except Refusal:
            continue
        guesses += 1
    assert guesses == 50
    await throttle.check(*sign_in_from("bob@example.org", HERE))


async def test_a_room_s_passcode_is_counted_for_the_room_and_for_the_address(throttle: Throttle) -> None:
    for n in range(100):
        await wrong(throttle, passcode_of("den", f"198.51.100.{n % 10}"))
    assert await refused(throttle.check(*passcode_of("den", HERE))) == "too_many_attempts"  # from anywhere
    await throttle.check(*passcode_of("attic", HERE))
    for n in range(20):
        await wrong(throttle, passcode_of(f"room-{n}", HERE))
    assert await refused(throttle.check(*passcode_of("attic", HERE))) == "too_many_attempts"  # whatever the room
    await throttle.check(*passcode_of("attic", THERE))


async def test_what_is_counted_outlives_the_server(tmp_path: Path, clock: Clock) -> None:
    tallies = (*sign_in_from(ADA, HERE), *passcode_of("den", HERE), *invitation_from(HERE), *room_code_from(HERE))
    async with open_desk(tmp_path) as desk:
        for tally in tallies:
            for _ in range(tally.most):
                await Throttle(desk.store, clock).failed(tally)
    async with open_desk(tmp_path) as desk:
        for tally in tallies:
            assert await refused(Throttle(desk.store, clock).check(tally)) == "too_many_attempts"


async def test_what_is_counted_is_forgotten_in_time(throttle: Throttle, store: SqliteStore, clock: Clock) -> None:
    await throttle.failed(*sign_in_from(ADA, HERE), *passcode_of("den", HERE), *room_code_from(HERE))
    await store.purge(clock() + timedelta(hours=1))
    assert await store._run("SELECT * FROM attempts") == []


async def test_neither_emails_nor_addresses_can_be_read_where_they_are_counted(
    throttle: Throttle, store: SqliteStore
) -> None:
    await throttle.failed(*sign_in_from(ADA, HERE), *passcode_of("den", HERE))
    rows = str(await store._run("SELECT * FROM attempts"))
    assert not [word for word in (ADA, HERE, "den") if word in rows]


def test_no_two_are_counted_together() -> None:
    tallies = [
        *sign_in_from("a", "b"),
        *sign_in_from("b", "a"),
        *sign_in_from("ab", ""),
        *passcode_of("a", "b"),
        *invitation_from("b"),
        *room_code_from("b"),
    ]
    keys = [tally.key for tally in tallies]
    assert len(set(keys)) == len(keys)
    assert sign_in_from("ADA@example.org", HERE) == sign_in_from(ADA, HERE)


@pytest.mark.parametrize("what", ["account", "ticket"])
async def test_accounts_and_tickets_are_counted_by_address(throttle: Throttle, clock: Clock, what: str) -> None:
    count = getattr(throttle, what)
    for _ in range((NEW_ACCOUNT if what == "account" else TICKET).amount):
        await count(HERE)
    assert await refused(count(HERE)) == "too_many"
    await count(THERE)
    clock.now += 60.1
    await count(HERE)


class TestAtTheDesk:
    @pytest.fixture
    def clock(self, desk: Desk, clock: Clock) -> Clock:
        desk.services._throttle._clock = clock
        return clock

    async def test_who_knows_the_password_is_never_counted(self, desk: Desk, clock: Clock) -> None:
        await desk.account(ADA)
        for _ in range(30):
            await desk.services.sign_in(ADA, PASSWORD, HERE)

    async def test_the_same_account_in_other_letters_is_the_same(self, desk: Desk, clock: Clock) -> None:
        await desk.account(ADA)
        spellings = ["ada@example.org", "ADA@example.org", " ada@example.org ", "Ada@Example.Org", "ada@EXAMPLE.org\t"]
        for n in range(50):
            clock.now += 6.1  # ten a minute from this address
            assert await refused(desk.services.sign_in(spellings[n % 5], "wrong", HERE)) == "wrong_password"
        clock.now += 61
        for spelling in spellings:
            assert await refused(desk.services.sign_in(spelling, PASSWORD, HERE)) == "too_many_attempts"
        await desk.services.sign_in(ADA, PASSWORD, THERE)

    async def test_a_right_password_does_not_help_while_the_address_waits(self, desk: Desk, clock: Clock) -> None:
        await desk.account(ADA)
        for n in range(10):
            assert await refused(desk.services.sign_in(f"user{n}@example.org", "wrong", HERE)) == "wrong_password"
        assert await refused(desk.services.sign_in(ADA, PASSWORD, HERE)) == "too_many_attempts"
        clock.now += 60.1
        assert await desk.services.sign_in(ADA, PASSWORD, HERE)

    async def test_a_burst_gets_no_more_guesses_than_a_patient_guesser(
        self, desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[bytes] = []
        real = bcrypt.checkpw

        def counted(password: bytes, hashed: bytes) -> bool:
            compared.append(hashed)
            return real(password, hashed)

        await desk.services.warm()
        monkeypatch.setattr(bcrypt, "checkpw", counted)
        guesses = [desk.services.sign_in(f"user{n}@example.org", "wrong", HERE) for n in range(100)]
        answers = await asyncio.gather(*guesses, return_exceptions=True)
        codes = [answer.code for answer in answers if isinstance(answer, Refusal)]
        assert len(codes) == 100
        assert set(codes) == {"wrong_password", "too_many_attempts"}
        assert len(compared) < 10 + (os.cpu_count() or 1)


class TestSharedByProcesses:
    """Two throttles on one Redis, as two processes have them."""

    @pytest.fixture
    async def two(self, store: SqliteStore, redis: RedisServer) -> AsyncIterator[tuple[Throttle, Throttle]]:
        await redis.empty()
        one, other = Throttle(store, Clock(), redis.url), Throttle(store, Clock(), redis.url)
        yield one, other
        await one.close()
        await other.close()

    async def test_what_is_asked_of_one_counts_at_the_other(self, two: tuple[Throttle, Throttle]) -> None:
        for n in range(NEW_ACCOUNT.amount):
            await two[n % 2].account(HERE)
        for one in two:
            assert await refused(one.account(HERE)) == "too_many"
            await one.account(THERE)
            await one.ticket(HERE)

    async def test_without_redis_nothing_is_granted(self, two: tuple[Throttle, Throttle], redis: RedisServer) -> None:
        await redis.stop()
        assert await refused(two[0].account(HERE)) == "unavailable"
        await redis.start()
        await two[0].account(HERE)
