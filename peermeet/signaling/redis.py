"""Live meetings in Redis, for several processes (*nodes*) that share them.

    peermeet:room:ID   "COUNT MEETING JSON"   a meeting, its version in front; gone by itself when nobody keeps it alive
    peermeet:rooms     sorted set             every room, by the time at which something in it is over
    peermeet:nodes     sorted set             every node, by the time at which it last said that it is alive
    peermeet:events    channel                what sockets are told, in the order in which it was decided

A script compares a version, writes and publishes in one step: the order of the channel is the order of the changes.
Redis may lose everything: each node puts back what it has seen last, and tells its people anew.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import socketio
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ..core import wire
from ..core.errors import Refusal
from .rooms import Dismissed, Held, Parcel, Post, Present, Stale, Told

log = logging.getLogger("peermeet.signaling")

NAMESPACE = "/meeting"
PREFIX = "peermeet:"
CHANNEL = PREFIX + "events"

PATIENCE = 2.0  # seconds for an answer; on one network it takes a thousandth of that
CONNECTIONS = 32  # of one node, at most; a command holds one for about half a millisecond
AGAIN = (0.1, 0.2, 0.5, 1.0)  # seconds until a lost subscription is tried again; the last one from then on
QUIET = 5.0  # seconds without a message after which the channel is asked whether it is there
LIFE = 120_000  # ms for which a room outlives the last node that kept it alive: a restart of the whole house
KEEP = 20.0  # seconds between two words that a room is alive, several times within its life
DEAD = 5.0  # seconds without a word after which a node counts as dead; a starved machine says one in two
DUE_AT_ONCE = 200  # rooms that one tick of one node looks at

# Answers "" once it is done, else what is there instead. ARGV: id, version before, value after ("" none, "=" the same),
# life, when due, channel, messages ...
COMMIT = """
local now = redis.call('GET', KEYS[1])
local version = now and string.match(now, '^(%d+ %S+) ') or ''
if version ~= ARGV[2] then return {version, now or ''} end
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
elseif ARGV[3] ~= '=' then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[1])
end
for i = 7, #ARGV do redis.call('PUBLISH', ARGV[6], ARGV[i]) end
return ''
"""

# Answers "=" if it is as last seen, else the value. ARGV: version as last seen.
READ = """
local now = redis.call('GET', KEYS[1])
if not now then return '' end
if string.match(now, '^(%d+ %S+) ') == ARGV[1] then return '=' end
return now
"""

# Puts a room back that Redis has lost, or has an older state of. ARGV: id, count, meeting, value, life, when due.
RESTORE = """
local now = redis.call('GET', KEYS[1])
if now then
  local count, meeting = string.match(now, '^(%d+) (%S+) ')
  if meeting ~= ARGV[3] or tonumber(count) >= tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[6], ARGV[1])
return 1
"""

# Says that a node is alive; answers whether that was news, and who has not said so for too long. ARGV: node, seconds.
BEAT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1000000
local new = redis.call('ZADD', KEYS[1], now, ARGV[1])
return {new, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])}
"""


class Emit(msgspec.Struct, frozen=True, tag_field="method", tag="emit"):
    """What python-socketio's managers publish: an event for some sockets."""

    room: tuple[str, ...]
    data: tuple[Any, ...]


class Disconnect(msgspec.Struct, frozen=True, tag_field="method", tag="disconnect"):
    sid: str


class Sitting(msgspec.Struct, frozen=True, tag_field="method", tag="present"):
    room: str
    number: int


class Hello(msgspec.Struct, frozen=True, tag_field="method", tag="hello"):
    """A node hears the channel again: what was said meanwhile, it has not heard."""

    node: str


Published = Emit | Disconnect | Sitting | Hello
_encode = msgspec.json.Encoder().encode
_published = msgspec.json.Decoder(Published)
_held = msgspec.json.Decoder(Held)


