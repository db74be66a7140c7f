"""Accounts: who somebody is, and how they come and go."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from http.cookies import CookieError, SimpleCookie

from email_validator import EmailNotValidError, validate_email

from ..auth.passwords import LONGEST, check_strength
from ..auth.throttle import sign_in_from
from ..auth.tokens import TICKET_LIFE
from ..core.errors import Refusal
from ..core.names import clean_name
from ..store import Taken, User
from .desk import Desk, now

log = logging.getLogger("peermeet")

COOKIE = "peermeet_session"
# Whoever has shown a ticket to signaling has five seconds to sit down, and nobody asks about their session any more.
ARRIVING = 6.0  # seconds


class Accounts(Desk):
    async def register(self, name: object, email: object, password: object, address: str) -> str:
        """Open an account and return its session."""
        await self._throttle.account(address)
        name, email = clean_name(name), _email(email)
        password = check_strength(password, (name, email, email.partition("@")[0]))
        hashed = await self._passwords.hash(password)
        user = User(secrets.token_hex(12), name, now(), email, hashed)
        try:
            await self._kept(self._store.add_user(user))
        except Taken:
            raise Refusal("email_taken", "email") from None
        log.info("user %s registered", user.id)
        return self._session(user)

    async def sign_in(self, email: object, password: object, address: str) -> str:
        """Return a session, or refuse: the same words and the same time for a wrong password and an unknown email."""
        if not isinstance(email, str) or not isinstance(password, str) or len(password) > LONGEST:
            raise Refusal("wrong_password", "password")
        try:
            email = _email(email)  # as it was kept
        except Refusal:
            email = email.strip()[:320]
        user = await self._check_password(email, password, address)
        log.info("user %s signed in", user.id)
        return self._session(user)

    async def come_as_guest(self, name: object, address: str) -> str:
        """Return the session of a new guest."""
        await self._throttle.account(address)
        user = User(secrets.token_hex(12), clean_name(name), now())
        await self._kept(self._store.add_user(user))
        log.info("guest %s came", user.id)
        return self._session(user)

    async def sign_out(self, session: str | None) -> None:
        """Revoke a session and give up the seats that were taken in it; whoever holds a copy of it holds nothing. One
        that has ended already ends nothing."""
        read = self._tokens.read_session(session)
        if read is None or await self._alive(read.id, read.user, read.key) is None:
            return
        await self._kept(self._store.revoke_session(read.id, read.expires))
        log.info("user %s signed out", read.user)
        await self._expel(read.user, session=read.id)

    async def who(self, session: str | None) -> User | None:
        """Return whose session this is, or None."""
        read = self._tokens.read_session(session)
        return None if read is None else await self._alive(read.id, read.user, read.key)

    async def who_sent(self, cookies: str) -> User | None:
        """Return who sent a Cookie header."""
        return await self.who(read_cookie(cookies))

    @property
    def session_seconds(self) -> int:
        return int(self._tokens.life.total_seconds())

    async def rename(self, user: User, name: object) -> None:
        """Give somebody another name. Meetings that go on keep the one they came with."""
        if not await self._kept(self._store.rename_user(user.id, clean_name(name))):
            raise Refusal("not_signed_in")

    async def change_password(
        self, user: User, password: object, new: object, address: str, session: str | None = None
    ) -> str:
        """Set another password, for whoever knows the one there is, and return the session that goes on: the one
        handed in, or a new one. All others end, with the seats that were taken in them."""
        if user.email is None:
            raise Refusal("not_signed_in")
        await self._confirm(user, password, address)
        new = check_strength(new, (user.name, user.email, user.email.partition("@")[0]), "new_password")
        hashed = await self._passwords.hash(new)
        if not await self._kept(self._store.set_password(user.id, hashed)):
            raise Refusal("not_signed_in")
        log.info("user %s changed their password", user.id)
        read = self._tokens.read_session(session)
        kept = read.id if read is not None and read.user == user.id else None
        await self._expel(user.id, but=kept)
        return self._tokens.session(user.id, self._tokens.key(hashed), kept)

    async def delete_account(self, user: User, password: object, address: str) -> None:
        """Delete an account with all that is theirs, for whoever knows its password; a guest has none.

        Their meetings end and their seats are given up first: what is written in their name later would stay.
        """
        if not user.guest:
            await self._confirm(user, password, address)
        await self._kept(self._store.revoke_session(_tickets_of(user.id), now() + 2 * TICKET_LIFE))
        rooms = await self._kept(self._store.rooms_of(user.id))
        for room in rooms:
            await self.live.end(room.code)
        await self._expel(user.id)
        await self.live.forget(user.id)
        await self.recorder.settled()
        await self._kept(self._store.delete_user(user.id))
        for room in rooms:  # who came in the meantime
            await self.live.end(room.code)
        log.info("user %s deleted their account", user.id)
        self.attendance.wake()

    def _session(self, user: User) -> str:
        return self._tokens.session(user.id, self._tokens.key(user.password_hash))

    async def _alive(self, session: str, user: str, key: str) -> User | None:
        """Return whose session that is, unless it was revoked or is from before another password."""
        if await self._kept(self._store.is_revoked(session, now())):
            return None
        found = await self._kept(self._store.user(user))
        if found is None or not hmac.compare_digest(self._tokens.key(found.password_hash).encode(), key.encode()):
            return None
        return found

    async def _expel(self, user: str, **whose: str | None) -> None:
        """Give up somebody's seats, now and again when those have arrived whose ticket was taken before."""
        await self.live.expel(user, **whose)

        async def again() -> None:
            await asyncio.sleep(ARRIVING)
            await self.live.expel(user, **whose)

        chore = asyncio.create_task(again())
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    async def _gone(self, user: str) -> bool:
        """Tell whether an account was deleted while a ticket of theirs may still be under way."""
        return await self._kept(self._store.is_revoked(_tickets_of(user), now()))

    async def _confirm(self, user: User, password: object, address: str) -> None:
        if not isinstance(password, str) or len(password) > LONGEST or user.email is None:
            raise Refusal("wrong_password", "password")
        await self._check_password(user.email, password, address)

    async def _check_password(self, email: str, password: str, address: str) -> User:
        guess = sign_in_from(email, address)
        async with self._comparing:
            await self._kept(self._throttle.check(*guess))
            try:
                user = await self._kept(self._store.user_by_email(email))
            except ValueError:
                user = None
            if not await self._passwords.verify(password, user.password_hash if user else None) or user is None:
                await self._kept(self._throttle.failed(*guess))
                log.info("sign-in refused")
                raise Refusal("wrong_password", "password")
        return user


def read_cookie(header: str) -> str | None:
    """Return the session in a Cookie header."""
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _tickets_of(user: str) -> str:
    return f"tickets of {user}"  # no session has such an id: they are without spaces


def _email(text: object) -> str:
    if not isinstance(text, str) or len(text) > 320 or "." not in text.rpartition("@")[2]:
        raise Refusal("bad_email", "email")
    try:
        # Mail is never sent: what matters is the form, so that addresses of test and home domains are as good.
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise Refusal("bad_email", "email") from None
    return found.normalized
