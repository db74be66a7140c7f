"""The HTTP routes as a browser meets them: real services, a real store, the gate in front."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette

from peermeet.gate import Gate
from peermeet.routes import routes
from peermeet.services import COOKIE
from tests.auth.desk import Desk, open_desk
from tests.routes.browser import Browser


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(desk: Desk, tmp_path: Path) -> Gate:
    inner = Starlette(routes=routes(lambda: desk.services, COOKIE))
    return Gate(inner, origins=["https://other.example.org"], pages=tmp_path)


@pytest.fixture
async def browser(app: Gate) -> AsyncIterator[Browser]:
    async with Browser(app) as opened:
        yield opened