class Bus(socketio.AsyncRedisManager):  # type: ignore[misc]  # the library has no types
    """python-socketio's manager for Redis, sooner back after a loss, and suspicious of what it hears.

    ``returned`` is awaited each time the channel is heard again, and when another node hears it again.
    """

    def __init__(self, url: str, post: Post, returned: Callable[[], Awaitable[None]]) -> None:
        super().__init__(url, channel=CHANNEL)
        self.node = secrets.token_hex(8)
        pool = aioredis.BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=PATIENCE,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1),
        )
        self.client = aioredis.Redis.from_pool(pool)
        self._listener = aioredis.Redis.from_url(url, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0))
        self._post = post
        self._returned = returned
        self._returning: asyncio.Task[None] | None = None
        self.thread: asyncio.Task[None] | None = None

    def initialize(self) -> None:
        """Do nothing yet: the channel is listened to from `start` on, not from the first client on."""

    def start(self) -> None:
        self.thread = asyncio.create_task(self._thread())

    async def close(self) -> None:
        for task in (self.thread, self._returning):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._listener.aclose()
        await self.client.aclose()

    async def _listen(self) -> AsyncIterator[dict[str, Any]]:
        tries, before = 0, False
        while True:
            try:
                async with self._listener.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(CHANNEL)
                    if tries:
                        log.warning("Redis is back")
                    if before:
                        await self.client.publish(CHANNEL, _encode(Hello(self.node)))
                    tries, before = 0, True
                    self._come_back()
                    async for text in _messages(channel):
                        if (message := self._understood(text)) is not None:
                            yield message
            except (RedisError, OSError, TimeoutError) as error:
                if not tries:
                    log.warning("Redis cannot be reached (%s): rooms stand still until it is back", _name(error))
                await asyncio.sleep(AGAIN[min(tries, len(AGAIN) - 1)])
                tries += 1

    def _understood(self, text: bytes) -> dict[str, Any] | None:
        """Return what the library shall do about a message; None if that is done already, or nothing is to be done."""
        try:
            message = _published.decode(text)
        except msgspec.MsgspecError:
            log.warning("a message on Redis's channel is not understood")
            return None
        match message:
            case Emit(room=sockets, data=data):
                here = [sid for sid in sockets if self.is_connected(sid, NAMESPACE)]
                emit = {"method": "emit", "event": "event", "data": list(data), "namespace": NAMESPACE, "room": here}
                return emit if here else None
            case Disconnect(sid=sid):
                self._post.dismiss(sid)
            case Sitting(room=room, number=number):
                self._post.present(room, number)
            case Hello(node=node) if node != self.node:
                self._come_back()
        return None

    async def _handle_emit(self, message: dict[str, Any]) -> None:
        await super()._handle_emit(message)
        self._post.told(message["room"])

    def _come_back(self) -> None:
        """Have people told anew; once more if it is asked for while that goes on."""
        before = self._returning

        async def return_() -> None:
            if before is not None:
                await asyncio.gather(before, return_exceptions=True)
            try:
                await self._returned()
            except Refusal:  # gone again
                log.info("Redis was lost again")

        self._returning = asyncio.create_task(return_())


