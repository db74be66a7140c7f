"""One address for several servers: new connections go to them in turn, to those that are there."""

from __future__ import annotations

import asyncio
import contextlib

HEAD = 65_536  # bytes of a request's head, at most


class Front:
    """A TCP proxy on loopback. Signaling sockets go round and round; all else goes to the first server there is."""

    def __init__(self, *ports: int) -> None:
        self._ports = list(ports)
        self._turn = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self.signaling: list[int] = []  # to which ports sockets of signaling went

    async def open(self) -> Front:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0, limit=HEAD)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        return self

    async def close(self) -> None:
        self._server.close()
        while self._writers:
            await _close(self._writers.pop())

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if (there := await self._reach(signaling=head.startswith(b"GET /rtc/"))) is not None:
                self._writers.add(there[1])
                there[1].write(head)
                await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))
                self._writers.discard(there[1])
        self._writers.discard(writer)
        await _close(writer)

    async def _reach(self, *, signaling: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        first = self._turn if signaling else 0
        self._turn += signaling
        for n in range(len(self._ports)):
            port = self._ports[(first + n) % len(self._ports)]
            with contextlib.suppress(OSError):
                reached = await asyncio.open_connection("127.0.0.1", port)
                if signaling:
                    self.signaling.append(port)
                return reached
        return None


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(HEAD):
            writer.write(data)
            await writer.drain()
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
