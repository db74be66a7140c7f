"""PeerMeet's protocol (PROTOCOL.md) over Engine.IO 4 and Socket.IO 5, spoken by hand."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from itertools import count

from .client import PATIENCE, Address, Client, post
from .town import Person, Town

EVENT, ANSWER = b"42/meeting,", b"43/meeting,"
TYPE = re.compile(rb'"type":"(\w+)"')
BY = re.compile(rb'"by":"([^"]+)"')


class Participant(Client):
    """One browser tab. ``over_http``: its ticket is asked for as a page does; else the bench makes one, as only
    somebody who knows the server's secret can. ``publishes`` a microphone and a camera, as most people do."""

    path = "/rtc/?EIO=4&transport=websocket"

    def __init__(
        self, address: Address, town: Town, person: Person, room: str, *, over_http: bool, publishes: bool
    ) -> None:
        super().__init__(address)
        self._town = town
        self._person = person
        self._room = room
        self._over_http = over_http
        self._publishes = publishes
        self._numbers = count()
        self._unanswered = 0
        self._settled = asyncio.Event()
        self._early: list[bytes] | None = []  # what comes before the answer to `join` waits for it

    async def open(self) -> None:
        if self._over_http:
            body = json.dumps({"room": self._room}).encode()
            answer = await post(self.address, "/api/tickets", body, self._town.cookie(self._person))
            self._ticket = json.loads(answer)["ticket"]
        else:
            self._ticket = self._town.ticket(self._person, self._room, self.address.source)
        await super().open()

    def hear(self, message: bytes) -> bool:
        if message == b"2":
            self.socket.say(b"3")
            return False
        if message.startswith(EVENT):
            if self._early is None:
                self._event(message)
            else:
                self._early.append(message)
        elif message.startswith(ANSWER):
            self._answer(message)
        elif message.startswith(b"0"):
            self.socket.say(b'40/meeting,{"ticket":"%s"}' % self._ticket.encode())
        elif message.startswith(b"40"):
            self._command(f'"type":"join","room":"{self._room}","device":"{secrets.token_hex(12)}"')
        else:
            self.refuse(message.decode())
        return True

    def signal(self, to: str, body: str) -> None:
        self._command(f'"type":"signal","to":"{to}",{body}')

    async def leave(self) -> None:
        """Give the seat up: one that is lost is kept."""
        self._command('"type":"leave"')
        await self.settled()
        await super().leave()

    async def settled(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._settled.wait()

    def _command(self, inside: str) -> None:
        self._unanswered += 1
        self._settled.clear()
        self.socket.say(f'42/meeting,{next(self._numbers)}["command",{{{inside}}}]'.encode())

    def _answer(self, message: bytes) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._settled.set()
        if b'{"error":' in message:
            self.refuse(message.decode())
        elif self._early is not None:
            self._sit(json.loads(message[message.index(b"[") :])[0])

    def _sit(self, seat: dict[str, str]) -> None:
        self.id = seat["you"]
        if self._publishes:
            for source in ("microphone", "camera"):
                stream = f"{secrets.token_hex(16)}-{source[:3]}"  # 36 characters, as browsers make them
                self._command(f'"type":"publish","source":"{source}","stream_id":"{stream}","muted":false')
        early, self._early = self._early or [], None
        for message in early:
            self._event(message)
        self.seated()

    def _event(self, message: bytes) -> None:
        kind = TYPE.search(message)
        if kind is None:
            return
        if kind[1] == b"signaled":
            by = BY.search(message)
            assert by is not None
            self.signaled(self, by[1].decode(), message)
        elif kind[1] == b"participant_joined":
            self.met(self, json.loads(message[len(EVENT) :])[1]["participant"]["id"])
        elif kind[1] == b"welcomed":
            for other in json.loads(message[len(EVENT) :])[1]["room"]["participants"]:
                if other["id"] != self.id:
                    self.met(self, other["id"])
