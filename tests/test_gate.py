"""What every request passes first: who may act, what browsers are told, where redirects lead."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from peermeet.gate import Gate, allowed, inline_scripts, neighbourhood, policy

HOST = "meet.example.org"
SCRIPTS = ["window.data = {};", "\n  import('/assets/entry.js');\n", "let ü = '…'"]


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A frontend as Reflex builds one: a page is a folder, scripts stand in the pages."""
    folder = tmp_path / "client"
    for name, script in zip((".", "lobby", "meet", "meet/deeper"), [*SCRIPTS, ""], strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        text = f'<html><script src="/assets/entry-1a2b.js"></script><script>{script}</script><p>{name}</p></html>'
        (folder / name / "index.html").write_text(text, "utf-8")
    (folder / "assets").mkdir()
    (folder / "assets" / "entry-1a2b.js").write_text("0")
    (folder / "peermeet.css").write_text("")
    return folder


async def asked(request: Request) -> Response:
    return PlainTextResponse("asked")


async def chosen(request: Request) -> Response:
    return PlainTextResponse("mine", headers={"cache-control": "no-store"})


async def elsewhere(request: Request) -> Response:
    return RedirectResponse(request.query_params["to"])


async def broken(request: Request) -> Response:
    raise RuntimeError


asked_app = Starlette(routes=[Route("/", asked)])


async def listening(socket: WebSocket) -> None:
    await socket.accept()
    await socket.close()


@pytest.fixture
def gate(pages: Path) -> Gate:
    routes = [
        Route("/api/thing", asked, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/api/chosen", chosen),
        Route("/api/elsewhere", elsewhere),
        Route("/api/broken", broken),
        WebSocketRoute("/_event", listening),
        Mount("/", StaticFiles(directory=pages, html=True)),
    ]
    return Gate(Starlette(routes=routes), origins=["https://listed.example"], pages=pages)


def browser_of(gate: Gate, base: str = f"http://{HOST}") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(gate, raise_app_exceptions=False), base_url=base)


@pytest.fixture
async def browser(gate: Gate) -> AsyncIterator[httpx.AsyncClient]:
    async with browser_of(gate) as opened:
        yield opened


async def handshake(gate: Gate, path: str = "/_event", **headers: str) -> Message:
    """What a WebSocket's handshake is answered."""
    scope: Scope = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "ws",
        "headers": [(name.encode(), value.encode()) for name, value in ({"host": HOST} | headers).items()],
        "subprotocols": [],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await gate(scope, receive, send)
    return sent[0]


async def answered(gate: Gate, path: str, host: str = HOST) -> Message:
    """The start of the answer to a GET whose path and host no client library would send."""
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "server": (HOST, 80),
    }
    sent: list[Message] = []
    to_come: list[Message] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return to_come.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await gate(scope, receive, send)
    return sent[0]


class TestAddresses:
    @pytest.mark.parametrize(
        ("host", "counted"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            ("::1", "::/64"),
            ("testclient", "testclient"),
            ("", ""),
            ("192.0.2.7.", "192.0.2.7."),
        ],
    )
    def test_what_counts_as_one(self, host: str, counted: str) -> None:
        assert neighbourhood(host) == counted

    @pytest.mark.parametrize("kind", ["http", "websocket"])
    @pytest.mark.parametrize(
        ("client", "seen"),
        [(("2001:db8::7", 1), ("2001:db8::/64", 1)), (("192.0.2.7", 1), ("192.0.2.7", 1)), (None, None)],
    )
    async def test_what_is_behind_the_gate_sees_that(self, pages: Path, kind: str, client: Any, seen: Any) -> None:
        scopes: list[Scope] = []

        async def inner(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)

        scope = {"type": kind, "method": "GET", "path": "/", "scheme": kind, "headers": [], "client": client}
        await Gate(inner, origins=[], pages=pages)(scope, None, None)  # type: ignore[arg-type]
        assert scopes[0]["client"] == seen


