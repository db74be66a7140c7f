"""Nothing secret stands in a log line, an error, a foreign answer or a file: all flows, then every byte is searched.

A real server, as verbose as it can be set. `FLOWS` has one for each route of the application, and `signaling` says
every command; a route or a command that is new and has none fails the test. Whatever was used or received is kept in
the vault, with the one answer in which it may stand.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from peermeet.core.wire import TYPES
from peermeet.services import COOKIE, Services, open_services
from tests.auth.desk import settings as settings_for
from tests.e2e.server import ROOT, Server
from tests.signaling.wire import Packet, Socket

SERVER_SECRET = "the-secret-of-the-server-0123456789-abcdef"
TURN_SECRET = "the-secret-of-the-relay-0123456789"
HERE = "127.0.0.9"  # where everybody comes from: to be found again in no line either
PASSWORD, NEW_PASSWORD = "seven quiet herons on a pier", "eight noisy herons on a pier"
PASSCODE = "open-sesame-4711"


class Vault:
    """What is secret, by what it is. ``words`` are for those in the room and may be kept for them; all else is for one
    browser, and kept by nobody."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.words: dict[str, str] = {}
        self.answers: list[tuple[str, str, frozenset[str]]] = []  # to what, all of it, and what may stand there

    def keep(self, what: str, secret: str) -> str:
        self.secrets[f"{what} {len(self.secrets)}"] = secret
        return secret

    def word(self, what: str, text: str) -> str:
        self.words[what] = text
        return text

    def heard(self, to: str, text: str, *own: str | None) -> None:
        self.answers.append((to, text, frozenset(word for word in own if word)))

    def found(self, text: str, *, words: bool = True, own: frozenset[str] = frozenset()) -> set[str]:
        """What of it stands in a text: as it is, or as JSON, Python or an address would write it."""
        written = text + unquote(text)
        known = self.secrets | (self.words if words else {})
        return {
            what
            for what, secret in known.items()
            if secret not in own and any(form in written for form in _forms(secret))
        }


def _forms(secret: str) -> set[str]:
    quoted = (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret))
    return {secret, *(text[1:-1] for text in quoted)}


class Ear(Socket):
    """A socket that lets everything it hears be searched."""

    def __init__(self, world: World, owner: str) -> None:
        super().__init__(world.ws, local_addr=(HERE, 0))
        self.owner = owner
        self._vault = world.vault

    async def hear(self) -> str:
        frame = await super().hear()
        answer = self._given(frame)
        self._vault.heard(f"frame to {self.owner}", frame, *answer)
        return frame

    def _keep(self, frame: str) -> None:
        self._vault.heard(f"frame to {self.owner}", frame)
        super()._keep(frame)

    def _given(self, frame: str) -> list[str]:
        """What an answer gives to this socket alone."""
        if not frame.startswith("43/"):
            return []
        (answer,) = json.loads(frame[frame.index("[") :])
        given = [answer["resume"]] if "resume" in answer else []
        given += [server["credential"] for server in answer.get("ice_servers", []) if "credential" in server]
        for secret in given:
            self._vault.keep(f"resume key or relay's credential of {self.owner}", secret)
        return given


class Browser(httpx.AsyncClient):
    """A browser whose answers are searched: what it is given itself may stand there, in its own place."""

    def __init__(self, world: World) -> None:
        transport = httpx.AsyncHTTPTransport(local_address=HERE)
        super().__init__(base_url=world.http, transport=transport, trust_env=False, timeout=30)
        self.vault = world.vault
        self.event_hooks["response"] = [self._search]

    async def _search(self, answer: httpx.Response) -> None:
        await answer.aread()
        given = [value for header in answer.headers.get_list("set-cookie") for value in self._value(header)]
        with contextlib.suppress(ValueError, AttributeError):
            for what in ("ticket", "token"):  # each is answered once, to whoever asked for it
                if secret := answer.json().get(what):
                    given.append(self.vault.keep(what, secret))
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        self.vault.heard(f"{answer.request.method} {answer.request.url.path}", f"{head}\n\n{answer.text}", *given)

    def _value(self, header: str) -> list[str]:
        name, _, value = header.partition(";")[0].partition("=")
        return [self.vault.keep(name, value)] if value and value != '""' else []

    @property
    def session(self) -> str:
        return str(self.cookies[COOKIE])


