"""uvicorn as PeerMeet runs it: what it is told, and an HTTP protocol that does not wait for ever.

uvicorn bounds how long a connection idles between two requests, and nothing else: half a request's head is held, and
kept in memory, for as long as the other end likes. WebSockets have their own patience, in `signaling`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .signaling import limits

log = logging.getLogger("peermeet.serving")


class Impatient(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a time for the head of a request, a size for it, and a pace for its body."""

    # From the first byte, or from the connection's own beginning, to the end of the headers. A phone on a slow network
    # needs two; browsers open connections ahead of need, and open another when one is closed.
    head_within = 5.0  # seconds
    # Browsers send 2 kB, a corporate proxy with its cookies 16; more is memory for nothing.
    head_bytes = 65_536
    # Slower than any modem is somebody who wants to keep a connection. Our own bodies have 16 KiB at most; a plugin's
    # upload may have more, and takes its time.
    step = 10.0  # seconds
    step_bytes = 1_000

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        self._in_head = False
        self._arrived = 0  # bytes of the head, or of the body within this step

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_begins()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # uvicorn stops its own timer at any byte, also at those that begin no request.
        if not self._in_head and (self.cycle is None or self.cycle.response_complete):
            self._head_begins()
        super().data_received(data)
        if self._in_head:
            self._arrived += len(data)
            if self._arrived > self.head_bytes and not self.transport.is_closing():
                self._refuse(431)

    def on_headers_complete(self) -> None:
        self._in_head, self._arrived = False, 0
        self._wait(self.step, self._look)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._arrived += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._wait(None)
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._in_head = False
        self._wait(None)
        super().handle_websocket_upgrade()

    def _head_begins(self) -> None:
        self._in_head, self._arrived = True, 0
        self._wait(self.head_within, self._late)

    def _look(self) -> None:
        """See whether a body goes on arriving. While the application does not read, nothing can."""
        if self._arrived < self.step_bytes and not self.flow.read_paused:
            self._late()
        else:
            self._arrived = 0
            self._wait(self.step, self._look)

    def _late(self) -> None:
        self._timer = None
        log.debug("connection closed: its request did not arrive")
        self.transport.close()

    def _refuse(self, status: int) -> None:
        self._wait(None)
        log.debug("connection closed: its request's head is too large")
        self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()

    def _wait(self, seconds: float | None, then: Any = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, then)


def options(trusted_proxies: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what `uvicorn.Config` is told, besides the application."""
    return {
        "http": Impatient,
        "ws": "websockets-sansio",
        "ws_max_size": limits.MAX_FRAME,
        "ws_per_message_deflate": False,  # signaling is small; a deflate context costs each idle socket tens of kB
        "proxy_headers": bool(trusted_proxies),
        "forwarded_allow_ips": list(trusted_proxies),
        "access_log": False,
        "server_header": False,
        "log_config": None,
        "log_level": "warning",
        "timeout_graceful_shutdown": 3,
    }
