from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.turn.coturn import Coturn, coturn
from tests.turn.lab import Lab, lab, lacking


@pytest.fixture(scope="session")
def possible() -> None:
    """Skip where there can be no lab; in CI there must be one."""
    if reason := lacking():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@pytest.fixture(scope="session")
def net(possible: None) -> Iterator[Lab]:
    """The small internet: somebody behind a restricted NAT, somebody behind a symmetric one."""
    with lab("restricted", "symmetric") as made:
        yield made


@pytest.fixture(scope="session")
def relay(net: Lab) -> Iterator[Coturn]:
    """The relay as it is shipped."""
    with coturn(net) as running:
        yield running
