"""Sessions and tickets: ours are taken, everything else is nobody's; and the secret they rest on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets as chance
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import jwt
import pytest

from peermeet.auth.tokens import MAX_LENGTH, TICKET_LIFE, Tokens, keep_secret
from peermeet.core.errors import Refusal
from peermeet.core.model import Ticket

SECRET = "a secret of sixty-four bytes or more, so that HS512 is content with it"
OTHER = SECRET[::-1]
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
LIFE = timedelta(hours=2)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> Tokens:
    return Tokens(SECRET, LIFE, clock)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(header: object, claims: object, sign: Callable[[bytes], bytes] | None = None) -> str:
    """A token as no library would make it."""
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    sign = sign or (lambda text: hmac.digest(SECRET.encode(), text, hashlib.sha256))
    return f"{body}.{b64(sign(body.encode()))}"


def good(kind: str, **changes: Any) -> dict[str, Any]:
    """The claims of a good token; `...` takes one away."""
    claims = {
        "iss": "peermeet",
        "aud": f"peermeet:{kind}",
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(minutes=1)).timestamp()),
        "jti": "j",
        "sub": "u-ada",
    }
    if kind == "ticket":
        claims |= {"room": "den", "name": "Ada", "role": "member", "guest": False}
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def signed(kind: str, secret: str = SECRET, algorithm: str = "HS256", headers: Any = None, **changes: Any) -> str:
    return jwt.encode(good(kind, **changes), secret, algorithm=algorithm, headers=headers)


HS256 = {"alg": "HS256", "typ": "JWT"}
PUBLIC_KEY = (
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" + "A" * 86 + "==\n-----END PUBLIC KEY-----"
)

FORGERIES: dict[str, Callable[[str], str]] = {
    "alg none, not signed": lambda kind: by_hand({"alg": "none", "typ": "JWT"}, good(kind), lambda _: b""),
    "alg None": lambda kind: by_hand({"alg": "None"}, good(kind), lambda _: b""),
    "alg NONE, signed": lambda kind: by_hand({"alg": "NONE"}, good(kind)),
    "alg nOnE": lambda kind: by_hand({"alg": "nOnE"}, good(kind), lambda _: b""),
    "no alg": lambda kind: by_hand({"typ": "JWT"}, good(kind)),
    "alg null": lambda kind: by_hand({"alg": None}, good(kind)),
    "alg a number": lambda kind: by_hand({"alg": 256}, good(kind)),
    "alg a list": lambda kind: by_hand({"alg": ["HS256"]}, good(kind)),
    "alg hs256": lambda kind: by_hand({"alg": "hs256"}, good(kind)),
    "HS384 with our secret": lambda kind: signed(kind, algorithm="HS384"),
    "HS512 with our secret": lambda kind: signed(kind, algorithm="HS512"),
    "RS256 said, HS256 done": lambda kind: by_hand({"alg": "RS256"}, good(kind)),
    "ES256 said, HS256 done": lambda kind: by_hand({"alg": "ES256"}, good(kind)),
    "signed with a public key": lambda kind: by_hand(
        HS256, good(kind), lambda text: hmac.digest(PUBLIC_KEY.encode(), text, hashlib.sha256)
    ),
    "signed with nothing": lambda kind: by_hand(HS256, good(kind), lambda text: hmac.digest(b"", text, hashlib.sha256)),
    "signed with zero": lambda kind: by_hand(
        HS256, good(kind), lambda text: hmac.digest(b"\0" * 64, text, hashlib.sha256)
    ),
    "another secret": lambda kind: signed(kind, secret=OTHER),
    "a secret cut short": lambda kind: signed(kind, secret=SECRET[:-1]),
    "no signature": lambda kind: signed(kind).rpartition(".")[0] + ".",
    "no third part": lambda kind: signed(kind).rpartition(".")[0],
    "a part too many": lambda kind: signed(kind) + ".x",
    "signature cut short": lambda kind: signed(kind)[:-2],
    "signature of another": lambda kind: f"{signed(kind, sub='u-eve').rpartition('.')[0]}.{signed(kind).split('.')[2]}",
    "claims exchanged": lambda kind: ".".join(
        [signed(kind).split(".")[0], b64(json.dumps(good(kind, sub="u-eve")).encode()), signed(kind).split(".")[2]]
    ),
    "header exchanged": lambda kind: b64(b'{"alg":"HS256","typ":"jwt"}') + "." + signed(kind).partition(".")[2],
    "kid of a file": lambda kind: by_hand(
        {**HS256, "kid": "../../../../dev/null"}, good(kind), lambda text: hmac.digest(b"", text, hashlib.sha256)
    ),
    "kid of a query": lambda kind: signed(kind, secret=OTHER, headers={"kid": "x' UNION SELECT 'key"}),
    "kid no text": lambda kind: signed(kind, secret=OTHER, headers=None) and by_hand({**HS256, "kid": {}}, good(kind)),
    "its own key": lambda kind: signed(
        kind, secret=OTHER, headers={"jwk": {"kty": "oct", "k": b64(OTHER.encode())}, "jku": "https://evil.example"}
    ),
    "unknown crit": lambda kind: by_hand({**HS256, "crit": ["evil"], "evil": 1}, good(kind)),
    "b64 false": lambda kind: by_hand({**HS256, "crit": ["b64"], "b64": False}, good(kind)),
    "audience of the other kind": lambda kind: signed(
        kind, aud="peermeet:session" if kind == "ticket" else "peermeet:ticket"
    ),
    "another audience": lambda kind: signed(kind, aud="peermeet"),
    "audience a number": lambda kind: by_hand(HS256, good(kind, aud=1)),
    "no audience": lambda kind: signed(kind, aud=...),
    "another issuer": lambda kind: signed(kind, iss="https://evil.example"),
    "issuer a list": lambda kind: by_hand(HS256, good(kind, iss=["evil"])),
    "no issuer": lambda kind: signed(kind, iss=...),
    "no expiry": lambda kind: signed(kind, exp=...),
    "no time of issue": lambda kind: signed(kind, iat=...),
    "no id": lambda kind: signed(kind, jti=...),
    "id a number": lambda kind: by_hand(HS256, good(kind, jti=1)),
    "no subject": lambda kind: signed(kind, sub=...),
    "subject a number": lambda kind: by_hand(HS256, good(kind, sub=1)),
    "subject an object": lambda kind: by_hand(HS256, good(kind, sub={"$ne": None})),
    "expiry a text": lambda kind: by_hand(HS256, good(kind, exp="tomorrow")),
    "expiry null": lambda kind: by_hand(HS256, good(kind, exp=None)),
    "expiry not a number": lambda kind: by_hand(HS256, good(kind, exp=float("nan"))),
    "not before tomorrow": lambda kind: signed(kind, nbf=int((NOW + timedelta(days=36_500)).timestamp())),
    "claims a list": lambda kind: by_hand(HS256, [good(kind)]),
    "claims a number": lambda kind: by_hand(HS256, 1),
    "header a list": lambda kind: by_hand([HS256], good(kind)),
    "encrypted by its looks": lambda kind: signed(kind) + ".x.y",
    "a space in front": lambda kind: " " + signed(kind),
    "a line after": lambda kind: signed(kind) + "\n",
    "not ascii": lambda kind: "é" + signed(kind),
    "a digit of another script": lambda kind: signed(kind)[:-1] + "٣",
    "huge": lambda kind: signed(kind, padding="x" * MAX_LENGTH),
    "nothing but dots": lambda kind: "..",
    "words": lambda kind: "let.me.in",
    "bytes": lambda kind: "\x00.\x00.\x00",
}


class TestOurs:
    def test_a_session(self, tokens: Tokens) -> None:
        session = tokens.read_session(tokens.session("u-ada"))
        assert session is not None
        assert (session.user, session.expires) == ("u-ada", NOW + LIFE)
        assert len(session.id) >= 20

    def test_a_session_of_a_password(self, tokens: Tokens, clock: Clock) -> None:
        one, two = tokens.key(b"$2b$one"), tokens.key(b"$2b$two")
        assert len({one, two, tokens.key(None), Tokens(OTHER, LIFE, clock).key(b"$2b$one")}) == 4
        session = tokens.read_session(tokens.session("u-ada", one))
        assert session is not None
        assert session.key == one
        again = tokens.read_session(tokens.session("u-ada", two, session.id))
        assert again is not None
        assert (again.id, again.key) == (session.id, two)
        ticket = tokens.ticket(room="den", user="u-ada", name="Ada", role="host", guest=False, session=session)
        read = tokens.read_ticket(ticket)
        assert (read.session, read.key) == (session.id, one)

    def test_a_ticket(self, tokens: Tokens) -> None:
        made = tokens.ticket(room="den", user="u-ada", name="Ada 👩‍💻", role="host", guest=True)
        read = tokens.read_ticket(made)
        assert read == Ticket(read.id, "den", "u-ada", "Ada 👩‍💻", "host", True)

    def test_a_ticket_by_invitation(self, tokens: Tokens) -> None:
        made = tokens.ticket(
            room="den",
            user="u",
            name="Ada",
            role="member",
            guest=True,
            invitation="i-1",
            marks=("a", "b"),
            life=timedelta(seconds=5),
        )
        read = tokens.read_ticket(made)
        assert (read.invitation, read.marks) == ("i-1", ("a", "b"))

    def test_marks(self, tokens: Tokens, clock: Clock) -> None:
        other = Tokens("another secret that is long enough, too", LIFE, clock)
        marks = [
            tokens.mark("den", "address", "192.0.2.1"),
            tokens.mark("den", "device", "192.0.2.1"),
            tokens.mark("den", "address", "192.0.2.2"),
            tokens.mark("attic", "address", "192.0.2.1"),
            tokens.mark("", "den", "address\x00192.0.2.1"),
            other.mark("den", "address", "192.0.2.1"),
        ]
        assert len(set(marks)) == len(marks)
        assert tokens.mark("den", "address", "192.0.2.1") == marks[0]
        assert all(len(mark) == 24 for mark in marks)  # 96 bits

    def test_no_two_are_the_same(self, tokens: Tokens) -> None:
        sessions = [tokens.read_session(tokens.session("u-ada")) for _ in range(100)]
        assert len({session.id for session in sessions if session}) == 100

    def test_a_good_one_by_hand_is_taken(self, tokens: Tokens) -> None:
        """Else the forgeries below would prove nothing."""
        assert tokens.read_session(by_hand(HS256, good("session"))) is not None
        assert tokens.read_ticket(by_hand(HS256, good("ticket"))).room == "den"
        assert tokens.read_session(signed("session", headers={"kid": "x"})) is not None

    @pytest.mark.parametrize("life", [TICKET_LIFE])
    def test_a_ticket_lives_a_minute_and_no_longer(self, tokens: Tokens, clock: Clock, life: timedelta) -> None:
        made = tokens.ticket(room="den", user="u-ada", name="Ada", role="member", guest=False)
        assert life == timedelta(seconds=60)
        clock.now = NOW + life - timedelta(seconds=1)
        assert tokens.read_ticket(made).user == "u-ada"
        clock.now = NOW + life
        with pytest.raises(Refusal) as refusal:
            tokens.read_ticket(made)
        assert refusal.value.code == "ticket_expired"

    def test_a_session_lives_as_long_as_set(self, tokens: Tokens, clock: Clock) -> None:
        made = tokens.session("u-ada")
        clock.now = NOW + LIFE - timedelta(seconds=1)
        assert tokens.read_session(made) is not None
        clock.now = NOW + LIFE
        assert tokens.read_session(made) is None

    def test_the_longest_name_fits(self, tokens: Tokens) -> None:
        made = tokens.ticket(room="x" * 64, user="u" * 64, name="\U0001f469" * 64, role="member", guest=False)
        assert tokens.read_ticket(made).name == "\U0001f469" * 64


class TestForged:
    def test_there_are_enough_of_them(self) -> None:
        assert len(FORGERIES) >= 30

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_no_session(self, tokens: Tokens, forgery: str) -> None:
        assert tokens.read_session(FORGERIES[forgery]("session")) is None

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_no_ticket(self, tokens: Tokens, forgery: str) -> None:
        with pytest.raises(Refusal) as refusal:
            tokens.read_ticket(FORGERIES[forgery]("ticket"))
        assert refusal.value.code in {"bad_ticket", "ticket_expired"}

    @pytest.mark.parametrize("claim", ["room", "name", "role", "guest"])
    def test_no_ticket_without(self, tokens: Tokens, claim: str) -> None:
        with pytest.raises(Refusal) as refusal:
            tokens.read_ticket(signed("ticket", **{claim: ...}))
        assert refusal.value.code == "bad_ticket"

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_nothing_is_neither(self, tokens: Tokens, nothing: str | None) -> None:
        assert tokens.read_session(nothing) is None
        with pytest.raises(Refusal) as refusal:
            tokens.read_ticket(nothing)
        assert refusal.value.code == "no_ticket"

    @pytest.mark.parametrize("thing", [0, 1, True, b"x", [], {}, {"$ne": None}])
    def test_what_is_no_text_is_no_ticket(self, tokens: Tokens, thing: object) -> None:
        with pytest.raises(Refusal) as refusal:
            tokens.read_ticket(thing)
        assert refusal.value.code == "bad_ticket"

    def test_neither_is_the_other(self, tokens: Tokens) -> None:
        assert tokens.read_session(tokens.ticket(room="r", user="u", name="n", role="host", guest=False)) is None
        with pytest.raises(Refusal) as refusal:
            tokens.read_ticket(tokens.session("u-ada"))
        assert refusal.value.code == "bad_ticket"


class TestTheSecret:
    def test_it_is_made_once_and_kept(self, tmp_path: Path) -> None:
        made = keep_secret(tmp_path / "data")
        assert len(made) >= 43  # 256 bits
        assert keep_secret(tmp_path / "data") == made
        assert [file.name for file in (tmp_path / "data").iterdir()] == ["secret"]

    def test_it_is_its_owner_s_alone(self, tmp_path: Path) -> None:
        keep_secret(tmp_path / "data")
        assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700

    def test_it_is_another_one_everywhere(self, tmp_path: Path) -> None:
        assert len({keep_secret(tmp_path / str(n)) for n in range(20)}) == 20

    def test_of_many_first_starts_all_have_the_same(self, tmp_path: Path) -> None:
        for attempt in range(10):
            together = Barrier(8)

            def start(folder: Path = tmp_path / str(attempt), together: Barrier = together) -> str:
                together.wait()
                return keep_secret(folder)

            with ThreadPoolExecutor(8) as starts:
                assert len({asked.result() for asked in [starts.submit(start) for _ in range(8)]}) == 1

    def test_a_second_start_may_look_while_the_first_is_still_writing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever moment it comes at: there is no half a secret to be found."""
        seen: list[str] = []
        real = chance.token_urlsafe

        def interrupted(size: int) -> str:
            monkeypatch.setattr(chance, "token_urlsafe", real)
            seen.append(keep_secret(tmp_path))
            return real(size)

        monkeypatch.setattr(chance, "token_urlsafe", interrupted)
        assert keep_secret(tmp_path) == seen[0] == keep_secret(tmp_path)

    @pytest.mark.parametrize("text", ["", "\n", "changeme", "x" * 31, " " * 64])
    def test_one_that_is_too_short_is_refused(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "secret").write_text(text)
        with pytest.raises(ValueError, match="Remove it, and everybody signs in again") as refused:
            keep_secret(tmp_path)
        assert not text.strip() or text.strip() not in str(refused.value)
        assert (tmp_path / "secret").read_text() == text