class World:
    """The server, the services that look at the same store, and who there is."""

    def __init__(self, server: Server, services: Services) -> None:
        self.http = server.url.replace("localhost", "127.0.0.1")
        self.ws = self.http.replace("http:", "ws:")
        self.services = services
        self.vault = Vault()
        self.said: set[str] = set()
        self.made = ""  # an invitation's id
        for what, secret in (("server's secret", SERVER_SECRET), ("relay's secret", TURN_SECRET)):
            self.vault.keep(what, secret)

    async def furnish(self) -> None:
        self.ada, self.bob, self.gast = Browser(self), Browser(self), Browser(self)

    async def make_rooms(self) -> None:
        """What no route makes."""
        services = self.services
        owner = await services.who(self.ada.session)
        assert owner is not None
        self.open = (await services.create_room(owner, "Open")).code
        self.closed = (await services.create_room(owner, "Closed")).code
        await services.set_passcode(owner, self.closed, self.vault.keep("passcode", PASSCODE))
        self.invitation = self.vault.keep("invitation", (await services.invite(owner, self.closed)).token)
        await services.save_options(owner, self.open, {"chat": "forever"})

    async def ticket(self, browser: Browser, room: str, **more: str) -> str:
        made = (await browser.post("/api/tickets", json={"room": room, **more})).json()
        return str(made["ticket"])

    @contextlib.asynccontextmanager
    async def seat(
        self, browser: Browser, room: str, owner: str, device: str = "page-number-one"
    ) -> AsyncIterator[Ear]:
        async with Ear(self, owner) as ear:
            assert "sid" in await ear.connect({"ticket": await self.ticket(browser, room)})
            answer = await self.asks(ear, {"type": "join", "room": room, "device": device})
            ear.you, ear.resume = answer["you"], answer["resume"]
            yield ear

    async def asks(self, ear: Ear, command: object) -> Packet:
        if isinstance(command, dict) and isinstance(command.get("type"), str):
            self.said.add(command["type"])
        return await ear.command(command)


# the routes


async def register(world: World) -> None:
    form = {"name": "Ada", "email": world.vault.word("email", "ada.lovelace@example.org"), "password": PASSWORD}
    world.vault.keep("password", PASSWORD)
    assert (await world.ada.post("/api/users", json=form)).status_code == 201
    short = {**form, "password": world.vault.keep("a weak password", "hunter2")}
    for wrong in (form, short, {**form, "email": "ada.lovelace@@example.org"}, {**form, "name": "<b>"}):
        assert (await world.bob.post("/api/users", json=wrong)).status_code in {409, 422}
    bob = {**form, "name": "Bob", "email": world.vault.word("email of Bob", "bob.the.builder@example.org")}
    assert (await world.bob.post("/api/users", json=bob)).status_code == 201
    await world.make_rooms()


async def sign_in(world: World) -> None:
    wrong = world.vault.keep("a wrong password", "not the herons at all")
    email = world.vault.words["email"]
    for form in ({"email": email, "password": wrong}, {"email": "nobody-at-all@example.org", "password": wrong}):
        assert (await world.ada.post("/api/session", json=form)).status_code == 401
    assert (await world.ada.post("/api/session", json={"email": email, "password": PASSWORD})).status_code == 200


async def who(world: World) -> None:
    assert (await world.ada.get("/api/session")).status_code == 200
    forged = world.vault.keep("a forged session", world.ada.session[:-4] + "AAAA")
    for cookie in (forged, world.vault.keep("an odd cookie", 'odd"cookie;value')):
        headers = {"cookie": f"{COOKIE}={cookie}"}
        async with Browser(world) as mallory:
            assert (await mallory.get("/api/session", headers=headers)).status_code == 401


