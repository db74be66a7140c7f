"""HTTP: the routes that open and end sessions, and the one that hands out tickets. They alone set the cookie.

    POST   /api/users     {name, email, password}   register          201
    POST   /api/session   {email, password}         sign in           200
    POST   /api/guests    {name}                    come as a guest   201
    DELETE /api/session                             sign out          200
    GET    /api/session                             who am I          200, or 401
    POST   /api/tickets   {room}                    enter a meeting   201 {ticket}

A refusal is ``{"error": {code, message[, field]}}`` with the status that fits. A request that says
``X-PeerMeet: page`` gets its refusals with status 200: browsers write every other status to the console as an error
of the page, and a mistyped password is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..core.errors import Refusal

MAX_BODY = 16_384  # bytes; the longest password, name and email together have a tenth of it
STATUS = {
    "not_signed_in": 401,
    "wrong_password": 401,
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
    async def ticket(self, user: Any, code: object, address: str) -> str: ...


Handler = Callable[[Request], Awaitable[Response]]


def routes(accounts: Callable[[], Accounts], cookie: str) -> list[Route]:
    """Return the routes. ``accounts`` is asked at each request: it exists only while the server runs."""

    async def register(request: Request) -> Response:
        form = await _body(request)
        session = await accounts().register(
            form.get("name"), form.get("email"), form.get("password"), _address(request)
        )
        return await opened(request, session, 201)

    async def sign_in(request: Request) -> Response:
        form = await _body(request)
        return await opened(
            request, await accounts().sign_in(form.get("email"), form.get("password"), _address(request)), 200
        )

    async def come_as_guest(request: Request) -> Response:
        form = await _body(request)
        return await opened(request, await accounts().come_as_guest(form.get("name"), _address(request)), 201)

    async def sign_out(request: Request) -> Response:
        await accounts().sign_out(request.cookies.get(cookie))
        response = JSONResponse({})
        response.delete_cookie(cookie, path="/", secure=_secure(request), httponly=True, samesite="lax")
        return response

    async def who(request: Request) -> Response:
        user = await accounts().who(request.cookies.get(cookie))
        if user is None:
            raise Refusal("not_signed_in")
        return JSONResponse({"user": _person(user)})

    async def ticket(request: Request) -> Response:
        form = await _body(request)
        user = await accounts().who(request.cookies.get(cookie))
        if user is None:
            raise Refusal("not_signed_in")
        made = await accounts().ticket(user, form.get("room"), _address(request))
        return JSONResponse({"ticket": made}, status_code=201)

    async def opened(request: Request, session: str, status: int) -> Response:
        user = await accounts().who(session)
        response = JSONResponse({"user": _person(user) if user else None}, status_code=status)
        response.set_cookie(
            cookie,
            session,
            max_age=accounts().session_seconds,
            path="/",
            secure=_secure(request),
            httponly=True,
            samesite="lax",
        )
        # A new session replaces the one that this browser had.
        await accounts().sign_out(request.cookies.get(cookie))
        return response

    return [
        Route("/api/users", _answering(register), methods=["POST"]),
        Route("/api/session", _answering(sign_in), methods=["POST"]),
        Route("/api/session", _answering(sign_out), methods=["DELETE"]),
        Route("/api/session", _answering(who), methods=["GET"]),
        Route("/api/guests", _answering(come_as_guest), methods=["POST"]),
        Route("/api/tickets", _answering(ticket), methods=["POST"]),
    ]


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


def _secure(request: Request) -> bool:
    """Tell whether the page came by https. Its own Origin knows, whatever a proxy in between speaks to us."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _person(user: Somebody) -> dict[str, object]:
    return {"id": user.id, "name": user.name, "guest": user.guest}
