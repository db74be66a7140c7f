"""The one place where a state class, a route or the signaling server gets what the product remembers and grants.

Accounts, rooms and tickets in the product's words; every refusal is a `Refusal`. Nothing here knows Reflex,
Socket.IO or HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

from .auth.passwords import LONGEST, Passwords, check_strength
from .auth.throttle import Throttle
from .auth.tokens import TICKET_LIFE, Session, Tokens, keep_secret
from .config import Settings
from .core.errors import Refusal
from .core.model import Ticket
from .core.names import clean_name, clean_title
from .store import RecentRoom, RoomRecord, Store, Taken, Unavailable, User
from .store.mongo import MongoStore
from .store.sqlite import SqliteStore

log = logging.getLogger("peermeet")

COOKIE = "peermeet_session"
# Thirteen letters of an alphabet of 32 are 65 random bits, as `secrets` makes them. Neither 0, 1 nor l is among them.
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
RECENT = 20  # rooms that a lobby lists besides one's own
DAY = 86_400


class LobbyRoom(NamedTuple):
    """A line of somebody's lobby."""

    code: str
    title: str
    mine: bool
    present: int


class Attendance:
    """How many sit in each room now. Signaling notes it, lobbies wait for it to change."""

    def __init__(self) -> None:
        self._present: dict[str, int] = {}
        self._changed = asyncio.Event()

    def note(self, code: str, present: int) -> None:
        if self._present.get(code, 0) == present:
            return
        if present:
            self._present[code] = present
        else:
            self._present.pop(code, None)
        self.wake()

    def present(self, code: str) -> int:
        return self._present.get(code, 0)

    def wake(self) -> None:
        """Let every lobby look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, patience: float) -> None:
        """Wait until something changes, or until ``patience`` seconds are over."""
        try:
            async with asyncio.timeout(patience):
                await self._changed.wait()
        except TimeoutError:
            pass


class Services:
    """What PeerMeet can do for somebody. One a process, made by `open_services`."""

    def __init__(self, settings: Settings, store: Store, tokens: Tokens) -> None:
        self.settings = settings
        self.attendance = Attendance()
        self._store = store
        self._tokens = tokens
        self._passwords = Passwords(settings.bcrypt_rounds)
        self._throttle = Throttle()
        # As many as are compared at once: of a burst, those that wait hear how the first ones ended.
        self._signing_in = asyncio.Semaphore(os.cpu_count() or 1)
        self._ended: asyncio.Queue[str] = asyncio.Queue()

    # accounts

    async def register(self, name: object, email: object, password: object, address: str) -> str:
        """Open an account and return its session."""
        await self._throttle.account(address)
        name, email = clean_name(name), _email(email)
        password = check_strength(password, (name, email, email.partition("@")[0]))
        hashed = await self._passwords.hash(password)
        user = User(secrets.token_hex(12), name, _now(), email, hashed)
        try:
            await self._kept(self._store.add_user(user))
        except Taken:
            raise Refusal("email_taken", "email") from None
        log.info("user %s registered", user.id)
        return self._tokens.session(user.id)

    async def sign_in(self, email: object, password: object, address: str) -> str:
        """Return a session, or refuse: the same words and the same time for a wrong password and an unknown email."""
        if not isinstance(email, str) or not isinstance(password, str) or len(password) > LONGEST:
            raise Refusal("wrong_password", "password")
        try:
            email = _email(email)  # as it was kept
        except Refusal:
            email = email.strip()[:320]
        async with self._signing_in:
            await self._throttle.attempt(email.lower(), address)
            try:
                user = await self._kept(self._store.user_by_email(email))
            except ValueError:
                user = None
            if not await self._passwords.verify(password, user.password_hash if user else None) or user is None:
                await self._throttle.failed(address)
                log.info("sign-in refused")
                raise Refusal("wrong_password", "password")
        log.info("user %s signed in", user.id)
        return self._tokens.session(user.id)

    async def come_as_guest(self, name: object, address: str) -> str:
        """Return the session of a new guest."""
        await self._throttle.account(address)
        user = User(secrets.token_hex(12), clean_name(name), _now())
        await self._kept(self._store.add_user(user))
        log.info("guest %s came", user.id)
        return self._tokens.session(user.id)

    async def sign_out(self, session: str | None) -> None:
        """Revoke a session; whoever holds a copy of it holds nothing."""
        if (read := self._tokens.read_session(session)) is not None:
            await self._kept(self._store.revoke_session(read.id, read.expires))
            log.info("user %s signed out", read.user)

    async def who(self, session: str | None) -> User | None:
        """Return whose session this is, or None."""
        read: Session | None = self._tokens.read_session(session)
        if read is None or await self._kept(self._store.is_revoked(read.id, _now())):
            return None
        return await self._kept(self._store.user(read.user))

    async def who_sent(self, cookies: str) -> User | None:
        """Return who sent a Cookie header."""
        return await self.who(read_cookie(cookies))

    @property
    def session_seconds(self) -> int:
        return int(self._tokens.life.total_seconds())

    # rooms

    async def create_room(self, owner: User, title: object) -> RoomRecord:
        """Make a room. Guests own none: nobody could bring them back to it."""
        if owner.guest:
            raise Refusal("not_signed_in")
        room = RoomRecord(new_code(), clean_title(title), owner.id, _now())
        await self._kept(self._store.add_room(room))
        log.info("user %s created room %s", owner.id, room.code)
        self.attendance.wake()
        return room

    async def room(self, code: object) -> RoomRecord:
        """Return a room's record or refuse with ``no_such_room``. How a code is written does not matter."""
        found = await self._kept(self._store.room(tidy_code(code)))
        if found is None:
            raise Refusal("no_such_room")
        return found

    async def exists(self, code: str) -> bool:
        return await self._kept(self._store.room(code)) is not None

    async def delete_room(self, user: User, code: object) -> None:
        """Delete a room and end the meeting in it."""
        room = await self.room(code)
        if not await self._kept(self._store.delete_room(room.code, user.id)):
            raise Refusal("not_your_room")
        log.info("user %s deleted room %s", user.id, room.code)
        self._ended.put_nowait(room.code)
        self.attendance.wake()

    async def ended(self) -> str:
        """Return the code of the next room whose meeting must end."""
        return await self._ended.get()

    async def lobby(self, user: User) -> list[LobbyRoom]:
        """Return own rooms, newest first, then those visited, latest first."""
        mine = await self._kept(self._store.rooms_of(user.id))
        recent: list[RecentRoom] = await self._kept(self._store.recent_rooms(user.id, RECENT + len(mine)))
        visited = [r.room for r in recent if r.room.owner != user.id][:RECENT]
        return [
            LobbyRoom(room.code, room.title, room.owner == user.id, self.attendance.present(room.code))
            for room in (*mine, *visited)
        ]

    # tickets

    async def ticket(self, user: User, code: object, address: str) -> str:
        """Return a ticket for a room, and remember the visit."""
        await self._throttle.ticket(address)
        room = await self.room(code)
        await self._kept(self._store.note_visit(user.id, room.code, _now()))
        role = "host" if room.owner == user.id else "member"
        return self._tokens.ticket(room=room.code, user=user.id, name=user.name, role=role, guest=user.guest)

    async def admit(self, ticket: object) -> Ticket:
        """Return a ticket that was good, once; or refuse."""
        read = self._tokens.read_ticket(ticket)
        now = _now()
        if not await self._kept(self._store.use_ticket(read.id, now + 2 * TICKET_LIFE, now)):
            raise Refusal("ticket_used")
        return read

    # the house

    async def tidy(self) -> None:
        """Forget what is over, once a day, until cancelled."""
        while True:
            now = _now()
            try:
                await self._store.purge(now)
                await self._store.delete_guests(now - 2 * self._tokens.life)
            except Unavailable:
                log.warning("the store did not answer; it is tidied tomorrow")
            await asyncio.sleep(DAY)

    async def warm(self) -> None:
        await self._passwords.warm()

    async def close(self) -> None:
        self._passwords.close()
        await self._store.close()

    @staticmethod
    async def _kept(asked):
        try:
            return await asked
        except Unavailable as error:
            log.error("the store does not answer: %s", type(error.__cause__).__name__)
            raise Refusal("unavailable") from None


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the store and lend the services; to be called where the event loop runs, never at import."""
    store: Store
    if settings.mongo_url:
        store = await MongoStore.open(settings.mongo_url)
    else:
        store = await SqliteStore.open(settings.data / "peermeet.db")
    secret = settings.secret or keep_secret(settings.data)
    services = Services(settings, store, Tokens(secret, timedelta(hours=settings.session_hours), _now))
    await services.warm()
    tidying = asyncio.create_task(services.tidy())
    try:
        yield services
    finally:
        tidying.cancel()
        await services.close()


def new_code() -> str:
    """Return a new room code: ``xxxx-xxxxx-xxxx``, 65 random bits."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(13))
    return f"{letters[:4]}-{letters[4:9]}-{letters[9:]}"


def tidy_code(code: object) -> str:
    """Return a code as it was made: people type capitals and forget hyphens."""
    if not isinstance(code, str) or len(code) > 64:
        raise Refusal("no_such_room")
    letters = code.strip().lower().replace("-", "")
    if len(letters) != 13 or not letters.isascii() or not letters.isalnum():
        raise Refusal("no_such_room")
    return f"{letters[:4]}-{letters[4:9]}-{letters[9:]}"


def read_cookie(header: str) -> str | None:
    """Return the session in a Cookie header."""
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _email(text: object) -> str:
    if not isinstance(text, str) or len(text) > 320 or "." not in text.rpartition("@")[2]:
        raise Refusal("bad_email", "email")
    try:
        # Mail is never sent: what matters is the form, so that addresses of test and home domains are as good.
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise Refusal("bad_email", "email") from None
    return found.normalized


def _now() -> datetime:
    return datetime.now(UTC)
