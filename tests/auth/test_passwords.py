"""What is strong enough, what is remembered of it, and that comparing never stops the loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator

import bcrypt
import pytest

from peermeet.auth.passwords import LONGEST, SHORTEST, Passwords, check_strength
from peermeet.core.errors import Refusal

ABOUT = ("Ada Lovelace", "ada@example.org", "ada")


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords(rounds=4)
    yield made
    made.close()


class TestStrength:
    @pytest.mark.parametrize(
        "password",
        [
            "correct horse battery staple",
            "seven quiet herons",
            "Tr0ub4dor&3xy",
            "der kleine blaue bär",
            "пароль от нашего дома",
            "五つの青い魚が飛ぶ夜空",
            "🐟🐠🐡🦈🐳🐋🐬🦭🦐🦀",
            "k7#mQ2!xWz",
            " leading and trailing spaces ",
            "with\x00nul inside it",
            "herons " * 10 + "and other birds on the pier",
        ],
    )
    def test_what_is_accepted_comes_back_as_it_was(self, password: str) -> None:
        assert check_strength(password, ABOUT) is password

    @pytest.mark.parametrize(
        "password",
        [
            "",
            "short",
            "k7#mQ2!xW",
            "          ",
            "password123",
            "Password123",
            "P@ssw0rd123",
            "letmein123",
            "iloveyou123",
            "1234567890",
            "0987654321",
            "qwertyuiop",
            "1q2w3e4r5t",
            "abcdefghij",
            "abcabcabcabc",
            "aaaaaaaaaa",
            "a" * LONGEST,
            "password" * 100,
            "\x00" * 10,
            "ada@example.org",
            "ADA@EXAMPLE.ORG",
            "ada lovelace",
            "adaadaadaada",
            "k7#mQ2!xWz\ud800",
        ],
    )
    def test_what_is_tried_first_is_refused(self, password: str) -> None:
        with pytest.raises(Refusal) as refusal:
            check_strength(password, ABOUT)
        assert (refusal.value.code, refusal.value.field) == ("weak_password", "password")

    @pytest.mark.parametrize(
        "password", [None, 1, 1234567890123, True, [], {}, {"$ne": None}, b"correct horse battery"]
    )
    def test_what_is_no_text_is_refused(self, password: object) -> None:
        with pytest.raises(Refusal) as refusal:
            check_strength(password)
        assert refusal.value.code == "weak_password"

    def test_lengths(self) -> None:
        assert check_strength("k7#mQ2!xWz")  # as short as allowed
        assert len("k7#mQ2!xWz") == SHORTEST
        long = ("quiet herons on a pier, " * 100)[:LONGEST]
        assert check_strength(long) == long
        with pytest.raises(Refusal) as refusal:
            check_strength(long + "!")
        assert (refusal.value.code, refusal.value.field) == ("long_password", "password")


class TestComparing:
    @pytest.mark.parametrize(
        ("chosen", "tried"),
        [
            ("x" * 72, "x" * 72 + "x"),
            ("x" * 72 + "a", "x" * 72 + "b"),
            ("x" * 72, "x" * 71),
            ("ü" * 36, "ü" * 36 + "x"),
            ("before\x00after", "before"),
            ("before\x00after", "before\x00other"),
            ("\x00", ""),
            ("Case", "case"),
            ("spaces ", "spaces"),
            ("é", "e\u0301"),
            ("\ud800", "\ud801"),
        ],
    )
    async def test_only_the_very_same_password_is_the_one(self, passwords: Passwords, chosen: str, tried: str) -> None:
        hashed = await passwords.hash(chosen)
        assert await passwords.verify(chosen, hashed)
        assert not await passwords.verify(tried, hashed)

    async def test_a_hash_says_its_work_factor_and_nothing_else(self, passwords: Passwords) -> None:
        one, two = await passwords.hash("the same password"), await passwords.hash("the same password")
        assert one != two
        assert one.startswith(b"$2b$04$")
        assert b"the same" not in one

    async def test_the_digest_alone_opens_nothing(self, passwords: Passwords) -> None:
        """bcrypt of the bare password is another hash: whoever steals hashes elsewhere cannot use them here."""
        assert not await passwords.verify("the same password", bcrypt.hashpw(b"the same password", bcrypt.gensalt(4)))

    async def test_nobody_s_password_is_never_right(self, passwords: Passwords) -> None:
        assert not await passwords.verify("nobody has this password", None)
        assert not await passwords.verify("", None)

    async def test_nobody_costs_as_much_as_somebody(
        self, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[bytes] = []
        real = bcrypt.checkpw

        def counted(password: bytes, hashed: bytes) -> bool:
            compared.append(hashed[:7])
            return real(password, hashed)

        await passwords.warm()
        hashed = await passwords.hash("correct horse")
        monkeypatch.setattr(bcrypt, "checkpw", counted)
        monkeypatch.setattr(bcrypt, "hashpw", None)  # nothing is hashed while comparing
        await passwords.verify("wrong", hashed)
        await passwords.verify("wrong", None)
        assert compared == [b"$2b$04$", b"$2b$04$"]

    async def test_the_loop_goes_on_and_no_more_run_than_there_are_cores(
        self, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cores = os.cpu_count() or 1
        lock, full, release = threading.Lock(), asyncio.Event(), threading.Event()
        loop, main = asyncio.get_running_loop(), threading.get_ident()
        running = most = 0

        def slow(password: bytes, hashed: bytes) -> bool:
            nonlocal running, most
            assert threading.get_ident() != main
            with lock:
                running += 1
                most = max(most, running)
                if running == cores:
                    loop.call_soon_threadsafe(full.set)
            release.wait(5)
            with lock:
                running -= 1
            return True

        monkeypatch.setattr(bcrypt, "checkpw", slow)
        asked = [asyncio.create_task(passwords.verify("x", b"hash")) for _ in range(3 * cores)]
        await asyncio.wait_for(full.wait(), 5)  # the loop runs while every thread is busy
        assert not any(task.done() for task in asked)
        release.set()
        assert all(await asyncio.gather(*asked))
        assert most == cores