async def guest(world: World) -> None:
    assert (await world.gast.post("/api/guests", json={"name": "Gast"})).status_code == 201
    assert (await world.gast.post("/api/guests", json={"name": "\u202e"})).status_code == 422


async def rename(world: World) -> None:
    assert (await world.ada.patch("/api/users/me", json={"name": "Ada L."})).status_code == 200
    assert (await world.ada.patch("/api/users/me", json={"name": ""})).status_code == 422


async def tickets(world: World) -> None:
    async def asked(room: str, **more: str) -> int:
        return (await world.bob.post("/api/tickets", json={"room": room, **more})).status_code

    wrong = world.vault.keep("a wrong passcode", "close-sesame-0815")
    assert await asked(world.closed) == await asked(world.closed, passcode=wrong) == 403
    assert await asked(world.closed, passcode=PASSCODE) == 201
    stale = world.vault.keep("a wrong invitation", world.invitation[::-1])
    assert await asked(world.closed, invitation=stale) == 403
    assert await asked(world.closed, invitation=world.invitation) == 201
    assert await asked("2222-22222-2222") == 404
    async with Browser(world) as nobody:
        assert (await nobody.post("/api/tickets", json={"room": world.open, "passcode": PASSCODE})).status_code == 401


async def signaling(world: World) -> None:
    vault = world.vault
    sdp = vault.word("description", "v=0\r\no=- 4242424242 2 IN IP4 203.0.113.77\r\ns=nobody-else's-business\r\n")
    address = vault.word("address in a candidate", "203.0.113.78")
    line = vault.word("candidate", f"candidate:1 1 udp 2122260223 {address} 54321 typ host")
    chat, private = vault.word("chat", "the cake is a lie"), vault.word("private message", "only between us two")
    hand, pen = vault.word("attribute", "an attribute of mine"), vault.word("message", "where my pen is")
    async with (
        world.seat(world.ada, world.open, "Ada") as ada,
        world.seat(world.bob, world.open, "Bob") as bob,
        world.seat(world.gast, world.open, "Gast") as gast,
    ):
        good: list[tuple[Ear, Packet]] = [
            (ada, {"type": "refresh_ice"}),
            (ada, {"type": "signal", "to": bob.you, "description": {"type": "offer", "sdp": sdp}}),
            (ada, {"type": "signal", "to": bob.you, "candidates": [{"candidate": line}]}),
            (bob, {"type": "publish", "source": "camera", "stream_id": "a-stream-of-bob"}),
            (bob, {"type": "unpublish", "source": "camera"}),
            (bob, {"type": "set_attributes", "attributes": {"hand": hand}}),
            (bob, {"type": "send_message", "topic": "chat", "data": {"text": chat}}),
            (bob, {"type": "send_message", "topic": "chat", "data": {"text": private}, "to": ada.you}),
            (bob, {"type": "send_message", "topic": "pen", "data": pen}),
            (ada, {"type": "set_role", "id": bob.you, "role": "listener"}),
            (ada, {"type": "set_room", "lobby": True, "chat": "forever"}),
            (ada, {"type": "ask_mute", "id": bob.you, "source": "camera"}),
            (ada, {"type": "silence", "source": "camera", "on": True, "id": bob.you}),
            (ada, {"type": "admit"}),
            (ada, {"type": "deny"}),
        ]
        for ear, command in good:
            assert await world.asks(ear, command) == {} or command["type"] == "refresh_ice", command
        (line_of_chat,) = [e for e in [await bob.event("message_sent")] if e["data"] == {"text": chat}]
        wrong: list[tuple[Ear, object]] = [
            (bob, {"type": "signal", "to": "p-nobody", "description": {"type": "offer", "sdp": sdp}}),
            (bob, {"type": "signal", "to": ada.you, "description": {"type": "offer", "sdp": sdp}, "by": ada.you}),
            (bob, {"type": "signal", "to": ada.you, "description": {"type": "hello", "sdp": sdp}}),
            (bob, {"type": "signal", "to": ada.you, "candidates": [{"candidate": line, "sdpMLineIndex": "x"}]}),
            (bob, {"type": "send_message", "topic": "chat", "data": {"text": private, "more": bob.resume}}),
            (bob, {"type": "send_message", "topic": "chat", "data": {"text": private * 500}}),
            (
                bob,
                {
                    "type": "send_message",
                    "topic": "Pen",
                    "data": [pen, {"deep": [[[[[[[[[[[[[[[[[pen]]]]]]]]]]]]]]]]]}],
                },
            ),
            (bob, {"type": "set_attributes", "attributes": {"Hand": hand}}),
            (bob, {"type": "end_meeting"}),
            (bob, {"type": "remove", "id": ada.you}),
            (bob, {"type": PASSCODE, "resume": bob.resume, "sdp": sdp}),
            (bob, {"type": "join", "room": world.open, "device": PASSCODE}),
            (bob, [PASSCODE, sdp]),
            (bob, chat),
            (bob, {"type": "delete_message", "id": chat}),
        ]
        for ear, asked in wrong:
            assert "error" in await world.asks(ear, asked), asked
        assert await world.asks(bob, {"type": "delete_message", "id": line_of_chat["id"]}) == {}
        async with Ear(world, "Bob") as back:  # on another socket
            assert "sid" in await back.connect({"resume": bob.resume})
            assert "you" in await world.asks(back, {"type": "join", "room": world.open, "device": "page-number-one"})
            assert await world.asks(ada, {"type": "remove", "id": bob.you}) == {}
            assert (await back.event("participant_left"))["reason"] == "removed"
            await back.gone(5)
        assert await world.asks(ada, {"type": "allow", "user": (await me(world.bob))["id"]}) == {}
        assert await world.asks(ada, {"type": "ban", "id": gast.you}) == {}
        await gast.gone(5)
        for auth in ({"resume": bob.resume}, {"resume": [bob.resume]}, {"ticket": world.ada.session}, PASSCODE):
            async with Ear(world, "Mallory") as mallory:
                assert "message" in await mallory.connect(auth)
        async with world.seat(world.ada, world.open, "Ada", "page-number-two") as second:
            assert await world.asks(second, {"type": "leave"}) == {}
        assert await world.asks(ada, {"type": "end_meeting"}) == {}
        await ada.gone(5)
    secrets = [bob.resume, sdp, PASSCODE, world.ada.session]
    await asyncio.gather(*(unreadable(world, secret) for secret in secrets))


