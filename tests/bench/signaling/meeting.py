"""What is said in a room when somebody joins, as `assets/peermeet/peer.js` says it, by clients of any protocol."""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

from .client import PATIENCE, Client, Refused

# Characters of a description by Chromium 156 for one microphone, one camera and a data channel, as the pages send it.
OFFER, ANSWER = 5_437, 5_140
CANDIDATES = 7  # of one side: two interfaces over UDP and TCP, and what STUN and TURN find


class Script(NamedTuple):
    """What the one side of a new pair says, and the other side when it hears the offer. Each is a signal's inside."""

    offers: tuple[str, ...]
    answers: tuple[str, ...]

    @property
    def signals(self) -> int:
        """How many are relayed for each pair."""
        return len(self.offers) + len(self.answers)


def description(kind: str, length: int) -> str:
    """Return a description of that length: lines as long as those of a real one, so as many to escape."""
    line = "a=rtcp-fb:96 transport-cc\r\n"
    sdp = ("v=0\r\n" + line * (length // len(line) + 1))[:length]
    return '"description":' + json.dumps({"type": kind, "sdp": sdp}, separators=(",", ":"))


def candidate(n: int) -> dict[str, object]:
    line = (
        f"candidate:{3421750448 + n} 1 udp 2122194687 192.0.2.{n} 38783 typ host generation 0 ufrag SLPO network-id 1"
    )
    return {"candidate": line, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "SLPO"}


def candidates(*numbers: int) -> str:
    return '"candidates":' + json.dumps([candidate(n) for n in numbers], separators=(",", ":"))


# As the pages do it: everything that is gathered within 20 ms is one signal (BUNDLE). Four browsers that join one room
# one by one sent these four signals a pair, now and then a fifth.
BUNDLED = Script(
    (description("offer", OFFER), candidates(*range(CANDIDATES))),
    (description("answer", ANSWER), candidates(*range(CANDIDATES))),
)
# As most pages elsewhere do it: each candidate alone.
TRICKLED = Script(
    (description("offer", OFFER), *(candidates(n) for n in range(CANDIDATES))),
    (description("answer", ANSWER), *(candidates(n) for n in range(CANDIDATES))),
)
SILENT = Script((), ())  # nobody signals: what sitting down costs by itself
IS_OFFER = b'"type":"offer"'


class Meeting:
    """One room of clients who signal by a script."""

    def __init__(self, script: Script) -> None:
        self.clients: list[Client] = []
        self._script = script
        self._meetings = 0  # of one with another, counted on both sides
        self.heard = 0  # signals that were relayed
        self._changed = asyncio.Event()

    async def joins(self, client: Client) -> None:
        """Sit somebody down; returns when they and everybody who was there know of each other and have heard all that
        the script says."""
        client.met, client.signaled, client.troubled = self._met, self._signaled, self._changed.set
        others = len(self.clients)
        meetings, heard = self._meetings + 2 * others, self.heard + others * self._script.signals
        await client.join()
        self.clients.append(client)
        try:
            async with asyncio.timeout(PATIENCE):
                while self._meetings < meetings or self.heard < heard:
                    self.check()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            if self._meetings < meetings:
                raise Refused("people of one room do not see each other: do the processes share their rooms?") from None
            raise Refused(f"{heard - self.heard} signals did not arrive") from None

    async def settles(self) -> None:
        """Return when nobody waits for an answer any more."""
        await asyncio.gather(*(client.settled() for client in self.clients))
        self.check()

    async def leaves(self) -> None:
        await asyncio.gather(*(client.leave() for client in self.clients))
        self.clients.clear()

    def check(self) -> None:
        """Raise `Refused` if anything was: then nothing that was measured is worth a thing."""
        for client in self.clients:
            if client.refused is not None:
                raise Refused(client.refused)

    def _met(self, me: Client, other: str) -> None:
        self._meetings += 1
        self._changed.set()
        if me.id < other:  # both know both ids: the one that is not polite offers at once
            for body in self._script.offers:
                me.signal(other, body)

    def _signaled(self, me: Client, by: str, message: bytes) -> None:
        self.heard += 1
        if IS_OFFER in message:
            for body in self._script.answers:
                me.signal(by, body)
        self._changed.set()
