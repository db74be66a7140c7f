"""What every route's answer has in common: how the body is read, who asks, and what a refusal looks like.

A refusal is ``{"error": {code, message[, field]}}`` with the status that fits. A request that says
``X-PeerMeet: page`` gets its refusals with status 200: browsers write every other status to the console as an error
of the page, and a mistyped password is none.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

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
    "not_allowed": 403,
    "not_your_room": 403,
    "no_such_room": 404,
    "email_taken": 409,
    "too_large": 413,
    "too_many": 429,
    "too_many_attempts": 429,
    "unavailable": 503,
}  # all else: 422

Handler = Callable[[Request], Awaitable[Response]]
Table = list[tuple[str, str, Handler]]  # method, path, handler


class Somebody(Protocol):
    """What the routes say of a user."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def guest(self) -> bool: ...


class Doorman(Protocol):
    """Knows whose a session is."""

    async def who(self, session: str | None) -> Somebody | None: ...


S = TypeVar("S", bound=Doorman)


class Counter(Generic[S]):
    """Where requests are answered: who asks, and the cookies. ``services`` is asked at each request."""

    def __init__(self, services: Callable[[], S], cookie: str) -> None:
        self._services = services
        self._cookie = cookie

    async def _signed_in(self, request: Request) -> Somebody:
        user = await self._services().who(request.cookies.get(self._cookie))
        if user is None:
            raise Refusal("not_signed_in")
        return user

    def _keep(self, response: Response, request: Request, name: str, value: str, seconds: int) -> None:
        flags: dict[str, Any] = {"path": "/", "secure": secure(request), "httponly": True, "samesite": "lax"}
        response.set_cookie(name, value, max_age=seconds, **flags)

    def _keep_device(self, response: Response, request: Request, word: str) -> None:
        if request.cookies.get(DEVICE) != word:
            self._keep(response, request, DEVICE, word, DEVICE_SECONDS)


def answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            response = await handler(request)
        except Refusal as refusal:
            status = 200 if request.headers.get("x-peermeet") == "page" else STATUS.get(refusal.code, 422)
            response = JSONResponse(refusal.answer(), status_code=status)
        response.headers["cache-control"] = "no-store"
        return response

    return answer


async def body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request. A form cannot be sent as JSON from another site without being asked."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Refusal("bad_message")
    read = bytearray()
    try:
        async for chunk in request.stream():
            read += chunk
            if len(read) > MAX_BODY:
                raise Refusal("too_large")
        return msgspec.json.decode(bytes(read), type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeError, ClientDisconnect):
        raise Refusal("bad_message") from None


def address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def device(request: Request) -> str:
    """Return the browser's word, or a new one if it has none that could be ours."""
    word = request.cookies.get(DEVICE, "")
    return word if re.fullmatch(r"[A-Za-z0-9_-]{22}", word) else secrets.token_urlsafe(16)


def secure(request: Request) -> bool:
    """Tell whether the page came by https. Its own Origin knows, whatever a proxy in between speaks to us."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")
