"""HTTP: the routes that open and end sessions, and the one that hands out tickets. They alone set the cookies.

    POST   /api/users               {name, email, password}             register              201
    PATCH  /api/users/me            {name}                              take another name     200
    PUT    /api/users/me/password   {password, new_password}            end other sessions    200
    DELETE /api/users/me            {password}                          delete the account    200
    POST   /api/session             {email, password}                   sign in               200
    DELETE /api/session                                                 sign out              200
    GET    /api/session                                                 who am I              200, or 401
    POST   /api/guests              {name}                              come as a guest       201
    POST   /api/tickets             {room[, passcode][, invitation]}    enter a meeting       201 {ticket}
    GET    /api/rooms/{code}/attendance.csv                             who was in my room    200, a table

A refusal is ``{"error": {code, message[, field]}}`` with the status that fits. A request that says
``X-PeerMeet: page`` gets its refusals with status 200: browsers write every other status to the console as an error
of the page, and a mistyped password is none.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..core.errors import Refusal

# A random word that tells one browser from another, so that a guest who was banned is known again. It says nothing
# else, and never leaves this server but as a hash for one room.
DEVICE = "peermeet_device"
DEVICE_SECONDS = 400 * 86_400  # as long as browsers keep a cookie (RFC 6265bis, section 5.5)
MAX_BODY = 16_384  # bytes; the longest password, name and email together have a tenth of it
STATUS = {
    "not_signed_in": 401,
    "wrong_password": 401,
    "wrong_passcode": 403,
    "bad_invitation": 403,
    "not_open_yet": 403,
    "closed": 403,
    "foreign_origin": 403,
    "not_your_room": 403,
    "no_such_room": 404,
    "email_taken": 409,
    "too_large": 413,
    "too_many": 429,
    "too_many_attempts": 429,
    "unavailable": 503,
}  # all else: 422


class Somebody(Protocol):
    """What the routes say of a user."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def guest(self) -> bool: ...


class Accounts(Protocol):
    """What the routes need done. Sessions and tickets are text to them."""

    @property
    def session_seconds(self) -> int: ...
    async def register(self, name: object, email: object, password: object, address: str) -> str: ...
    async def sign_in(self, email: object, password: object, address: str) -> str: ...
    async def come_as_guest(self, name: object, address: str) -> str: ...
    async def sign_out(self, session: str | None) -> None: ...
    async def who(self, session: str | None) -> Somebody | None: ...
    async def rename(self, user: Any, name: object) -> None: ...
    async def change_password(
        self, user: Any, password: object, new: object, address: str, session: str | None = None
    ) -> str: ...
    async def delete_account(self, user: Any, password: object, address: str) -> None: ...
    async def ticket(
        self,
        user: Any,
        code: object,
        address: str,
        *,
        passcode: object = None,
        invitation: object = None,
        device: str | None = None,
        session: str | None = None,
    ) -> str: ...
    async def attendance_csv(self, user: Any, code: object) -> tuple[str, str]: ...


Handler = Callable[[Request], Awaitable[Response]]


def routes(accounts: Callable[[], Accounts], cookie: str) -> list[Route]:
    """Return the routes. ``accounts`` is asked at each request: it exists only while the server runs."""
    sessions = _Sessions(accounts, cookie)
    rooms = _Rooms(accounts, cookie)
    table: list[tuple[str, str, Handler]] = [
        ("POST", "/api/users", sessions.register),
        ("PATCH", "/api/users/me", sessions.rename),
        ("DELETE", "/api/users/me", sessions.delete_account),
        ("PUT", "/api/users/me/password", sessions.change_password),
        ("POST", "/api/session", sessions.sign_in),
        ("DELETE", "/api/session", sessions.sign_out),
        ("GET", "/api/session", sessions.who),
        ("POST", "/api/guests", sessions.come_as_guest),
        ("POST", "/api/tickets", rooms.ticket),
        ("GET", "/api/rooms/{code}/attendance.csv", rooms.attendance),
    ]
    return [Route(path, _answering(handler), methods=[method]) for method, path, handler in table]


class _Counter:
    """Where requests are answered: who asks, and the cookies."""

    def __init__(self, accounts: Callable[[], Accounts], cookie: str) -> None:
        self._accounts = accounts
        self._cookie = cookie

    async def _signed_in(self, request: Request) -> Somebody:
        user = await self._accounts().who(request.cookies.get(self._cookie))
        if user is None:
            raise Refusal("not_signed_in")
        return user

    def _keep(self, response: Response, request: Request, name: str, value: str, seconds: int) -> None:
        secure = _secure(request)
        response.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax")

    def _keep_device(self, response: Response, request: Request, device: str) -> None:
        if request.cookies.get(DEVICE) != device:
            self._keep(response, request, DEVICE, device, DEVICE_SECONDS)