async def unreadable(world: World, secret: str) -> None:
    """Frames and requests that nobody understands, with a secret in them."""

    async def say(frame: bytes) -> None:
        async with Ear(world, "Mallory") as mallory:
            with contextlib.suppress(ConnectionClosed):
                await mallory.say_text(frame)
            await mallory.gone(10)

    frames = [
        f"4{secret}",
        f'42/meeting,["command",{secret}',
        f'42/meeting,["{secret}"',
        f'451-/meeting,0["{secret}",{{"_placeholder":true,"num":0}}]',
        f"40/{secret},{{}}",
        f'42/meeting,7["disconnect","{secret}"]',
        "4" + secret * 2000,
    ]
    await asyncio.gather(*(say(frame.encode()) for frame in frames), say(b"4" + secret.encode() + b"\xff"))
    query = f"EIO=4&transport=websocket&ticket={secret[:40]}"
    for request in (
        f"GET /{secret} HTTP/9\r\n\r\n",
        f"{secret}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: x\r\n{secret}: x\r\nX {secret}\r\n\r\n",
        f"GET /rtc/?{query} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: {secret[:9]}\r\n\r\n",
    ):
        await raw(world, request.encode())


async def raw(world: World, request: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(world.http).port, local_addr=(HERE, 0))
    writer.write(request)
    writer.write_eof()
    with contextlib.suppress(ConnectionError):
        world.vault.heard("a raw request", (await reader.read()).decode("utf-8", "replace"))
    writer.close()


