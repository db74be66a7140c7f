"""What tests of several rooms of the house stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
async def redis() -> AsyncIterator[RedisServer]:
    """For whoever calls its `empty`; until then it does not run."""
    server = RedisServer()
    yield server
    await server.stop()
