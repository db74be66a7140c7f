"""Settings: frozen, read once from the environment. A bad value stops the start, with its name and what is allowed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec


class BadSetting(ValueError):
    """A setting that cannot be used; its text names the variable and what is allowed."""


@dataclass(frozen=True)
class Variable:
    """One row of the table below: how the text of a variable becomes a value."""

    field: str
    default: str
    read: Callable[[str], Any]
    allowed: str


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not lowest <= (value := int(text)) <= highest:
            raise ValueError
        return value

    return read


def _list(check: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    return lambda text: tuple(check(item.strip()) for item in text.split(",") if item.strip())


def _origin(text: str) -> str:
    text = text.rstrip("/").lower()
    parts = urlsplit(text)
    if not re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", text) or parts.port == 0:
        raise ValueError  # as browsers write it, and nothing that would end a directive of a policy
    return text


def _network(text: str) -> str:
    network = ipaddress.ip_network(text, strict=False)
    return str(network) if "/" in text else text  # without bits of a host: uvicorn would take it for a name


def _module(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", text):
        raise ValueError
    return text


def _mongo(text: str) -> str | None:
    if text and not text.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError
    return text or None


def _redis(text: str) -> str | None:
    if text and not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError
    return text or None


def _folder(text: str) -> Path:
    if not text:  # it would be the working folder itself
        raise ValueError
    return Path(text)


def _secret(text: str) -> str | None:
    if text and len(text.encode()) < 32:  # RFC 7518, section 3.2: at least as long as the hash
        raise ValueError
    return text or None


def _shared(text: str) -> str | None:
    if text and len(text.encode()) < 20:  # RFC 2104, section 3: at least as long as SHA-1's hash
        raise ValueError
    return text or None


def _turn(text: str) -> str:
    found = re.fullmatch(
        r"turns?:(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?(?:\?transport=(?:udp|tcp))?", text
    )
    if found is None or not 1 <= int(found[1] or 1) <= 65535:  # RFC 7065, section 3.1
        raise ValueError
    return text


def _host(text: str) -> str:
    if not text or re.search(r"[\s/]", text):
        raise ValueError
    return text


def _log_level(text: str) -> str:
    if text not in {"debug", "info", "warning", "error"}:
        raise ValueError
    return text


class IceServer(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """RTCIceServer of the W3C WebRTC specification."""

    urls: str | tuple[str, ...]
    username: str | None = None
    credential: str | None = None


def _ice(text: str) -> tuple[IceServer, ...]:
    if not text.strip():
        return ()
    if text.lstrip().startswith("["):
        servers = msgspec.json.decode(text, type=tuple[IceServer, ...])
    else:
        servers = tuple(IceServer(url.strip()) for url in text.split(",") if url.strip())
    for server in servers:
        urls = (server.urls,) if isinstance(server.urls, str) else server.urls
        if not urls or not all(re.fullmatch(r"(stuns?|turns?):[^\s/]+", url) for url in urls):
            raise ValueError
        # without both, browsers refuse the whole list (W3C WebRTC, section 4.4.1.3), and nobody could connect
        if any(url.startswith("turn") for url in urls) and None in (server.username, server.credential):
            raise ValueError
    return servers


VARIABLES: dict[str, Variable] = {
    "PEERMEET_HOST": Variable("host", "0.0.0.0", _host, "an address or a host name to listen on"),  # noqa: S104 (meetings are for other people's browsers)
    "PEERMEET_PORT": Variable("port", "3000", _whole(1, 65535), "a number from 1 to 65535"),
    "PEERMEET_DATA": Variable("data", ".peermeet", _folder, "a folder"),
    "PEERMEET_SECRET": Variable("secret", "", _secret, "at least 32 bytes, or nothing"),
    "PEERMEET_MONGO_URL": Variable("mongo_url", "", _mongo, "a mongodb:// address, or nothing for SQLite"),
    "PEERMEET_REDIS_URL": Variable(
        "redis_url", "", _redis, "a redis://, rediss:// or unix:// address, or nothing for one process"
    ),
    "PEERMEET_ORIGINS": Variable(
        "origins", "", _list(_origin), "origins such as https://meet.example.org, separated by commas"
    ),
    "PEERMEET_FRAME_ANCESTORS": Variable(
        "frame_ancestors", "", _list(_origin), "origins such as https://portal.example.org, separated by commas"
    ),
    "PEERMEET_TRUSTED_PROXIES": Variable(
        "trusted_proxies", "", _list(_network), "addresses or networks, separated by commas"
    ),
    "PEERMEET_ICE_SERVERS": Variable(
        "ice_servers",
        "",
        _ice,
        "stun: addresses separated by commas, or a JSON list of RTCIceServer (turn: with username and credential)",
    ),
    "PEERMEET_TURN_URLS": Variable(
        "turn_urls",
        "",
        _list(_turn),
        "turn: or turns: addresses such as turn:host:3478?transport=udp, separated by commas",
    ),
    "PEERMEET_TURN_SECRET": Variable("turn_secret", "", _shared, "at least 20 bytes, the relay's static-auth-secret"),
    "PEERMEET_TURN_TTL": Variable("turn_ttl", "600", _whole(60, 86400), "seconds from 60 to 86400"),
    "PEERMEET_BCRYPT_ROUNDS": Variable("bcrypt_rounds", "12", _whole(4, 16), "a number from 4 to 16"),
    "PEERMEET_SESSION_HOURS": Variable("session_hours", "168", _whole(1, 8760), "a number from 1 to 8760"),
    "PEERMEET_CAPACITY": Variable("capacity", "12", _whole(2, 64), "a number from 2 to 64"),
    "PEERMEET_GRACE": Variable("grace", "30", _whole(1, 600), "seconds from 1 to 600"),
    "PEERMEET_PLUGINS": Variable("plugins", "", _list(_module), "Python modules, separated by commas"),
    "PEERMEET_LOG_LEVEL": Variable("log_level", "info", _log_level, "debug, info, warning or error"),
}


@dataclass(frozen=True, repr=False)
class Settings:
    """All that a host can set. Not printable: it holds secrets."""

    host: str
    port: int
    data: Path
    secret: str | None
    mongo_url: str | None
    redis_url: str | None
    origins: tuple[str, ...]
    frame_ancestors: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    ice_servers: tuple[IceServer, ...]
    turn_urls: tuple[str, ...]
    turn_secret: str | None
    turn_ttl: int
    bcrypt_rounds: int
    session_hours: int
    capacity: int
    grace: int
    plugins: tuple[str, ...]
    log_level: str

    @property
    def relays(self) -> bool:
        """Whether there is any TURN server."""
        fixed = ((server.urls,) if isinstance(server.urls, str) else server.urls for server in self.ice_servers)
        return bool(self.turn_urls) or any(url.startswith("turn") for urls in fixed for url in urls)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings, or raise `BadSetting`."""
        values: dict[str, Any] = {}
        for name, variable in VARIABLES.items():
            text = environ.get(name, variable.default)
            try:
                values[variable.field] = variable.read(text)
            except (ValueError, msgspec.MsgspecError):
                shown = "" if "SECRET" in name or "URL" in name or "ICE" in name else f"{text!r} "
                raise BadSetting(f"{name}: {shown}cannot be used. Allowed: {variable.allowed}.") from None
        if bool(values["turn_urls"]) != bool(values["turn_secret"]):
            raise BadSetting("PEERMEET_TURN_URLS and PEERMEET_TURN_SECRET: give both, or neither.")
        return cls(**values)


def misspelt(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for every PEERMEET_ variable that is no setting. They may be for another version, so the
    server starts all the same."""
    unknown = [n for n in environ if n.startswith("PEERMEET_") and n not in VARIABLES and not n.startswith(TESTS)]
    return [f"{name} is not a setting. There are: {', '.join(VARIABLES)}." for name in unknown]


# The tests' own variables.
TESTS = ("PEERMEET_TEST_", "PEERMEET_CHROMIUM")
assert {v.field for v in VARIABLES.values()} == {f.name for f in fields(Settings)}  # noqa: S101 (the two tables are one)