async def passcode(world: World) -> None:
    path = f"/api/rooms/{world.open}/passcode"
    secret = world.vault.keep("a passcode by its route", "behind-the-blue-door-47")
    assert (await world.ada.put(path, json={"passcode": secret})).status_code == 200
    assert (await world.ada.put(path, json={"passcode": "x"})).status_code == 422
    assert (await world.bob.put(path, json={"passcode": secret})).status_code == 404


async def no_passcode(world: World) -> None:
    path = f"/api/rooms/{world.open}/passcode"
    assert (await world.bob.delete(path)).status_code == 404
    assert (await world.ada.delete(path)).status_code == 200


async def invite(world: World) -> None:
    path = f"/api/rooms/{world.open}/invitations"
    made = await world.ada.post(path, json={"role": "listener", "uses": 1})
    assert made.status_code == 201
    world.made = made.json()["id"]
    for form in ({"role": "king"}, {"role": "member", "uses": PASSCODE}, {"expires": PASSCODE}):
        assert (await world.ada.post(path, json=form)).status_code == 422
    assert (await world.bob.post(path, json={"role": "member"})).status_code == 404


async def invitations(world: World) -> None:
    path = f"/api/rooms/{world.open}/invitations"
    assert (await world.ada.get(path)).status_code == 200
    assert (await world.bob.get(path)).status_code == 404


async def came_by(world: World) -> None:
    path = f"/api/rooms/{world.open}/invitations/{world.made}"
    assert (await world.ada.get(path)).status_code == 200
    assert (await world.bob.get(path)).status_code == 404


async def revoke(world: World) -> None:
    path = f"/api/rooms/{world.open}/invitations/{world.made}"
    assert (await world.bob.delete(path)).status_code == 404
    assert (await world.ada.delete(path)).status_code == 200
    assert (await world.ada.delete(f"/api/rooms/{world.open}/invitations/{PASSCODE}")).status_code == 403


