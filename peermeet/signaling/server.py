"""The hub bound to Socket.IO: one message each way, so that a new command needs no new handler. See PROTOCOL.md."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import msgspec
import socketio
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core import wire
from ..core.errors import Refusal
from ..core.events import AnyEvent
from ..core.model import Participant, Room, Ticket
from . import limits
from .buckets import Buckets, Payers, kind_of
from .hub import Hub, Observe, Open, Seat
from .ice import Turn, ice_servers, is_refresh
from .redis import Bus, RedisRooms
from .rooms import MemoryRooms

log = logging.getLogger("peermeet.signaling")

NAMESPACE = "/meeting"
VERSION = 1  # of PROTOCOL.md
LINE = "peermeet.line"  # in the ASGI scope
Answer = dict[str, Any]
T = TypeVar("T")


@dataclass
class Connection:
    """What is known of one socket: first who it says it is, then where it sits, or knocks. ``over``: its seat was given
    up or taken over, and whatever it still says is said by nobody."""

    eio_sid: str
    ticket: Ticket | None
    seat: Seat | None
    user: str = ""
    line: Line | None = None
    joined: bool = False
    over: bool = False
    address: str = ""

    @property
    def payers(self) -> Payers:
        return {"socket": self.eio_sid, "account": self.user, "address": self.address}


class Line:
    """One WebSocket as ASGI has it. It can be cut whatever is being waited for: its reading, or that the other end
    reads."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._waiting: set[asyncio.Task[Any]] = set()
        self._cut = False
        self.ended = asyncio.Event()

    async def receive(self) -> Message:
        if self._cut:
            return {"type": "websocket.disconnect", "code": 1008}
        message: Message = await self._patiently(self._receive())
        return message

    async def send(self, message: Message) -> None:
        if self._cut:
            raise OSError("cut")
        await self._patiently(self._send(message))

    def cut(self) -> None:
        self._cut = True
        for task in self._waiting:
            task.cancel()

    async def _patiently(self, waiting: Awaitable[Any]) -> Any:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (this is a coroutine)
        self._waiting.add(task)
        try:
            return await waiting
        finally:
            self._waiting.discard(task)


