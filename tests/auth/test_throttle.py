"""How often somebody may try, with a clock of the tests' own."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import bcrypt
import pytest

from peermeet.auth.throttle import NEW_ACCOUNT, TICKET, Throttle
from peermeet.core.errors import Refusal
from tests.auth.desk import PASSWORD, Desk

HERE, THERE = "192.0.2.1", "198.51.100.1"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("limits.aio.storage.memory.time", SimpleNamespace(time=clock.time))
    return clock


@pytest.fixture
def throttle(clock: Clock) -> Throttle:
    return Throttle()


async def refused(asked: object) -> str:
    with pytest.raises(Refusal) as refusal:
        await asked  # type: ignore[misc]
    return refusal.value.code


async def test_the_eleventh_attempt_within_a_minute_is_refused(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        await throttle.attempt("ada@example.org", HERE)
        clock.now += 5
    assert await refused(throttle.attempt("ada@example.org", HERE)) == "too_many_attempts"


async def test_the_window_moves(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        await throttle.attempt("ada@example.org", HERE)
    clock.now += 59
    assert await refused(throttle.attempt("ada@example.org", HERE)) == "too_many_attempts"
    clock.now += 1.1
    await throttle.attempt("ada@example.org", HERE)


async def test_being_refused_does_not_prolong_it(throttle: Throttle, clock: Clock) -> None:
    for _ in range(10):
        await throttle.attempt("ada@example.org", HERE)
    for _ in range(50):
        clock.now += 1
        assert await refused(throttle.attempt("ada@example.org", HERE)) == "too_many_attempts"
    clock.now += 10.1
    await throttle.attempt("ada@example.org", HERE)


async def test_guessing_elsewhere_does_not_lock_the_owner_out(throttle: Throttle) -> None:
    for _ in range(10):
        await throttle.attempt("ada@example.org", THERE)
        await throttle.failed(THERE)
    assert await refused(throttle.attempt("ada@example.org", THERE)) == "too_many_attempts"
    await throttle.attempt("ada@example.org", HERE)


async def test_ten_failures_of_an_address_are_enough_whatever_the_accounts(throttle: Throttle, clock: Clock) -> None:
    for n in range(10):
        await throttle.attempt(f"user{n}@example.org", HERE)
        await throttle.failed(HERE)
    assert await refused(throttle.attempt("somebody@example.org", HERE)) == "too_many_attempts"
    await throttle.attempt("somebody@example.org", THERE)
    clock.now += 60.1
    await throttle.attempt("somebody@example.org", HERE)


async def test_success_is_no_failure(throttle: Throttle) -> None:
    for n in range(50):
        await throttle.attempt(f"user{n}@example.org", HERE)


@pytest.mark.parametrize("what", ["account", "ticket"])
async def test_accounts_and_tickets_are_counted_by_address(throttle: Throttle, clock: Clock, what: str) -> None:
    count = getattr(throttle, what)
    for _ in range((NEW_ACCOUNT if what == "account" else TICKET).amount):
        await count(HERE)
    assert await refused(count(HERE)) == "too_many"
    await count(THERE)
    clock.now += 60.1
    await count(HERE)


async def test_the_same_account_in_other_letters_is_the_same(desk: Desk, clock: Clock) -> None:
    await desk.account("ada@example.org")
    spellings = ["ada@example.org", "ADA@example.org", " ada@example.org ", "Ada@Example.Org", "ada@EXAMPLE.org\t"]
    for n in range(10):
        await desk.services.sign_in(spellings[n % len(spellings)], PASSWORD, HERE)
    for spelling in spellings:
        assert await refused(desk.services.sign_in(spelling, PASSWORD, HERE)) == "too_many_attempts"
    await desk.services.sign_in("ada@example.org", PASSWORD, THERE)


async def test_a_right_password_does_not_help_while_the_address_waits(desk: Desk, clock: Clock) -> None:
    await desk.account("ada@example.org")
    for n in range(10):
        assert await refused(desk.services.sign_in(f"user{n}@example.org", "wrong", HERE)) == "wrong_password"
    assert await refused(desk.services.sign_in("ada@example.org", PASSWORD, HERE)) == "too_many_attempts"
    clock.now += 60.1
    assert await desk.services.sign_in("ada@example.org", PASSWORD, HERE)


async def test_a_burst_gets_no_more_guesses_than_a_patient_guesser(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
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