async def me(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = (await browser.get("/api/session")).json()["user"]
    return found


async def change_password(world: World) -> None:
    new = world.vault.keep("the new password", NEW_PASSWORD)
    wrong = world.vault.keep("a wrong old password", "six herons on a pier")
    path = "/api/users/me/password"
    assert (await world.ada.put(path, json={"password": wrong, "new_password": new})).status_code == 401
    assert (await world.ada.put(path, json={"password": PASSWORD, "new_password": "hunter2"})).status_code == 422
    assert (await world.ada.put(path, json={"password": PASSWORD, "new_password": new})).status_code == 200


async def attendance(world: World) -> None:
    path = f"/api/rooms/{world.open}/attendance.csv"
    for _ in range(100):  # what happened is written down by and by
        answer = await world.ada.get(path)
        if answer.text.count("Gast") and answer.text.count("Bob"):
            break
        await asyncio.sleep(0.05)
    assert (answer.status_code, answer.text.count("Gast")) == (200, 1)
    assert (await world.bob.get(path)).status_code == 404
    assert (await world.ada.get(f"/api/rooms/{PASSCODE}/attendance.csv")).status_code == 404


async def sign_out(world: World) -> None:
    assert (await world.gast.delete("/api/session")).status_code == 200
    assert (await world.gast.delete("/api/session")).status_code == 200


async def delete_account(world: World) -> None:
    async def asked(password: str) -> int:
        return (await world.ada.request("DELETE", "/api/users/me", json={"password": password})).status_code

    await nowhere(world)
    await pages(world)
    await broken(world)
    assert await asked(PASSWORD) == 401
    assert await asked(NEW_PASSWORD) == 200


async def nowhere(world: World) -> None:
    """Bodies that are none, ways that lead nowhere, other sites; with secrets on all of them."""
    secrets = [PASSWORD, PASSCODE, world.invitation, world.ada.session]
    for secret in secrets:
        form = {"name": "Ada", "email": world.vault.words["email"], "password": secret, "room": secret}
        for method, path in (("POST", "/api/users"), ("POST", "/api/session"), ("POST", "/api/tickets")):
            for body, kind in (
                (json.dumps(form)[:-1], "application/json"),
                (json.dumps([form]), "application/json"),
                (json.dumps(form | {"more": "x" * 20_000}), "application/json"),
                (json.dumps(form), "text/plain"),
                (f"password={secret}", "application/x-www-form-urlencoded"),
                (f'{{"password": "{secret}", "email": NaN}}', "application/json"),
            ):
                answer = await world.ada.request(method, path, content=body, headers={"content-type": kind})
                assert answer.status_code in {413, 422}
            answer = await world.ada.request(
                method, path, json=form, headers={"origin": f"https://{secret[:5]}.example"}
            )
            assert answer.status_code == 403
        for method, path in (
            *(
                ("GET", f"/{secret}"),
                ("GET", f"/api/{secret}"),
                ("GET", f"/meet/x?ticket={secret}"),
                ("PUT", "/api/users"),
            ),
            *(("POST", f"/rtc/?ticket={secret}"), ("GET", f"/api/session?session={secret}"), ("TRACE", f"/{secret}")),
        ):
            await world.ada.request(method, path)


async def pages(world: World) -> None:
    """Events of a page to Reflex: right ones, and such as it does not know, by somebody who is signed in."""
    state = "reflex___state____state.peermeet___ui___state____"
    title = world.vault.word("title of a room", "Planning a surprise")
    token = world.vault.keep("token of a tab", str(uuid.uuid4()))
    query = f"/_event/?EIO=4&transport=websocket&token={token}"
    cookie = {"Cookie": f"{COOKIE}={world.ada.session}"}
    secret = PASSCODE
    for name, payload in (
        *((f"{state}lobby_state.{name}", {}) for name in ("enter", "create", secret)),
        (f"{state}lobby_state.create", {"form": {"title": title}}),
        (f"{state}lobby_state.create", {"form": secret}),
        (f"{state}lobby_state.delete", {"code": {"a": secret}}),
        (f"{state}login_state.choose", {"registering": secret}),
        (f"{state}login_state.choose", {secret: True}),
        (f"{state}meeting_state.receive", {"message": {"type": secret, "text": secret}}),
        (f"{state}meeting_state.show_panel", {"name": [secret]}),
        (secret, {"x": secret}),
        (1, {"x": secret}),
        (f"{state}lobby_state.create", secret),
    ):
        event = {"name": name, "payload": payload, "router_data": {"pathname": f"/{secret}", "query": {"x": secret}}}
        async with connect(world.ws + query, additional_headers=cookie, local_addr=(HERE, 0), proxy=None) as page:
            await page.recv()
            await page.send("40/_event,")
            await page.send(f"42/_event,{json.dumps(['event', event])}")
            await page.send(f"42/_event,{json.dumps(['client_error', {'message': secret}])}")
            with contextlib.suppress(TimeoutError, ConnectionClosed):
                async with asyncio.timeout(0.3):
                    while True:
                        world.vault.heard("frame to a page", str(await page.recv()), token, title, secret)


async def broken(world: World) -> None:
    """What fails by a bug of ours is answered 500 and seen in the log: here somebody is invited as what nobody is. And
    what cannot be written now is answered 503."""
    path = world.services.settings.data / "peermeet.db"
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as store:
        store.execute("UPDATE invitations SET role = 'king'")
        store.commit()
    form = {"room": world.closed, "invitation": world.invitation, "passcode": PASSCODE}
    assert (await world.bob.post("/api/tickets", json=form)).status_code == 500
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as store:
        store.execute("BEGIN EXCLUSIVE")  # nobody can write, until patience is over
        form = {"email": world.vault.words["email"], "password": "not the herons at all"}
        async with Browser(world) as late:  # uvicorn hangs up after an answer of 500
            assert (await late.post("/api/session", json=form)).status_code == 503


Flow = Callable[[World], Awaitable[None]]
# In this order: who deletes their account does so last.
FLOWS: dict[tuple[str, str], Flow] = {
    ("POST", "/api/users"): register,
    ("POST", "/api/session"): sign_in,
    ("GET", "/api/session"): who,
    ("POST", "/api/guests"): guest,
    ("PATCH", "/api/users/me"): rename,
    ("POST", "/api/tickets"): tickets,
    ("PUT", "/api/rooms/{code}/passcode"): passcode,
    ("DELETE", "/api/rooms/{code}/passcode"): no_passcode,
    ("POST", "/api/rooms/{code}/invitations"): invite,
    ("GET", "/api/rooms/{code}/invitations"): invitations,
    ("GET", "/api/rooms/{code}/invitations/{id}"): came_by,
    ("DELETE", "/api/rooms/{code}/invitations/{id}"): revoke,
    ("", "/rtc"): signaling,
    ("PUT", "/api/users/me/password"): change_password,
    ("GET", "/api/rooms/{code}/attendance.csv"): attendance,
    ("DELETE", "/api/session"): sign_out,
    ("DELETE", "/api/users/me"): delete_account,
}
ROUTES = """
import peermeet.app as house
routes = [route for app in house.app.api_transformer for route in getattr(app, "routes", ())]
found = [(method, route.path) for route in routes for method in sorted(getattr(route, "methods", None) or [""])]
print([(method, path) for method, path in found if method != "HEAD"])
"""


def routes() -> set[tuple[str, str]]:
    """Every route that the application adds to Reflex's own: read from it, in a process of its own."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PEERMEET_")}
    environ |= {"REFLEX_ENV_MODE": "prod", "__REFLEX_SKIP_COMPILE": "true"}
    command = [sys.executable, "-c", ROUTES]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=60)
    return set(ast.literal_eval(done.stdout.splitlines()[-1]))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    running = Server(
        tmp_path / "data",
        PEERMEET_LOG_LEVEL="debug",
        PEERMEET_SECRET=SERVER_SECRET,
        PEERMEET_TURN_URLS="turn:relay.example:3478?transport=udp",
        PEERMEET_TURN_SECRET=TURN_SECRET,
    )
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def world(server: Server, tmp_path: Path) -> AsyncIterator[World]:
    async with open_services(settings_for(tmp_path / "data", secret=SERVER_SECRET)) as services:
        opened = World(server, services)
        await opened.furnish()
        yield opened
        for browser in (opened.ada, opened.bob, opened.gast):
            await browser.aclose()


async def test_nothing_secret_is_written_anywhere(world: World, server: Server, tmp_path: Path) -> None:
    assert set(FLOWS) == await asyncio.to_thread(routes)
    for flow in FLOWS.values():
        await flow(world)
    assert {*TYPES, "join", "refresh_ice"} <= world.said
    await server.stop()

    vault, log = world.vault, server.log()
    assert len(vault.secrets) > 30
    assert len(vault.answers) > 200
    # It is the log of all of that, and a bug would be seen in it.
    for line in (
        "registered",
        "sign-in refused",
        "joined",
        "a wrong passcode",
        "command refused",
        "msgspec.ValidationError",
        "Error processing event queue entry for Event …",
        "an event handler of a page failed",
        "a page reports an error of its own",
    ):
        assert line in log
    assert vault.found(log) == set()
    assert HERE not in log
    for to, text, own in vault.answers:
        words = '"error"' in text or "HTTP/1.1 4" in text
        assert vault.found(text, words=words, own=own) == set(), f"{to}: {text[:300]}"

    kept = {path: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    assert len(kept) >= 1
    for path, data in kept.items():
        assert vault.found(data.decode("latin-1"), words=False) == set(), path


def test_what_is_searched_for_would_be_found() -> None:
    vault = Vault()
    vault.keep("secret", 'a "quoted" b\u00e4r/+=')
    vault.word("words", "two\r\nlines")
    for text in (
        'a "quoted" bär/+=',
        r"a \"quoted\" bär/+=",
        "a%20%22quoted%22%20b%C3%A4r/%2B%3D",
        r"a \"quoted\" b\u00e4r/+=",
    ):
        assert len(vault.found(f"x{text}y")) == 1, text
    assert vault.found(r"two\r\nlines") == {"words"}
    assert vault.found("two\r\nlines", words=False) == set()
    assert vault.found('a "quoted" bär/+=', own=frozenset(vault.secrets.values())) == set()