class TestOrigin:
    @pytest.mark.parametrize(
        ("origin", "host", "may"),
        [
            (None, HOST, True),
            (f"https://{HOST}", HOST, True),
            (f"http://{HOST}", HOST, True),  # the scheme is a proxy's affair
            (f"HTTPS://{HOST.upper()}", HOST, True),
            (f"https://{HOST}", HOST.upper(), True),
            (f"https://{HOST}:8443", f"{HOST}:8443", True),
            ("http://localhost:3000", "localhost:3000", True),
            ("http://[::1]:3000", "[::1]:3000", True),
            ("http://192.0.2.1:3000", "192.0.2.1:3000", True),
            ("https://listed.example", HOST, True),
            ("HTTPS://LISTED.EXAMPLE", HOST, True),
            ("null", HOST, False),
            ("null", "null", False),
            ("NULL", "", False),
            ("", HOST, False),
            ("", "", False),
            ("x", "", False),
            ("https://", "", False),
            ("https://evil.example", HOST, False),
            ("https://evil.example", "", False),
            (f"https://{HOST}", "", False),
            (f"https://{HOST}:8443", HOST, False),
            (f"https://{HOST}", f"{HOST}:8443", False),
            ("http://localhost:3001", "localhost:3000", False),
            (f"https://{HOST}.evil.example", HOST, False),
            (f"https://evil-{HOST}", HOST, False),
            (f"https://sub.{HOST}", HOST, False),
            (f"https://{HOST}@evil.example", HOST, False),
            (f"https://evil.example@{HOST}", HOST, False),
            (f"https://evil.example/{HOST}", HOST, False),
            (f"https://evil.example://{HOST}", HOST, False),
            (f"https://{HOST}/", HOST, False),
            (f"https://{HOST} https://evil.example", HOST, False),
            (HOST, HOST, False),
            ("http://listed.example", HOST, False),
            ("https://listed.example:444", HOST, False),
            ("http://[", HOST, False),
            ("http://[::1", HOST, False),
            ("http://\x00", HOST, False),
        ],
    )
    def test_who_may_act(self, origin: str | None, host: str, may: bool) -> None:
        assert allowed(origin, host, frozenset({"https://listed.example"})) is may

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    async def test_another_site_changes_nothing(self, browser: httpx.AsyncClient, method: str) -> None:
        answer = await browser.request(method, "/api/thing", headers={"origin": "https://evil.example"})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "foreign_origin"
        assert (await browser.request(method, "/api/thing", headers={"origin": f"https://{HOST}"})).text == "asked"
        assert (await browser.request(method, "/api/thing")).text == "asked"

    async def test_another_site_may_look(self, browser: httpx.AsyncClient) -> None:
        """It cannot read the answer: nothing here says that it may."""
        answer = await browser.get("/api/thing", headers={"origin": "https://evil.example"})
        assert answer.text == "asked"
        assert not [name for name in answer.headers if name.startswith("access-control-")]

    @pytest.mark.parametrize("path", ["/_event", "/_event?token=x", "/rtc/", "/nowhere"])
    @pytest.mark.parametrize("origin", ["https://evil.example", "null", f"https://{HOST}:1", "http://["])
    async def test_another_site_gets_no_websocket(self, gate: Gate, path: str, origin: str) -> None:
        assert await handshake(gate, path, origin=origin) == {"type": "websocket.close", "code": 1008}

    @pytest.mark.parametrize("headers", [{}, {"origin": f"https://{HOST}"}, {"origin": "https://listed.example"}])
    async def test_its_own_pages_and_programs_get_one(self, gate: Gate, headers: dict[str, str]) -> None:
        assert (await handshake(gate, **headers))["type"] == "websocket.accept"

    async def test_an_unreadable_origin_is_no_error(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.post("/api/thing", headers={"origin": "http://["})
        assert answer.status_code == 403

    async def test_the_start_and_the_stop_of_the_server_pass(self, gate: Gate) -> None:
        seen: list[str] = []

        async def inner(scope: Scope, receive: Any, send: Any) -> None:
            seen.append(scope["type"])

        gate._app = inner
        await gate({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
        assert seen == ["lifespan"]


class TestHeaders:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/", 200),
            ("GET", "/lobby", 200),
            ("GET", "/peermeet.css", 200),
            ("GET", "/assets/entry-1a2b.js", 200),
            ("GET", "/api/thing", 200),
            ("POST", "/api/thing", 200),
            ("GET", "/api/elsewhere?to=/lobby", 307),
            ("GET", "/nowhere", 404),
            ("PATCH", "/api/chosen", 405),
        ],
    )
    async def test_every_answer_has_them(self, browser: httpx.AsyncClient, method: str, path: str, status: int) -> None:
        answer = await browser.request(method, path)
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=(self)" in answer.headers["permissions-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert len(answer.headers.get_list("content-security-policy")) == 1

    async def test_https_stays_https(self, gate: Gate, browser: httpx.AsyncClient) -> None:
        plain = (await browser.get("/")).headers
        assert "strict-transport-security" not in plain
        assert "cross-origin-opener-policy" not in plain  # a browser would complain on every page
        async with browser_of(gate, f"https://{HOST}") as secure:
            assert (await secure.get("/")).headers["strict-transport-security"] == "max-age=31536000"

    @pytest.mark.parametrize(
        ("path", "cached"),
        [
            ("/assets/entry-1a2b.js", "public, max-age=31536000, immutable"),
            ("/", "no-cache"),
            ("/lobby", "no-cache"),
            ("/peermeet.css", "no-cache"),
            ("/api/thing", "no-cache"),
            ("/nowhere/assets/x.js", "no-cache"),
            ("/api/chosen", "no-store"),
        ],
    )
    async def test_only_names_with_a_hash_are_cached(self, browser: httpx.AsyncClient, path: str, cached: str) -> None:
        assert (await browser.get(path)).headers["cache-control"] == cached

    async def test_a_missing_file_is_not_remembered_for_a_year(self, browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/assets/gone-9z.js")
        assert answer.status_code == 404
        assert "immutable" not in answer.headers["cache-control"]


class TestPolicy:
    def directives(self, pages: Path) -> dict[str, list[str]]:
        parts = [part.split() for part in policy(inline_scripts(pages)).split("; ")]
        return {name: values for name, *values in parts}

    def test_no_script_is_evaluated_or_comes_from_elsewhere(self, pages: Path) -> None:
        scripts = self.directives(pages)["script-src"]
        assert scripts[0] == "'self'"
        assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", source) for source in scripts[1:])
        whole = policy(inline_scripts(pages))
        for word in ("unsafe-eval", "wasm-unsafe-eval", "unsafe-hashes", "http:", "https:", "*"):
            assert word not in whole

    def test_what_is_not_named_is_forbidden(self, pages: Path) -> None:
        directives = self.directives(pages)
        for name in ("default-src", "base-uri", "frame-ancestors"):
            assert directives[name] == ["'none'"]
        for name in ("font-src", "manifest-src", "form-action"):
            assert directives[name] == ["'self'"]
        assert [name for name, values in directives.items() if "'unsafe-inline'" in values] == ["style-src"]

    def test_who_is_named_may_show_our_pages_in_a_frame_and_nobody_else(self, pages: Path) -> None:
        named = ["https://portal.example", "https://other.example:8443"]
        whole = policy(inline_scripts(pages), named)
        assert "; frame-ancestors https://portal.example https://other.example:8443" in whole
        assert "'none'" not in whole.partition("frame-ancestors")[2]

    async def test_it_is_set_for_every_answer(self, pages: Path) -> None:
        gate = Gate(asked_app, origins=[], pages=pages, frame_ancestors=["https://portal.example"])
        async with browser_of(gate) as browser:
            policies = (await browser.get("/")).headers.get_list("content-security-policy")
        assert [found.partition("frame-ancestors ")[2] for found in policies] == ["https://portal.example"]

    def test_the_hashes_are_those_of_the_scripts_in_the_pages(self, pages: Path) -> None:
        texts = [*SCRIPTS, ""]
        expected = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts}
        assert inline_scripts(pages) == expected
        assert set(self.directives(pages)["script-src"][1:]) == {f"'sha256-{digest}'" for digest in expected}

    def test_scripts_with_a_source_need_none(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text('<script type="module" src="/assets/x.js"></script>')
        assert inline_scripts(tmp_path) == set()

    def test_attributes_of_a_script_are_not_its_text(self, tmp_path: Path) -> None:
        (tmp_path / "index.html").write_text('<script type="module" nonce="">go()</script>')
        assert inline_scripts(tmp_path) == {base64.b64encode(hashlib.sha256(b"go()").digest()).decode()}

    def test_without_pages_there_are_no_hashes(self, tmp_path: Path) -> None:
        assert "script-src 'self';" in policy(inline_scripts(tmp_path / "not built yet"))

    async def test_it_is_the_one_that_is_sent(self, browser: httpx.AsyncClient, pages: Path) -> None:
        assert (await browser.get("/")).headers["content-security-policy"] == policy(inline_scripts(pages))


class TestPagesAndRedirects:
    @pytest.mark.parametrize("path", ["/lobby", "/lobby/", "/lobby?next=/x", "/meet"])
    async def test_a_page_is_served_at_its_own_address(self, browser: httpx.AsyncClient, path: str) -> None:
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert path.strip("/").split("?")[0] in answer.text

    @pytest.mark.parametrize(
        ("to", "location"),
        [
            (f"http://{HOST}/lobby", "/lobby"),
            (f"https://{HOST}/lobby?a=1&b=2#c", "/lobby?a=1&b=2#c"),
            (f"http://{HOST}", "/"),
            ("/lobby", "/lobby"),
            ("https://other.example/x", "https://other.example/x"),
            (f"http://{HOST}:8443/x", f"http://{HOST}:8443/x"),
        ],
    )
    async def test_a_redirect_to_ourselves_stays_relative(
        self, browser: httpx.AsyncClient, to: str, location: str
    ) -> None:
        answer = await browser.get("/api/elsewhere", params={"to": to})
        assert answer.headers["location"] == location

    async def test_a_folder_s_slash_is_added_wherever_the_proxy_stands(self, gate: Gate) -> None:
        async with browser_of(gate, "http://localhost:3000") as browser:
            assert (await browser.get("/meet/deeper?a=1")).headers["location"] == "/meet/deeper/?a=1"

    @pytest.mark.parametrize(
        "path",
        [
            "//evil.example/..%2flobby",
            "//evil.example/..%2fmeet",
            "///evil.example/..%2flobby",
            "//evil.example/..%2f..%2flobby",
            "/%2fevil.example/..%2flobby",
            "/\\evil.example/..%2flobby",
            "/%5cevil.example/..%2flobby",
            "//evil.example",
            "//evil.example/",
        ],
    )
    async def test_no_address_of_ours_leads_to_another_site(self, gate: Gate, path: str) -> None:
        """A location that begins with two slashes is another host's (RFC 3986, section 4.2)."""
        start = await answered(gate, path)
        location = dict(start["headers"]).get(b"location", b"/").decode()
        assert re.match(r"/(?![/\\])", location), location

    @pytest.mark.parametrize("host", ["[", "", "a b", "[::1", "x" * 300, "evil.example/.."])
    async def test_an_odd_host_is_no_error(self, gate: Gate, host: str) -> None:
        for path in ("/lobby", "/api/thing", "/meet/deeper"):
            assert (await answered(gate, path, host))["status"] < 400
