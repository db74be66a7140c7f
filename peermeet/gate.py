"""What every request passes first, whichever room of the house it is for: Origin, headers, redirects, and what counts
as one address.

Pure ASGI, the outermost layer. Origin is checked for everything that changes something and for every WebSocket,
Reflex's own event socket included: a session cookie travels along with all of them.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .core.errors import Refusal

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HASHED = "/assets/"  # Vite puts a hash of the content into these names
YEAR = "public, max-age=31536000, immutable"


class Gate:
    """Wraps the application. ``origins`` are allowed besides the one that the request was sent to; ``pages`` is the
    folder of the built frontend, whose inline scripts are allowed by their hashes; ``frame_ancestors`` are the origins
    whose pages may show ours in a frame."""

    def __init__(
        self, app: ASGIApp, *, origins: Iterable[str], pages: Path, frame_ancestors: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._folders = {f"/{page.parent.relative_to(pages).as_posix()}" for page in pages.glob("*/index.html")}
        self._headers = {
            "content-security-policy": policy(inline_scripts(pages), frame_ancestors),
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "permissions-policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if scope.get("client"):
            scope = {**scope, "client": (neighbourhood(scope["client"][0]), scope["client"][1])}
        headers = Headers(scope=scope)
        guarded = scope["type"] == "websocket" or scope["method"] not in SAFE
        if guarded and not allowed(headers.get("origin"), headers.get("host", ""), self._origins):
            await _refuse(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return

        if scope["path"] in self._folders:  # a page's own address, instead of a redirect to it with a slash
            scope = {**scope, "path": scope["path"] + "/", "raw_path": scope["raw_path"] + b"/"}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._finish(scope, headers, message["status"], MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, sent)

    def _finish(self, scope: Scope, request: Headers, status: int, response: MutableHeaders) -> None:
        for name, value in self._headers.items():
            response[name] = value
        if scope["scheme"] == "https":
            response["strict-transport-security"] = "max-age=31536000"
            response["cross-origin-opener-policy"] = "same-origin"  # on http, browsers complain instead of obeying
        kept = scope["path"].startswith(HASHED) and status < 400
        response.setdefault("cache-control", YEAR if kept else "no-cache")
        location = urlsplit(response.get("location", ""))
        if location.netloc and location.netloc == request.get("host"):
            # A redirect to ourselves stays relative: behind a proxy, scheme and port are not ours to know. With two
            # slashes in front it would lead to another host.
            response["location"] = "/" + location._replace(scheme="", netloc="").geturl().lstrip("/\\")


def neighbourhood(host: str) -> str:
    """Return what counts as one address: of IPv6 the first 64 bits, which is what one connection is given (RFC 6177);
    an IPv4 address by whatever door it came."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a name, as tests have them
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def allowed(origin: str | None, host: str, origins: frozenset[str]) -> bool:
    """Tell whether a request from ``origin`` may act here: the origin's host is the one the request was sent to, or
    the origin is listed. Programs send no Origin; what they may do rests on what they bring, not on where they are.
    The scheme is not compared: a proxy that ends TLS speaks http to us while the page is https."""
    if origin is None:
        return True
    origin = origin.lower()
    return origin in origins or (host != "" and origin.partition("://")[2] == host.lower())


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await JSONResponse(Refusal("foreign_origin").answer(), status_code=403)(scope, receive, send)


def policy(scripts: Iterable[str], frame_ancestors: Sequence[str] = ()) -> str:
    """Return the Content-Security-Policy. Scripts: our own files, and the few lines with which the router hands the
    page its data, each by its hash. Styles may stand in the page: Reflex's error page and the tiles' positions are
    style attributes, and no hash covers those."""
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *(f"'sha256-{digest}'" for digest in sorted(scripts))]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob: mediastream:",
            "font-src 'self'",
            "connect-src 'self' ws: wss:",  # 'self' does not cover WebSockets in every browser in use
            "manifest-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            " ".join(["frame-ancestors", *(frame_ancestors or ["'none'"])]),
        ]
    )


def inline_scripts(pages: Path) -> set[str]:
    """Return the SHA-256 of every inline script in the built pages, as the policy wants it."""
    found: set[str] = set()
    for page in pages.rglob("*.html"):
        for script in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page.read_text("utf-8"), re.DOTALL):
            found.add(base64.b64encode(hashlib.sha256(script.encode()).digest()).decode())
    return found
