"""The one place where a state class, a route or the signaling server gets what the product remembers and grants.

A noun a file; `Services` is all of them. In the product's words; every refusal is a `Refusal`. Nothing here knows
Reflex, Socket.IO or HTTP. Every method that is handed a user asks whether the thing is theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from ..auth.tokens import Tokens, keep_secret
from ..config import Settings
from ..store import Store, Unavailable
from ..store.mongo import MongoStore
from ..store.sqlite import SqliteStore
from .accounts import COOKIE, read_cookie
from .desk import Live, now
from .history import History, Stay
from .invitations import Came, InvitationLine, Invitations, NewInvitation
from .present import Attendance
from .rooms import ALPHABET, RECENT, LobbyRoom, Options, new_code, tidy_code
from .tickets import Door, Tickets

log = logging.getLogger("peermeet")

DAY = 86_400

__all__ = [
    "ALPHABET",
    "COOKIE",
    "RECENT",
    "Attendance",
    "Came",
    "Door",
    "InvitationLine",
    "Live",
    "LobbyRoom",
    "NewInvitation",
    "Options",
    "Services",
    "Stay",
    "new_code",
    "open_services",
    "read_cookie",
    "tidy_code",
]


class Services(Tickets, Invitations, History):
    """What PeerMeet can do for somebody. One a process, made by `open_services`."""

    def __init__(self, settings: Settings, store: Store, tokens: Tokens) -> None:
        super().__init__(settings, store, tokens)
        self._saving = asyncio.Lock()  # records are read, changed and written as a whole

    async def tidy(self) -> None:
        """Forget what is over, once a day, until cancelled."""
        while True:
            at = now()
            try:
                await self._store.purge(at)
                await self._store.delete_guests(at - 2 * self._tokens.life)
            except Unavailable:
                log.warning("the store did not answer; it is tidied tomorrow")
            await asyncio.sleep(DAY)

    async def warm(self) -> None:
        await self._passwords.warm()

    async def close(self) -> None:
        for chore in self._chores:
            chore.cancel()
        await self.recorder.close()
        self._passwords.close()
        await self._throttle.close()
        await self._store.close()


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the store and lend the services; to be called where the event loop runs, never at import."""
    store: Store
    if settings.mongo_url:
        store = await MongoStore.open(settings.mongo_url)
    else:
        store = await SqliteStore.open(settings.data / "peermeet.db")
    secret = settings.secret or keep_secret(settings.data)
    services = Services(settings, store, Tokens(secret, timedelta(hours=settings.session_hours), now))
    await services.warm()
    tidying = asyncio.create_task(services.tidy())
    try:
        yield services
    finally:
        tidying.cancel()
        await services.close()