class Signaling:
    """The ASGI application to mount at ``/rtc``.

    ``admit`` turns the text of a ticket into a `Ticket`, once, or raises a `Refusal`; ``open_room`` makes a room as its
    record has it. ``clock`` is Unix time: people see it in the chat.
    """

    def __init__(
        self,
        admit: Callable[[object], Awaitable[Ticket]],
        open_room: Open,
        *,
        ice_servers: list[Answer],
        turn: Turn | None = None,
        clock: Callable[[], float] = time.time,
        observe: Observe = lambda happening: None,
        present: Callable[[str, int], None] = lambda room, number: None,
        redis_url: str | None = None,
    ) -> None:
        self._admit = admit
        self._ice_servers = ice_servers
        self._turn = turn
        self._clock = clock
        self.present = present
        self._connections: dict[str, Connection] = {}  # by sid
        self._sockets: Counter[str] = Counter()  # of each user
        self._buckets = Buckets()
        self._chores: set[asyncio.Task[None]] = set()
        self._bus = bus = Bus(redis_url, self, self._repair) if redis_url else None
        rooms = RedisRooms(bus) if bus else MemoryRooms(self)
        new_key = partial(secrets.token_urlsafe, 24)
        self.hub = Hub(rooms, open_room, clock=clock, new_key=new_key, observe=observe)
        self._sio = _Server(
            async_mode="asgi",
            client_manager=bus,
            transports=["websocket"],
            cors_allowed_origins=[],  # Origin is checked for everything at once by `peermeet.gate`
            serializer=_Packet,
            ping_interval=limits.PING_INTERVAL,
            ping_timeout=limits.PING_TIMEOUT,
            max_http_buffer_size=limits.MAX_FRAME,
            async_handlers=False,  # one socket's commands run one after the other, and a flood waits for itself
            namespaces=[NAMESPACE],
        )
        self._sio.on("connect", self._on_connect, namespace=NAMESPACE)
        self._sio.on("disconnect", self._on_disconnect, namespace=NAMESPACE)
        self._sio.on("*", self._on_message, namespace=NAMESPACE)
        self.asgi: ASGIApp = _Frames(socketio.ASGIApp(self._sio, socketio_path=None))

    async def run(self) -> None:
        """Listen to the other processes and watch the time, until cancelled."""
        if self._bus is not None:
            self._bus.start()
        while True:
            try:
                await self.hub.tick()
            except Refusal:
                log.debug("a tick found no rooms")  # their keeper is away, and has said so in the log
            except Exception:  # a bug of ours: it is seen in the log, and time goes on
                log.exception("a tick failed")
            await asyncio.sleep(1)

    async def close(self) -> None:
        """End the chores that are under way."""
        for chore in self._chores:
            chore.cancel()
        if self._bus is not None:
            await self._bus.close()

    async def _repair(self) -> None:
        """After a time in which nothing was heard of the other processes: tell everybody here everything anew. Whose
        seat is gone is cut off, and joins anew by itself."""
        async for held in self.hub.all():
            self.present(held.room.id, len(held.room.roster))
        seats = {sid: c.seat for sid, c in self._connections.items() if c.seat and c.joined and not c.over}
        for sid in await self.hub.repair(seats):
            if (connection := self._connections.get(sid)) is not None:
                await self._close(connection)

    async def _on_connect(self, sid: str, environ: Answer, auth: object = None) -> None:
        eio_sid = self._sio.manager.eio_sid_from_sid(sid, NAMESPACE)
        try:
            connection = await self._authenticate(eio_sid, auth)
            if self._sockets[connection.user] >= limits.SOCKETS_OF_USER:
                raise Refusal("too_many")
        except Refusal as refusal:
            log.info("connection refused: %s", refusal.code)
            self._later(limits.CLOSE_AFTER, self._sio.eio.disconnect, eio_sid)
            raise socketio.exceptions.ConnectionRefusedError(refusal.code, refusal.answer()["error"]) from None
        scope = environ["asgi.scope"]
        connection.line, connection.address = scope[LINE], _address(scope)
        self._connections[sid] = connection
        self._sockets[connection.user] += 1
        self._later(limits.JOIN_WITHIN, self._close_idle, sid)

    async def _authenticate(self, eio_sid: str, auth: object) -> Connection:
        if not isinstance(auth, dict):
            raise Refusal("no_ticket")
        if "resume" in auth:
            seat = await self.hub.seat(auth["resume"])
            if seat is None or (sitting := await self.hub.sitting(seat)) is None:
                raise Refusal("seat_gone")
            return Connection(eio_sid, None, seat, sitting[1].user)
        ticket = await self._admit(auth.get("ticket"))
        return Connection(eio_sid, ticket, None, ticket.user)

    async def _close_idle(self, sid: str) -> None:
        connection = self._connections.get(sid)
        if connection is not None and not connection.joined:
            log.info("connection closed: it did not join")
            await self._close(connection)

    async def _close(self, connection: Connection) -> None:
        """Ask a socket to go, and cut it if it does not: who does not read does not hear."""
        line = connection.line
        try:
            async with asyncio.timeout(limits.CLOSE_WITHIN):
                await self._sio.eio.disconnect(connection.eio_sid)
                if line is not None:
                    await line.ended.wait()
        except TimeoutError:
            if line is not None:
                line.cut()

    async def _on_disconnect(self, sid: str, reason: str) -> None:
        if (connection := self._connections.pop(sid, None)) is not None:
            self._sockets[connection.user] -= 1
            if not self._sockets[connection.user]:
                del self._sockets[connection.user]
            self._later(0, self._close, connection)  # it may have left the namespace only
            await self._lost(sid, connection)

    async def _lost(self, sid: str, connection: Connection) -> None:
        if connection.seat is not None and connection.joined:
            with contextlib.suppress(Refusal):  # what keeps the rooms is away; `_repair` looks after it
                await self.hub.disconnect(connection.seat, sid)

    async def _on_message(self, name: object, sid: str, *args: object) -> Answer:
        connection = self._connections.get(sid)
        try:
            if connection is None or connection.over:
                raise Refusal("not_joined")
            await self._pay(connection, kind_of(args))
            if self._unread(connection):
                self._cut(connection, "it does not read")
            if name != "command":
                raise Refusal("unknown_command")
            if len(args) != 1:
                raise Refusal("bad_message")
            if is_refresh(args[0]):
                return await self._refresh(connection)
            if connection.seat is None or not connection.joined:
                return await self._join(sid, connection, wire.parse_join(args[0]))
            await self._command(connection.seat, args[0])
        except Refusal as refusal:
            log.debug("command refused: %s", refusal.code)
            return refusal.answer()
        except Exception:  # a bug of ours: it is seen in the log, and the call goes on
            log.exception("a command failed")
            return Refusal("unavailable").answer()
        return {}

    async def _pay(self, connection: Connection, kind: limits.Kind) -> None:
        now = time.monotonic()
        if self._buckets.take(kind, connection.payers, now):
            return
        if not self._buckets.take("too many", connection.payers, now):
            self._cut(connection, "it floods")
        await asyncio.sleep(limits.REFUSED_PAUSE)  # nothing more of this socket is read meanwhile
        raise Refusal("too_many")

    async def _join(self, sid: str, connection: Connection, request: wire.JoinRequest) -> Answer:
        room = connection.ticket.room if connection.ticket else connection.seat.room if connection.seat else ""
        if request.room != room:
            raise Refusal("wrong_room")
        seat = await self._sit(sid, connection, request.device)
        if (sitting := await self.hub.sitting(seat)) is None:
            raise Refusal("seat_gone")  # given up again in the meantime
        answer = {"you": seat.participant, "resume": seat.resume, "protocol": VERSION}
        return answer | (self._ice(*sitting) if sitting[1].seated else {"waiting": True})

    async def _sit(self, sid: str, connection: Connection, device: str) -> Seat:
        if connection.ticket is not None:
            connection.seat = await self.hub.join(connection.ticket, device, sid)
        elif connection.seat is not None:
            await self.hub.resume(connection.seat, sid)
        connection.joined = True
        if sid not in self._connections:  # the socket was lost while it joined
            await self._lost(sid, connection)
        if connection.seat is None:
            raise Refusal("not_joined")
        return connection.seat

    async def _refresh(self, connection: Connection) -> Answer:
        sitting = await self.hub.sitting(connection.seat) if connection.seat and connection.joined else None
        if sitting is None or not sitting[1].seated:
            raise Refusal("not_joined")
        return self._ice(*sitting)

    def _ice(self, room: Room, who: Participant) -> Answer:
        """Return what the peer connections of somebody seated need."""
        return {
            "ice_servers": ice_servers(self._ice_servers, self._turn, who.id, self._clock()),
            "ice_expires": self._turn.ttl if self._turn else None,
            "relay_only": room.doors.relay_only,
        }

    async def _command(self, seat: Seat, message: object) -> None:
        if isinstance(message, dict) and message.get("type") == "join":
            raise Refusal("already_joined")
        await self.hub.hear(seat, message)

    async def tell(self, sockets: tuple[str, ...], event: AnyEvent) -> None:
        """Let these sockets hear an event."""
        await self._sio.emit("event", wire.build(event), to=list(sockets), namespace=NAMESPACE)
        self.told(sockets)

    def told(self, sockets: Iterable[str]) -> None:
        """Cut off whoever does not read what they are told."""
        for sid in sockets:
            if (connection := self._connections.get(sid)) is not None and self._unread(connection):
                self._cut(connection, "it does not read")

    def dismiss(self, socket: str) -> None:
        """Close a socket whose seat was given up or taken over, once it has heard why."""
        if (connection := self._connections.get(socket)) is not None:
            connection.over = True
            self._later(limits.CLOSE_AFTER, self._close, connection)

    def _unread(self, connection: Connection) -> bool:
        """Tell whether more waits to be read by this socket than by anybody who reads."""
        socket = self._sio.eio.sockets.get(connection.eio_sid)
        if socket is None or socket.queue.qsize() < 16:  # not worth counting: a frame has its bound
            return False
        waiting = [packet.data for packet in socket.queue._queue if packet is not None]
        too_long = sum(len(data) for data in waiting if isinstance(data, str)) > limits.UNREAD_CHARACTERS
        return len(waiting) > limits.UNREAD_PACKETS or too_long

    def _cut(self, connection: Connection, why: str) -> None:
        if connection.line is not None:
            log.info("connection closed: %s", why)
            connection.line.cut()

    def _later(self, delay: float, work: Callable[[T], Awaitable[None]], argument: T) -> None:
        async def chore() -> None:
            await asyncio.sleep(delay)
            await work(argument)

        task = asyncio.create_task(chore())
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


