"""Accounts and their sessions. These routes alone set and end the session's cookie.

POST   /api/users               {name, email, password}             register              201
PATCH  /api/users/me            {name}                              take another name     200
PUT    /api/users/me/password   {password, new_password}            end other sessions    200
DELETE /api/users/me            {password}                          delete the account    200
POST   /api/session             {email, password}                   sign in               200
DELETE /api/session                                                 sign out              200
GET    /api/session                                                 who am I              200, or 401
POST   /api/guests              {name}                              come as a guest       201
"""

from __future__ import annotations

from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .answers import Counter, Doorman, Somebody, Table, address, body, device, secure


class Services(Doorman, Protocol):
    """What the routes need done. Sessions are text to them."""

    @property
    def session_seconds(self) -> int: ...
    async def register(self, name: object, email: object, password: object, address: str) -> str: ...
    async def sign_in(self, email: object, password: object, address: str) -> str: ...
    async def come_as_guest(self, name: object, address: str) -> str: ...
    async def sign_out(self, session: str | None) -> None: ...
    async def rename(self, user: Any, name: object) -> None: ...
    async def change_password(
        self, user: Any, password: object, new: object, address: str, session: str | None = None
    ) -> str: ...
    async def delete_account(self, user: Any, password: object, address: str) -> None: ...


class Sessions(Counter[Services]):
    def table(self) -> Table:
        return [
            ("POST", "/api/users", self.register),
            ("PATCH", "/api/users/me", self.rename),
            ("DELETE", "/api/users/me", self.delete_account),
            ("PUT", "/api/users/me/password", self.change_password),
            ("POST", "/api/session", self.sign_in),
            ("DELETE", "/api/session", self.sign_out),
            ("GET", "/api/session", self.who),
            ("POST", "/api/guests", self.come_as_guest),
        ]

    async def register(self, request: Request) -> Response:
        form = await body(request)
        name, email, password = form.get("name"), form.get("email"), form.get("password")
        session = await self._services().register(name, email, password, address(request))
        return await self._opened(request, session, 201)

    async def sign_in(self, request: Request) -> Response:
        form = await body(request)
        session = await self._services().sign_in(form.get("email"), form.get("password"), address(request))
        return await self._opened(request, session, 200)

    async def come_as_guest(self, request: Request) -> Response:
        form = await body(request)
        session = await self._services().come_as_guest(form.get("name"), address(request))
        return await self._opened(request, session, 201)

    async def sign_out(self, request: Request) -> Response:
        await self._services().sign_out(request.cookies.get(self._cookie))
        return self._closed(request)

    async def who(self, request: Request) -> Response:
        return JSONResponse({"user": _person(await self._signed_in(request))})

    async def rename(self, request: Request) -> Response:
        form = await body(request)
        await self._services().rename(await self._signed_in(request), form.get("name"))
        return await self.who(request)

    async def change_password(self, request: Request) -> Response:
        form = await body(request)
        user, old, new = await self._signed_in(request), form.get("password"), form.get("new_password")
        session = request.cookies.get(self._cookie)
        session = await self._services().change_password(user, old, new, address(request), session)
        response = JSONResponse({})
        self._keep(response, request, self._cookie, session, self._services().session_seconds)
        return response

    async def delete_account(self, request: Request) -> Response:
        form = await body(request)
        user = await self._signed_in(request)
        await self._services().delete_account(user, form.get("password"), address(request))
        return await self.sign_out(request)

    async def _opened(self, request: Request, session: str, status: int) -> Response:
        user = await self._services().who(session)
        response = JSONResponse({"user": _person(user) if user else None}, status_code=status)
        self._keep(response, request, self._cookie, session, self._services().session_seconds)
        self._keep_device(response, request, device(request))
        # A new session replaces the one that this browser had.
        await self._services().sign_out(request.cookies.get(self._cookie))
        return response

    def _closed(self, request: Request) -> Response:
        response = JSONResponse({})
        response.delete_cookie(self._cookie, path="/", secure=secure(request), httponly=True, samesite="lax")
        return response


def _person(user: Somebody) -> dict[str, object]:
    return {"id": user.id, "name": user.name, "guest": user.guest}
