"""``python -m tests.bench.enumeration [TRIES]``: whether the time of a refused sign-in tells that there is an account.

Wrong passwords for an account that exists and for one that does not, in turn, each from an address of its own so that
no throttle answers; then Welch's t-test, whose p is taken from the normal distribution (hundreds of tries). bcrypt
works with eight rounds here: what differs besides it would be seen the better.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pytest

from peermeet.core.errors import Refusal
from tests.auth.desk import PASSWORD, open_desk

TRIES = 500


async def main(tries: int) -> None:
    took: dict[str, list[float]] = {"ada@example.org": [], "nobody@example.org": []}
    with tempfile.TemporaryDirectory() as folder:
        async with open_desk(Path(folder), bcrypt_rounds="8") as desk:
            await desk.services.register("Ada", "ada@example.org", PASSWORD, "192.0.2.1")
            await desk.services.warm()
            for n in range(tries):
                for email, times in took.items():
                    start = time.perf_counter()
                    with pytest.raises(Refusal) as refusal:
                        await desk.services.sign_in(email, f"wrong {n}", f"2001:db8::{n:x}")
                    assert refusal.value.code == "wrong_password"
                    times.append((time.perf_counter() - start) * 1000)
    there, nobody = took.values()
    difference = statistics.fmean(there) - statistics.fmean(nobody)
    error = ((statistics.variance(there) + statistics.variance(nobody)) / tries) ** 0.5
    p = 2 * (1 - statistics.NormalDist().cdf(abs(difference) / error))
    print(
        f"{tries} tries each: {statistics.fmean(there):.2f} ms with an account, {statistics.fmean(nobody):.2f} ms "
        f"without, difference {difference:+.3f} ms, p = {p:.2f}"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else TRIES))
