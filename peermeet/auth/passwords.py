"""Passwords: what is strong enough, and bcrypt off the event loop."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import bcrypt
from zxcvbn import zxcvbn

from ..core.errors import Refusal

T = TypeVar("T")

SHORTEST = 10
LONGEST = 1000  # characters; far above any passphrase, far below what makes hashing them a burden
# Below a hundred thousand guesses (zxcvbn's estimate) are the common passwords, their obvious variants, runs and
# repeats, and one's own name or email: what is tried first against many accounts.
GUESSES = 100_000
_ESTIMATED = 72  # zxcvbn's work grows with the square of the length; what follows can only make it stronger


def check_strength(password: object, about: tuple[str, ...] = (), field: str = "password") -> str:
    """Return the password, or refuse: ``weak_password``, ``long_password``. ``about``: their name and email."""
    if not isinstance(password, str) or len(password) < SHORTEST:
        raise Refusal("weak_password", field)
    if len(password) > LONGEST:
        raise Refusal("long_password", field)
    try:
        password.encode()
    except UnicodeEncodeError:
        raise Refusal("weak_password", field) from None
    if zxcvbn(password[:_ESTIMATED], user_inputs=list(about))["guesses"] < GUESSES:
        raise Refusal("weak_password", field)
    return password


class Passwords:
    """Hashes and compares, in as many threads as there are cores: bcrypt is made to keep a core busy."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="bcrypt")
        self._nobody: bytes | None = None

    async def hash(self, password: str) -> bytes:
        """Return the bcrypt hash to remember."""
        return await self._run(partial(bcrypt.hashpw, _digest(password), bcrypt.gensalt(self._rounds)))

    async def verify(self, password: str, hashed: bytes | None) -> bool:
        """Tell whether the password is the one; with ``None`` (nobody by that email) it takes as long to say no."""
        if hashed is None:
            if self._nobody is None:
                self._nobody = await self.hash("nobody has this password")
            await self._run(partial(bcrypt.checkpw, _digest(password), self._nobody))
            return False
        return await self._run(partial(bcrypt.checkpw, _digest(password), hashed))

    async def warm(self) -> None:
        """Make the hash that stands in for unknown emails, so that the first of them is not slower."""
        await self.verify("", None)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: partial[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _digest(password: str) -> bytes:
    """bcrypt reads 72 bytes and stops at NUL: it is given 44 bytes of base64 that stand for all of the password."""
    digest = hashlib.sha256(b"peermeet password 1\0" + password.encode("utf-8", "surrogatepass")).digest()
    return base64.b64encode(digest)
