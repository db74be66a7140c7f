"""A browser in front of the routes: it keeps cookies, and comes from an address."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import httpx

from peermeet.core.errors import SENTENCES
from peermeet.services import COOKIE
from tests.auth.desk import HERE, PASSWORD

ADA = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD}
SIGN_IN = {"email": "ada@example.org", "password": PASSWORD}
ODD = [None, 1, 1.5, True, [], ["x"], {}, {"$ne": None}, {"$gt": ""}, {"$regex": ".*"}]


class Browser(httpx.AsyncClient):
    """Keeps cookies, sends JSON, and comes from an address."""

    def __init__(self, app: Any, address: str = HERE, base: str = "http://meet.example.org") -> None:
        super().__init__(transport=httpx.ASGITransport(app, client=(address, 50_000)), base_url=base)

    @property
    def session(self) -> str | None:
        return self.cookies.get(COOKIE)

    async def register(self, **changes: Any) -> httpx.Response:
        return await self.post("/api/users", json=ADA | changes)

    async def sign_in(self, **changes: Any) -> httpx.Response:
        return await self.post("/api/session", json=SIGN_IN | changes)

    async def me(self) -> httpx.Response:
        return await self.get("/api/session")


def refusal(answer: httpx.Response, status: int) -> tuple[str, str | None]:
    """The code and the field of a refusal, which has the status, a sentence, no cookie and nothing else."""
    assert answer.status_code == status, answer.text
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    (error,) = answer.json().values()
    assert error["message"] == SENTENCES[error["code"]]
    assert set(error) <= {"code", "message", "field"}
    return error["code"], error.get("field")


def cookie_of(answer: httpx.Response, name: str = COOKIE) -> Any:
    (header,) = [header for header in answer.headers.get_list("set-cookie") if header.startswith(f"{name}=")]
    return SimpleCookie(header)[name]