class RedisRooms:
    """The meetings of all nodes, as `rooms.Rooms` has it."""

    def __init__(self, bus: Bus) -> None:
        self.node = bus.node
        self._bus = bus
        self._redis = bus.client
        self._commit = self._redis.register_script(COMMIT)
        self._read = self._redis.register_script(READ)
        self._restore = self._redis.register_script(RESTORE)
        self._beat = self._redis.register_script(BEAT)
        self._seen: dict[str, tuple[str, Held]] = {}  # with its version
        self._kept = 0.0  # when rooms were last kept alive
        self._known = False  # whether this node has said that it is alive

    def seen(self, id: str) -> tuple[Held | None, bool]:
        _, held = self._seen.get(id, ("", None))
        return held, False

    async def get(self, id: str) -> Held | None:
        version, held = self._seen.get(id, ("", None))
        async with _available():
            text = await self._read(keys=[_key(id)], args=[version])
        return held if text == b"=" else await self._look(id, text)

    async def commit(self, id: str, before: Held | None, after: Held | None, parcels: Sequence[Parcel]) -> None:
        if after is before and not parcels:
            return
        version, held = self._seen.get(id, ("", None))
        if held is not before:  # another command of this node was quicker to look
            raise Stale(await self.get(id))
        count = int(version.partition(" ")[0] or 0) + 1
        new, value = version, b"="
        if after is None:
            new, value = "", b""
        elif after is not before:
            new = f"{count} {after.meeting}"
            value = f"{new} ".encode() + _encode(after)
        messages = [_encode(_as_published(parcel)) for parcel in parcels]
        args: list[str | bytes | int] = [id, version, value, LIFE, _score(after), CHANNEL, *messages]
        async with _available():
            answer = await self._commit(keys=[_key(id), PREFIX + "rooms"], args=args)
        if answer:
            raise Stale(await self._look(id, answer[1]))
        if after is None:
            self._seen.pop(id, None)
        else:
            self._seen[id] = (new, after)

    async def due(self, now: float) -> list[str]:
        async with _available():
            found = await self._redis.zrange(
                PREFIX + "rooms", "-inf", str(now), byscore=True, offset=0, num=DUE_AT_ONCE
            )
        ids = [id.decode() for id in found]
        for id in ids:
            if await self.get(id) is None:
                await self._strike(id)
        return ids

    async def all(self) -> AsyncIterator[Held]:
        async with _available():
            ids = await self._redis.zrange(PREFIX + "rooms", 0, -1)
        for id in (id.decode() for id in ids):
            known = id in self._seen
            held = await self.get(id)
            if not known:
                self._seen.pop(id, None)  # only looked at
            if held is not None:
                yield held
            else:
                await self._strike(id)

    async def beat(self) -> list[str]:
        """Say that this node is alive, and its rooms; return the nodes that are not."""
        async with _available():
            new, dead = await self._beat(keys=[PREFIX + "nodes"], args=[self.node, DEAD])
        if new and self._known:  # others took us for dead, and our people for away
            log.warning("this node was taken for dead: it may be starved")
            self._bus._come_back()
        self._known = True
        now = asyncio.get_running_loop().time()
        if now - self._kept > KEEP:
            self._kept = now
            await self._keep_alive()
        return [node.decode() for node in dead if node != self.node.encode()]

    async def bury(self, node: str) -> None:
        """Forget a node, once its people are taken care of."""
        async with _available():
            await self._redis.zrem(PREFIX + "nodes", node)

    async def restore(self) -> None:
        """Put back what this node has seen of rooms that are its people's, where Redis has lost it."""
        for id, (version, held) in list(self._seen.items()):
            if not self._is_ours(held):
                continue
            count, _, meeting = version.partition(" ")
            value = f"{version} ".encode() + _encode(held)
            args: list[str | bytes | int] = [id, count, meeting, value, LIFE, _score(held)]
            async with _available():
                await self._restore(keys=[_key(id), PREFIX + "rooms"], args=args)

    async def _keep_alive(self) -> None:
        ours = [id for id, (_, held) in self._seen.items() if self._is_ours(held)]
        async with _available(), self._redis.pipeline(transaction=False) as pipeline:
            for id in ours:
                pipeline.pexpire(_key(id), LIFE)
            await pipeline.execute()
        self._seen = {id: self._seen[id] for id in ours if id in self._seen}

    def _is_ours(self, held: Held) -> bool:
        return any(place.node == self.node for place in held.places.values())

    async def _look(self, id: str, text: bytes) -> Held | None:
        """Remember a value as it was seen, and return it."""
        if not text:
            self._seen.pop(id, None)
            return None
        count, meeting, value = (*text.split(b" ", 2), b"", b"")[:3]
        try:
            held = _held.decode(value)
        except msgspec.MsgspecError:  # not ours, or damaged: people join anew
            log.error("room %s: what Redis has of it is not understood, and thrown away", id)
            self._seen.pop(id, None)
            async with _available():
                await self._redis.delete(_key(id))
            return None
        self._seen[id] = (b" ".join((count, meeting)).decode(), held)
        return held

    async def _strike(self, id: str) -> None:
        async with _available():
            await self._redis.zrem(PREFIX + "rooms", id)


async def _messages(channel: Any) -> AsyncIterator[bytes]:
    """Yield what is published, and find out when nothing arrives because nothing can."""
    asked = False
    while True:
        message = await channel.get_message(timeout=QUIET)
        if message is None:
            if asked:
                raise TimeoutError
            await channel.ping()
        elif message["type"] == "message":
            yield message["data"]
        asked = message is None


@asynccontextmanager
async def _available() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        log.debug("Redis does not answer: %s", _name(error))
        raise Refusal("unavailable") from None


def _as_published(parcel: Parcel) -> dict[str, Any] | Published:
    match parcel:
        case Told(sockets=sockets, event=event):
            return Emit(sockets, (wire.build(event),))
        case Dismissed(socket=socket):
            return Disconnect(socket)
        case Present(room=room, number=number):
            return Sitting(room, number)


def _key(id: str) -> str:
    return f"{PREFIX}room:{id}"


def _score(held: Held | None) -> str:
    due = held.due if held else None
    return "+inf" if due is None else repr(due)


def _name(error: Exception) -> str:
    return type(error).__name__
