"""Every setting: what is taken, what stops the start, and that no secret is shown on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peermeet.config import VARIABLES, BadSetting, IceServer, Settings, misspelt

DEFAULTS: dict[str, Any] = {
    "host": "0.0.0.0",
    "port": 3000,
    "data": Path(".peermeet"),
    "secret": None,
    "mongo_url": None,
    "redis_url": None,
    "origins": (),
    "frame_ancestors": (),
    "trusted_proxies": (),
    "ice_servers": (),
    "turn_urls": (),
    "turn_secret": None,
    "turn_ttl": 600,
    "bcrypt_rounds": 12,
    "session_hours": 168,
    "capacity": 12,
    "grace": 30,
    "plugins": (),
    "log_level": "info",
}
GOOD: list[tuple[str, str, Any]] = [
    ("HOST", "127.0.0.1", "127.0.0.1"),
    ("HOST", "::1", "::1"),
    ("HOST", "meet.example.org", "meet.example.org"),
    ("PORT", "1", 1),
    ("PORT", "65535", 65535),
    ("DATA", "somewhere/else", Path("somewhere/else")),
    ("DATA", "with space", Path("with space")),
    ("SECRET", "x" * 32, "x" * 32),
    ("SECRET", "ü" * 16, "ü" * 16),
    ("SECRET", "", None),
    ("MONGO_URL", "mongodb://db.example.org:27017/peermeet", "mongodb://db.example.org:27017/peermeet"),
    ("MONGO_URL", "mongodb+srv://db.example.org", "mongodb+srv://db.example.org"),
    ("MONGO_URL", "", None),
    ("REDIS_URL", "redis://:hunter2@cache.example.org:6379/1", "redis://:hunter2@cache.example.org:6379/1"),
    ("REDIS_URL", "rediss://cache.example.org", "rediss://cache.example.org"),
    ("REDIS_URL", "unix:///run/redis/redis.sock", "unix:///run/redis/redis.sock"),
    ("REDIS_URL", "", None),
    ("ORIGINS", "https://meet.example.org", ("https://meet.example.org",)),
    ("ORIGINS", "https://a.example/, HTTP://B.example:8080 ,", ("https://a.example", "http://b.example:8080")),
    ("ORIGINS", "http://[::1]:3000", ("http://[::1]:3000",)),
    ("ORIGINS", " , ", ()),
    ("FRAME_ANCESTORS", "https://Portal.example.org", ("https://portal.example.org",)),
    ("FRAME_ANCESTORS", "https://a.example/, http://b.example:8080", ("https://a.example", "http://b.example:8080")),
    ("FRAME_ANCESTORS", "", ()),
    ("TRUSTED_PROXIES", "192.0.2.1, 10.0.0.0/8,2001:db8::/32", ("192.0.2.1", "10.0.0.0/8", "2001:db8::/32")),
    ("TRUSTED_PROXIES", "10.1.2.3/8", ("10.0.0.0/8",)),
    ("ICE_SERVERS", "stun:stun.example.org", (IceServer("stun:stun.example.org"),)),
    (
        "ICE_SERVERS",
        "stun:a.example:3478, stuns:b.example",
        (IceServer("stun:a.example:3478"), IceServer("stuns:b.example")),
    ),
    ("ICE_SERVERS", "  ", ()),
    ("ICE_SERVERS", "[]", ()),
    ("ICE_SERVERS", '[{"urls": "stun:a.example"}]', (IceServer("stun:a.example"),)),
    (
        "ICE_SERVERS",
        ' [{"urls": ["turn:a.example?transport=udp", "turns:a.example:443"], "username": "u", "credential": "c"}]',
        (IceServer(("turn:a.example?transport=udp", "turns:a.example:443"), "u", "c"),),
    ),
    ("TURN_URLS", "", ()),
    ("TURN_URLS", "turn:relay.example", ("turn:relay.example",)),
    (
        "TURN_URLS",
        "turn:192.0.2.7:3478?transport=udp, turns:relay.example:443?transport=tcp,turn:[2001:db8::7]:3478 ,",
        ("turn:192.0.2.7:3478?transport=udp", "turns:relay.example:443?transport=tcp", "turn:[2001:db8::7]:3478"),
    ),
    ("TURN_SECRET", "", None),
    ("TURN_SECRET", "x" * 20, "x" * 20),
    ("TURN_TTL", "60", 60),
    ("TURN_TTL", "86400", 86400),
    ("BCRYPT_ROUNDS", "4", 4),
    ("BCRYPT_ROUNDS", "16", 16),
    ("SESSION_HOURS", "1", 1),
    ("SESSION_HOURS", "8760", 8760),
    ("CAPACITY", "2", 2),
    ("CAPACITY", "64", 64),
    ("GRACE", "1", 1),
    ("GRACE", "600", 600),
    ("PLUGINS", "my_polls", ("my_polls",)),
    ("PLUGINS", "my_polls, more.of_them", ("my_polls", "more.of_them")),
    ("LOG_LEVEL", "debug", "debug"),
    ("LOG_LEVEL", "error", "error"),
]
BAD: list[tuple[str, str]] = [
    *(("HOST", text) for text in ("", " ", "a b", "http://localhost")),
    *(("PORT", text) for text in ("", "0", "65536", "-1", "http", "3000.5", "0x10", "3000;")),
    ("DATA", ""),
    *(("SECRET", text) for text in ("hunter2", "x" * 31)),
    *(("REDIS_URL", text) for text in ("localhost:6379", "http://hunter2@cache.example.org", "REDIS://hunter2@cache")),
    *(("MONGO_URL", text) for text in ("localhost", "http://hunter2@db.example.org", "MONGODB://db", "mongodb:/db")),
    *(
        ("ORIGINS", text)
        for text in (
            "meet.example.org",
            "*",
            "null",
            "ftp://meet.example.org",
            "https://",
            "https:///path",
            "https://meet.example.org/path",
            "https://meet.example.org?x",
            "https://meet.example.org#x",
            "https://user@meet.example.org",
            "https://meet.example.org:99999",
            "https://meet.example.org:port",
            "https://[::1",
            "https://good.example,bad",
        )
    ),
    *(
        ("FRAME_ANCESTORS", text)
        for text in (
            "*",
            "'self'",
            "'none'",
            "https:",
            "https://*.example.org",
            "https://a.example; script-src *",
            "https://a.example,https://b.example/x",
            "https://a.example https://b.example",
            "https://a.example\r\nx-more: 1",
        )
    ),
    *(("TRUSTED_PROXIES", text) for text in ("localhost", "*", "10.0.0.0/33", "10.0.0.1.1")),
    *(
        ("ICE_SERVERS", text)
        for text in (
            "stun.example.org",
            "http://stun.example.org",
            "stun:",
            "stun:a b",
            "stun://a.example",
            "turn:a.example",
            '[{"urls": "turn:a.example", "username": "hunter2"}]',
            '[{"urls": "turn:a.example", "credential": "hunter2"}]',
            "[",
            "{}",
            "[1]",
            "[{}]",
            '[{"urls": []}]',
            '[{"urls": ""}]',
            '[{"urls": 1}]',
            '[{"urls": "stun:a.example\\n"}]',
            '[{"url": "stun:a.example"}]',
            '[{"urls": "stun:a.example", "credential": 1}]',
            '[{"urls": "stun:a.example", "credentialType": "password"}]',
        )
    ),
    *(
        ("TURN_URLS", text)
        for text in (
            "stun:relay.example",
            "turn:",
            "turn://relay.example",
            "turn:hunter2@relay.example",
            "turn:relay.example:0",
            "turn:relay.example:65536",
            "turn:relay.example?transport=sctp",
            "turn:relay.example?transport=udp&x=1",
            "turn:relay example",
            "relay.example",
        )
    ),
    ("TURN_SECRET", "hunter2" * 2),
    *(("TURN_TTL", text) for text in ("59", "86401", "", "ten minutes")),
    *(("BCRYPT_ROUNDS", text) for text in ("3", "17", "", "twelve")),
    *(("SESSION_HOURS", text) for text in ("0", "8761", "", "a week")),
    *(("CAPACITY", text) for text in ("1", "65", "")),
    *(("GRACE", text) for text in ("0", "601", "", "1.5")),
    *(("PLUGINS", text) for text in ("my-polls", "my_polls.py/..", "1st", "os;", "a..b", ".a")),
    *(("LOG_LEVEL", text) for text in ("", "DEBUG", "trace")),
]


@pytest.mark.parametrize(
    ("set_", "relays"),
    [
        ({}, False),
        ({"ICE_SERVERS": "stun:a.example"}, False),
        ({"ICE_SERVERS": '[{"urls": "turn:a.example", "username": "u", "credential": "c"}]'}, True),
        (
            {"ICE_SERVERS": '[{"urls": ["stun:a.io", "turns:a.io"], "username": "u", "credential": "c"}]'},
            True,
        ),
        ({"TURN_URLS": "turn:a.example", "TURN_SECRET": "x" * 20}, True),
    ],
    ids=str,
)
def test_a_turn_server_of_either_setting_is_a_relay(set_: dict[str, str], relays: bool) -> None:
    assert Settings.from_env({f"PEERMEET_{name}": text for name, text in set_.items()}).relays is relays


SECRETIVE = {"SECRET", "MONGO_URL", "REDIS_URL", "ICE_SERVERS", "TURN_URLS", "TURN_SECRET"}
PAIR = {"TURN_URLS": ("turn:relay.example",), "TURN_SECRET": "y" * 20}  # one goes with the other


def read(**environ: str) -> Settings:
    return Settings.from_env({f"PEERMEET_{name}": text for name, text in environ.items()})


def field(name: str) -> str:
    return VARIABLES[f"PEERMEET_{name}"].field


def test_without_any_there_are_defaults() -> None:
    settings = Settings.from_env({})
    assert {name: getattr(settings, name) for name in DEFAULTS} == DEFAULTS
    assert set(DEFAULTS) == {variable.field for variable in VARIABLES.values()}


def test_every_variable_is_tried_here() -> None:
    names = {name.removeprefix("PEERMEET_") for name in VARIABLES}
    assert {name for name, _, _ in GOOD} == names
    assert {name for name, _ in BAD} == names


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_good(name: str, text: str, value: Any) -> None:
    beside = {each: ok for each, ok in PAIR.items() if name in PAIR and value and each != name}
    settings = read(**{name: text}, **{each: "".join(ok) for each, ok in beside.items()})
    assert getattr(settings, field(name)) == value
    others = DEFAULTS | {field(each): ok for each, ok in beside.items()} | {field(name): value}
    assert {each: getattr(settings, each) for each in DEFAULTS} == others


@pytest.mark.parametrize(("name", "text"), BAD)
def test_bad(name: str, text: str) -> None:
    with pytest.raises(BadSetting) as bad:
        read(**{name: text})
    said = str(bad.value)
    variable = f"PEERMEET_{name}"
    assert said.startswith(f"{variable}: ")
    assert said.endswith(f"cannot be used. Allowed: {VARIABLES[variable].allowed}.")
    assert (repr(text) in said) is (name not in SECRETIVE)
    assert "hunter2" not in said
    assert bad.value.__cause__ is None
    assert bad.value.__suppress_context__  # a trace would show what was read


@pytest.mark.parametrize("name", PAIR)
def test_a_relay_has_an_address_and_a_secret_or_is_none(name: str) -> None:
    with pytest.raises(BadSetting, match=r"PEERMEET_TURN_URLS and PEERMEET_TURN_SECRET: give both, or neither\.$"):
        read(**{name: "".join(PAIR[name])})


@pytest.mark.parametrize("name", ["PEERMEET_PROT", "PEERMEET_", "PEERMEET_port", "PEERMEET_SECRETS"])
def test_a_misspelt_one_is_named_with_those_there_are(name: str) -> None:
    assert Settings.from_env({name: "hunter2"}).port == 3000
    (said,) = misspelt({name: "hunter2", "PEERMEET_PORT": "1"})
    assert said.startswith(f"{name} is not a setting. There are: PEERMEET_HOST, ")
    assert all(each in said for each in VARIABLES)
    assert "hunter2" not in said


def test_others_variables_are_none_of_our_business() -> None:
    others = {"PATH": "/bin", "PORT": "x", "peermeet_port": "x", "PEERMEET": "x", "REFLEX_LOGLEVEL": "x"}
    assert Settings.from_env(others).port == 3000
    assert misspelt(others) == []


def test_those_of_the_tests_are_left_to_them() -> None:
    assert misspelt({"PEERMEET_TEST_MONGO_URL": "x", "PEERMEET_CHROMIUM": "x"}) == []


def test_settings_cannot_be_printed() -> None:
    ice = '[{"urls": "turn:a.example", "username": "u", "credential": "hunter2"}]'
    settings = read(
        SECRET="hunter2" * 5,
        MONGO_URL="mongodb://u:hunter2@db.example.org",
        ICE_SERVERS=ice,
        TURN_URLS="turn:relay.example",
        TURN_SECRET="hunter2" * 3,
    )
    for text in (repr(settings), str(settings), f"{settings}", f"{settings!r}"):
        assert "hunter2" not in text
        assert "mongodb" not in text


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings.from_env({}).port = 1  # type: ignore[misc]


def test_ice_servers_travel_as_browsers_take_them() -> None:
    ice = '[{"urls": ["turn:a.example"], "username": "u", "credential": "c"}, {"urls": "stun:b.example"}]'
    told = [msgspec.to_builtins(server) for server in read(ICE_SERVERS=ice).ice_servers]
    assert json.loads(msgspec.json.encode(told)) == json.loads(ice)
