"""Sessions (hours, one account) and tickets (a minute, one room): JWTs of one secret, told apart by audience.

HS256 alone is accepted (RFC 8725, section 3.1); ``iss``, ``aud``, ``exp``, ``iat`` and ``jti`` must be there.
"""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import jwt

from ..core.errors import Refusal
from ..core.model import Role, Ticket

ALGORITHM = "HS256"
ISSUER = "peermeet"
TICKET_LIFE = timedelta(seconds=60)  # long enough for a slow phone to connect, too short to be worth stealing
MAX_LENGTH = 4096  # of any token that is looked at; ours have about 400 characters


class Session(NamedTuple):
    """A checked session: which account, and until when its ``id`` must be remembered if it is revoked. ``key`` is what
    `Tokens.key` gave for the account's password when it was made: with another password it opens nothing."""

    id: str
    user: str
    expires: datetime
    key: str = ""


class Tokens:
    """Makes and checks both. ``clock`` returns aware UTC; ``life`` is that of a session."""

    def __init__(self, secret: str, life: timedelta, clock: Callable[[], datetime]) -> None:
        self._secret = secret
        self._clock = clock
        self.life = life

    def session(self, user: str, key: str = "", id: str | None = None) -> str:
        """Return a session for an account: a new one, or the one of that ``id`` again."""
        return self._mint("session", self.life, id, sub=user, key=key)

    def key(self, password_hash: bytes | None) -> str:
        """Return what sessions hold for a password: they end when it is changed, and nothing has to be remembered of
        them. Guests have none."""
        if password_hash is None:
            return ""
        return hmac.new(self._secret.encode(), b"peermeet key 1\0" + password_hash, "sha256").hexdigest()[:24]

    def ticket(
        self,
        *,
        room: str,
        user: str,
        name: str,
        role: Role,
        guest: bool,
        invitation: str | None = None,
        marks: tuple[str, ...] = (),
        session: Session | None = None,
        life: timedelta = TICKET_LIFE,
    ) -> str:
        """Return a new ticket: who comes, to which room, as what, by which invitation, known again by which marks, in
        which session."""
        claims: dict[str, Any] = {"sub": user, "room": room, "name": name, "role": role, "guest": guest}
        if session is not None:
            claims |= {"session": session.id, "key": session.key}
        return self._mint("ticket", life, **claims, invitation=invitation, marks=marks)

    def mark(self, room: str, kind: str, value: str) -> str:
        """Return by what a device or an address is known again in one room, and nowhere else."""
        text = "\0".join(("peermeet mark 1", room, kind, value))  # no token has a NUL
        return hmac.new(self._secret.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:24]

    def read_session(self, token: str | None) -> Session | None:
        """Return the session that a cookie holds, or None if it is not ours or has expired."""
        try:
            claims = self._read("session", token or "")
        except jwt.PyJWTError:
            return None
        key = str(claims.get("key", ""))
        return Session(claims["jti"], claims["sub"], datetime.fromtimestamp(claims["exp"], UTC), key)

    def read_ticket(self, token: object) -> Ticket:
        """Return a checked ticket or refuse: ``no_ticket``, ``bad_ticket``, ``ticket_expired``. Not yet used up."""
        if token is None or token == "":
            raise Refusal("no_ticket")
        if not isinstance(token, str):
            raise Refusal("bad_ticket")
        try:
            claims = self._read("ticket", token)
            return Ticket(
                claims["jti"],
                claims["room"],
                claims["sub"],
                claims["name"],
                claims["role"],
                claims["guest"],
                claims.get("invitation"),
                tuple(claims.get("marks", ())),
                claims.get("session", ""),
                claims.get("key", ""),
            )
        except jwt.ExpiredSignatureError:
            raise Refusal("ticket_expired") from None
        except (jwt.PyJWTError, KeyError):
            raise Refusal("bad_ticket") from None

    def _mint(self, kind: str, life: timedelta, id: str | None = None, **claims: Any) -> str:
        now = self._clock()
        claims |= {"iss": ISSUER, "aud": f"peermeet:{kind}", "iat": now, "exp": now + life}
        return jwt.encode(claims | {"jti": id or secrets.token_urlsafe(16)}, self._secret, algorithm=ALGORITHM)

    def _read(self, kind: str, token: str) -> dict[str, Any]:
        if len(token) > MAX_LENGTH or not token.isascii():
            raise jwt.InvalidTokenError
        claims: dict[str, Any] = jwt.decode(
            token,
            self._secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=f"peermeet:{kind}",
            # the time is compared below, with the clock that was handed in
            options={"require": ["exp", "iat", "jti", "sub"], "verify_exp": False, "verify_iat": False},
        )
        expires = claims["exp"]
        if not isinstance(expires, int) or expires <= self._clock().timestamp():
            raise jwt.ExpiredSignatureError
        return claims


def keep_secret(folder: Path) -> str:
    """Return the secret of this data folder; the first call makes it, readable by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / "secret"
    if not file.exists():
        handle, draft = tempfile.mkstemp(prefix="secret-", dir=folder)  # with mode 0600
        try:
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(48) + "\n")
                out.flush()
                os.fsync(out.fileno())
            os.link(draft, file)  # it is there whole or not at all, and of two first starts one is the first
        except FileExistsError:
            pass
        finally:
            os.unlink(draft)
    secret = file.read_text().strip()
    if len(secret) < 32:
        raise ValueError(f"{file} does not hold a secret. Remove it, and everybody signs in again.")
    return secret