class _Sessions(_Counter):
    async def register(self, request: Request) -> Response:
        form = await _body(request)
        name, email, password = form.get("name"), form.get("email"), form.get("password")
        session = await self._accounts().register(name, email, password, _address(request))
        return await self._opened(request, session, 201)

    async def sign_in(self, request: Request) -> Response:
        form = await _body(request)
        session = await self._accounts().sign_in(form.get("email"), form.get("password"), _address(request))
        return await self._opened(request, session, 200)

    async def come_as_guest(self, request: Request) -> Response:
        form = await _body(request)
        session = await self._accounts().come_as_guest(form.get("name"), _address(request))
        return await self._opened(request, session, 201)

    async def sign_out(self, request: Request) -> Response:
        await self._accounts().sign_out(request.cookies.get(self._cookie))
        return self._closed(request)

    async def who(self, request: Request) -> Response:
        return JSONResponse({"user": _person(await self._signed_in(request))})

    async def rename(self, request: Request) -> Response:
        form = await _body(request)
        await self._accounts().rename(await self._signed_in(request), form.get("name"))
        return await self.who(request)

    async def change_password(self, request: Request) -> Response:
        form = await _body(request)
        user, old, new = await self._signed_in(request), form.get("password"), form.get("new_password")
        session = request.cookies.get(self._cookie)
        session = await self._accounts().change_password(user, old, new, _address(request), session)
        response = JSONResponse({})
        self._keep(response, request, self._cookie, session, self._accounts().session_seconds)
        return response

    async def delete_account(self, request: Request) -> Response:
        form = await _body(request)
        user = await self._signed_in(request)
        await self._accounts().delete_account(user, form.get("password"), _address(request))
        return await self.sign_out(request)

    async def _opened(self, request: Request, session: str, status: int) -> Response:
        user = await self._accounts().who(session)
        response = JSONResponse({"user": _person(user) if user else None}, status_code=status)
        self._keep(response, request, self._cookie, session, self._accounts().session_seconds)
        self._keep_device(response, request, _device(request))
        # A new session replaces the one that this browser had.
        await self._accounts().sign_out(request.cookies.get(self._cookie))
        return response

    def _closed(self, request: Request) -> Response:
        response = JSONResponse({})
        response.delete_cookie(self._cookie, path="/", secure=_secure(request), httponly=True, samesite="lax")
        return response


class _Rooms(_Counter):
    async def ticket(self, request: Request) -> Response:
        form = await _body(request)
        user, device = await self._signed_in(request), _device(request)
        made = await self._accounts().ticket(
            user,
            form.get("room"),
            _address(request),
            passcode=form.get("passcode"),
            invitation=form.get("invitation"),
            device=device,
            session=request.cookies.get(self._cookie),
        )
        response = JSONResponse({"ticket": made}, status_code=201)
        self._keep_device(response, request, device)  # for a session that is older than this cookie
        return response

    async def attendance(self, request: Request) -> Response:
        user = await self._signed_in(request)
        name, table = await self._accounts().attendance_csv(user, request.path_params["code"])
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(table, headers=headers, media_type="text/csv; charset=utf-8")


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            response = await handler(request)
        except Refusal as refusal:
            status = 200 if request.headers.get("x-peermeet") == "page" else STATUS.get(refusal.code, 422)
            response = JSONResponse(refusal.answer(), status_code=status)
        response.headers["cache-control"] = "no-store"
        return response

    return answer


async def _body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. A form cannot be sent as JSON from another site without being asked."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal("bad_message")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise Refusal("too_large")
        return msgspec.json.decode(bytes(body), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ClientDisconnect):
        raise Refusal("bad_message") from None


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _device(request: Request) -> str:
    """Return the browser's word, or a new one if it has none that could be ours."""
    word = request.cookies.get(DEVICE, "")
    return word if re.fullmatch(r"[A-Za-z0-9_-]{22}", word) else secrets.token_urlsafe(16)


def _secure(request: Request) -> bool:
    """Tell whether the page came by https. Its own Origin knows, whatever a proxy in between speaks to us."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _person(user: Somebody) -> dict[str, object]:
    return {"id": user.id, "name": user.name, "guest": user.guest}
