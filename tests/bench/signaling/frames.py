"""WebSocket frames (RFC 6455) of a client that costs next to nothing: whole text frames out, whole frames in."""

from __future__ import annotations

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FIN, MASKED = 0x80, 0x80
# XOR with it changes nothing, so this side need not compute what the server computes all the same.
KEY = bytes(4)


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a client's frame around ``payload``."""
    length = len(payload)
    if length < 126:
        head = bytes((FIN | opcode, MASKED | length))
    elif length < 1 << 16:
        head = bytes((FIN | opcode, MASKED | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((FIN | opcode, MASKED | 127)) + length.to_bytes(8, "big")
    return head + KEY + payload


def size(payload: bytes) -> int:
    """Return how many bytes a server's frame around ``payload`` has."""
    return len(payload) + (2 if len(payload) < 126 else 4 if len(payload) < 1 << 16 else 10)


class Frames:
    """A server's frames out of its bytes, however TCP cut them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Return the frames that are whole now: opcode and payload. Raises ValueError for what no server of ours
        sends: masked or fragmented frames."""
        data = self._rest + data if self._rest else data
        found, at, end = [], 0, len(data)
        while end - at >= 2:
            first, length, start = data[at], data[at + 1], at + 2
            if length & MASKED or not first & FIN:
                raise ValueError("a masked or fragmented frame")
            if length >= 126:
                start += 2 if length == 126 else 8
                if end < start:
                    break
                length = int.from_bytes(data[at + 2 : start], "big")
            if end < start + length:
                break
            at = start + length
            found.append((first & 0x0F, data[start:at]))
        self._rest = data[at:]
        return found