# What a client of Engine.IO 4 and Socket.IO 5 sends here: close, pong, and of our namespace the packets connect,
# disconnect, event. No binary, no acknowledgement, and nothing that Engine.IO would itself try to read as JSON.
FRAME = re.compile(r"1\Z|3|4[012]/meeting,")


class _Frames:
    """Engine.IO, less patient: WebSocket only, an unreadable frame is the last one, and closing closes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sockets: Counter[str] = Counter()  # of each address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await PlainTextResponse("WebSocket only", 400)(scope, receive, send)
            return
        address = _address(scope)
        if self._sockets[address] >= limits.SOCKETS_OF_ADDRESS:
            await _turn_away(receive, send)
            return
        self._sockets[address] += 1
        line = Line(receive, send)
        try:
            await self._talk({**scope, LINE: line}, line)
        finally:
            line.ended.set()
            self._sockets[address] -= 1
            if not self._sockets[address]:
                del self._sockets[address]

    async def _talk(self, scope: Scope, line: Line) -> None:
        async def received() -> Message:
            message = await line.receive()
            if message["type"] == "websocket.receive" and not FRAME.match(message.get("text") or ""):
                log.info("connection closed: unreadable frame")
                return {"type": "websocket.disconnect", "code": 1003}
            if message.get("text") == "1":  # the client says that it goes; Engine.IO would wait for it to do so
                return {"type": "websocket.disconnect", "code": 1000}
            return message

        async def sent(message: Message) -> None:
            await line.send(message)
            if message.get("text") == "1":  # Engine.IO asks the client to go and waits; who means harm would stay
                await line.send({"type": "websocket.close"})

        await self._app(scope, received, sent)


def _address(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else "unknown"


async def _turn_away(receive: Receive, send: Send) -> None:
    """Say ``too_many`` as Socket.IO would, and close, before anything is kept of this socket."""
    log.info("connection refused: too_many of one address")
    refusal = Refusal("too_many")
    hello = {
        "sid": refusal.code,
        "upgrades": [],
        "pingInterval": int(limits.PING_INTERVAL * 1000),
        "pingTimeout": int(limits.PING_TIMEOUT * 1000),
        "maxPayload": limits.MAX_FRAME,
    }
    answer = {"message": refusal.code, "data": refusal.answer()["error"]}
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"0{msgspec.json.encode(hello).decode()}"})
    await send({"type": "websocket.send", "text": f"44{NAMESPACE},{msgspec.json.encode(answer).decode()}"})
    await send({"type": "websocket.close", "code": 1013})  # try again later (RFC 6455's registry)


class _Server(socketio.AsyncServer):  # type: ignore[misc]  # the library has no types
    """python-socketio, less forgiving: a packet that cannot be read ends the connection, with no stack trace."""

    async def _handle_eio_connect(self, eio_sid: str, environ: Answer) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        self.start_background_task(self._close_unconnected, eio_sid)

    async def _close_unconnected(self, eio_sid: str) -> None:
        await asyncio.sleep(limits.JOIN_WITHIN)
        if eio_sid in self.environ and not self.manager.sid_from_eio_sid(eio_sid, NAMESPACE):
            await self.eio.disconnect(eio_sid)

    async def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> None:
        try:
            await super()._handle_eio_message(eio_sid, data)
        except Exception as error:  # whatever the library makes of arbitrary bytes
            log.info("connection closed: unreadable packet (%s)", type(error).__name__)
            await self.eio.disconnect(eio_sid)

    async def _handle_event(self, eio_sid: str, namespace: str, id: int | None, data: list[object]) -> None:
        if data[0] in OWN:  # the library would run our handlers for them on what a client says
            raise ValueError("an event of the library's own")
        await super()._handle_event(eio_sid, namespace, id, data)


OWN = ("connect", "disconnect", "*")


def _loads(text: str | bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise ValueError("not JSON") from error


class _Packet(socketio.packet.Packet):  # type: ignore[misc]  # the library has no types
    """A packet of our own: the library's option ``json`` would change Reflex's event socket too.

    msgspec is stricter than the standard library (no NaN, no infinity) and several times as fast.
    """

    json = SimpleNamespace(
        dumps=lambda value, **_: msgspec.json.encode(value).decode(),
        loads=lambda text, **_: _loads(text),
    )
