"""A raw TURN client (RFC 8489, RFC 8656): as much as it takes to ask a relay for what it must refuse.

One socket, one question at a time, nothing remembered but the nonce. Addresses are pairs of text and number.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from typing import NamedTuple

BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
MAPPED, USERNAME, INTEGRITY, ERROR_CODE, CHANNEL, LIFETIME = 0x01, 0x06, 0x08, 0x09, 0x0C, 0x0D
PEER, PAYLOAD, REALM, NONCE, RELAYED, FAMILY, TRANSPORT = 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19
XOR_MAPPED, FINGERPRINT = 0x20, 0x8028
COOKIE = 0x2112A442
UDP, TCP = 17, 6  # REQUESTED-TRANSPORT: numbers of protocols
V4, V6 = 1, 2  # families of addresses
TRIES = (0.5, 1.0, 2.0, 4.0)  # seconds that each waits for an answer; over TCP their sum

Address = tuple[str, int]


class Message(NamedTuple):
    """A STUN message, taken apart."""

    method: int
    kind: int
    transaction: bytes
    attributes: dict[int, bytes]
    size: int

    @property
    def code(self) -> int:
        """200, or the number of the error."""
        if self.kind == SUCCESS:
            return 200
        value = self.attributes[ERROR_CODE]
        return (value[2] & 7) * 100 + value[3]

    def address(self, attribute: int) -> Address:
        value = self.attributes[attribute]
        port, host = struct.unpack("!H", value[2:4])[0], value[4:]
        if attribute != MAPPED:
            port ^= COOKIE >> 16
            host = _xor(host, self.transaction)
        return socket.inet_ntop(socket.AF_INET if value[1] == V4 else socket.AF_INET6, host), port

    def number(self, attribute: int) -> int:
        return int.from_bytes(self.attributes[attribute], "big")


class Silence(Exception):
    """The relay does not answer."""


class Client:
    """One person at one relay. ``sock`` is connected to it: UDP, TCP or TLS."""

    def __init__(self, sock: socket.socket, username: str = "", password: str = "") -> None:
        self._sock = sock
        self._stream = sock.type == socket.SOCK_STREAM
        self._read = b""
        self._early: list[bytes] = []  # heard while an answer was waited for
        self.username = username
        self.password = password
        self._realm = self._nonce = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self._sock.close()

    # ---- what can be asked

    def binding(self) -> Message:
        return self.ask(BINDING, signed=False)

    def allocate(self, *, transport: int = UDP, family: int | None = None, signed: bool = True) -> Message:
        more = {TRANSPORT: bytes([transport, 0, 0, 0])}
        if family is not None:
            more[FAMILY] = bytes([family, 0, 0, 0])
        return self.ask(ALLOCATE, more, signed=signed)

    def refresh(self, lifetime: int = 600) -> Message:
        return self.ask(REFRESH, {LIFETIME: struct.pack("!I", lifetime)})

    def permit(self, *peers: str) -> Message:
        """CreatePermission, for one or several hosts at once."""
        return self.ask(CREATE_PERMISSION, [(PEER, (host, 0)) for host in peers])

    def bind(self, peer: Address, channel: int = 0x4000) -> Message:
        return self.ask(CHANNEL_BIND, [(CHANNEL, struct.pack("!HH", channel, 0)), (PEER, peer)])

    def send(self, peer: Address, data: bytes) -> None:
        """Send indication: answered by nothing, whatever becomes of it."""
        transaction = os.urandom(12)
        body = _attribute(PEER, _address(peer, transaction)) + _attribute(PAYLOAD, data)
        self._write(_header(SEND, INDICATION, len(body), transaction) + body)

    def send_channel(self, data: bytes, channel: int = 0x4000) -> None:
        self._write(struct.pack("!HH", channel, len(data)) + data)

    def hear(self, patience: float = 2.0) -> bytes:
        """Return what some peer sent, by Data indication or by channel."""
        for packet in self._packets(time.monotonic() + patience):
            if packet[0] & 0xC0 == 0x40:
                return packet[4 : 4 + struct.unpack("!H", packet[2:4])[0]]
            message = parse(packet)
            if message.method == DATA and message.kind == INDICATION:
                return message.attributes[PAYLOAD]
        raise Silence

    def ask(
        self, method: int, attributes: dict[int, bytes] | list[tuple[int, bytes | Address]] = (), *, signed: bool = True
    ) -> Message:
        """Ask and return the answer. Signed: with the long-term credential, after one 401 that brings the nonce."""
        pairs = list(attributes.items()) if isinstance(attributes, dict) else list(attributes)
        answer = self._ask(method, pairs, signed=signed and bool(self._nonce))
        challenged = answer.kind == ERROR and answer.code in {401, 438} and NONCE in answer.attributes
        stale = answer.kind == ERROR and answer.code == 438
        if signed and challenged and (stale or not self._nonce):
            self._realm, self._nonce = answer.attributes[REALM], answer.attributes[NONCE]
            answer = self._ask(method, pairs, signed=True)
        return answer

    # ---- how

    def _ask(self, method: int, attributes: list[tuple[int, bytes | Address]], *, signed: bool) -> Message:
        transaction = os.urandom(12)
        body = b"".join(
            _attribute(kind, value if isinstance(value, bytes) else _address(value, transaction))
            for kind, value in attributes
        )
        if signed:
            body += _attribute(USERNAME, self.username.encode())
            body += _attribute(REALM, self._realm) + _attribute(NONCE, self._nonce)
            key = hashlib.md5(b":".join((self.username.encode(), self._realm, self.password.encode()))).digest()
            covered = _header(method, REQUEST, len(body) + 24, transaction) + body
            body += _attribute(INTEGRITY, hmac.new(key, covered, hashlib.sha1).digest())
        request = _header(method, REQUEST, len(body), transaction) + body
        for wait in (sum(TRIES),) if self._stream else TRIES:
            self._write(request)
            for packet in self._packets(time.monotonic() + wait):
                if packet[0] & 0xC0 == 0 and packet[8:20] == transaction:
                    return parse(packet)
                self._early.append(packet)
        raise Silence

    def _write(self, packet: bytes) -> None:
        if self._stream:
            self._sock.sendall(packet + bytes(-len(packet) % 4))
        else:
            self._sock.send(packet)

    def _packets(self, deadline: float) -> Iterator[bytes]:
        """Yield what arrives until then; first what came too early for anybody."""
        early, self._early = self._early, []
        yield from early
        while (left := deadline - time.monotonic()) > 0:
            self._sock.settimeout(left)
            try:
                arrived = self._sock.recv(65536)
            except TimeoutError:
                return
            except ConnectionError:
                raise Silence from None
            if not self._stream:
                yield arrived
                continue
            if not arrived:
                raise Silence
            self._read += arrived
            while len(self._read) >= 4 and len(self._read) >= (whole := _length(self._read)):
                packet, self._read = self._read[:whole], self._read[whole:]
                yield packet


def parse(packet: bytes) -> Message:
    kind, length, cookie = struct.unpack("!HHI", packet[:8])
    assert cookie == COOKIE
    assert length == len(packet) - 20
    attributes: dict[int, bytes] = {}
    at = 20
    while at < len(packet):
        attribute, size = struct.unpack("!HH", packet[at : at + 4])
        attributes.setdefault(attribute, packet[at + 4 : at + 4 + size])
        if attribute == FINGERPRINT:
            assert int.from_bytes(attributes[attribute], "big") == zlib.crc32(packet[:at]) ^ 0x5354554E
        at += 4 + size + -size % 4
    method = (kind & 0x000F) | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2
    return Message(method, kind & ERROR, packet[8:20], attributes, len(packet))


def _length(read: bytes) -> int:
    """Return how long the first packet of a stream is: STUN, or channel data padded to four."""
    length = struct.unpack("!H", read[2:4])[0]
    return 20 + length if read[0] & 0xC0 == 0 else 4 + length + -length % 4


def _header(method: int, kind: int, length: int, transaction: bytes) -> bytes:
    return struct.pack("!HHI", method | kind, length, COOKIE) + transaction  # methods below 16 need no shifting


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _address(peer: Address, transaction: bytes) -> bytes:
    family = socket.AF_INET6 if ":" in peer[0] else socket.AF_INET
    host = _xor(socket.inet_pton(family, peer[0]), transaction)
    return struct.pack("!BBH", 0, V6 if ":" in peer[0] else V4, peer[1] ^ COOKIE >> 16) + host


def _xor(host: bytes, transaction: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(host, struct.pack("!I", COOKIE) + transaction, strict=False))
