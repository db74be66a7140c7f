"""Relays: what a seat is given for its peer connections, and for how long."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from peermeet.core.errors import Refusal
from peermeet.core.model import Doors, Role, Room, Ticket
from peermeet.signaling.ice import Turn, ice_servers, is_refresh
from peermeet.signaling.server import Connection, Signaling

SECRET = "a secret that the relay knows too"
URLS = ("turn:relay.example:3478?transport=udp", "turns:relay.example:5349?transport=tcp")
TURN = Turn(URLS, SECRET, 600)
STUN = {"urls": "stun:stun.example:3478"}


# what is minted


def test_a_credential_as_the_relay_computes_it() -> None:
    fixed, relay = ice_servers([STUN], TURN, "p-ada", 1_763_900_000.9)
    assert fixed == STUN
    assert relay["urls"] == list(URLS)
    assert relay["username"] == "1763900600:p-ada"
    expected = hmac.new(SECRET.encode(), b"1763900600:p-ada", hashlib.sha1).digest()
    assert base64.b64decode(relay["credential"]) == expected


def test_a_known_one() -> None:
    """By OpenSSL: printf %s 1000000600:p-1 | openssl dgst -sha1 -hmac 'north south east west' -binary | base64."""
    [relay] = ice_servers([], Turn(URLS, "north south east west", 600), "p-1", 1_000_000_000)
    assert relay["credential"] == "/y/JMSVvnqddJBerHG7usSt744g="


def test_everybody_and_every_second_another_one() -> None:
    made = [ice_servers([], TURN, who, now)[0]["credential"] for who in ("p-ada", "p-bob") for now in (0, 1)]
    assert len(set(made)) == 4


def test_without_relays_what_is_fixed_and_nothing_else() -> None:
    assert ice_servers([STUN], None, "p-ada", 0) == [STUN]
    assert ice_servers([], None, "p-ada", 0) == []


def test_the_list_is_nobody_elses() -> None:
    fixed = [dict(STUN)]
    ice_servers(fixed, None, "p-ada", 0)[0]["urls"] = "stun:elsewhere.example"
    assert fixed == [STUN]


def test_a_secret_is_not_printed() -> None:
    assert SECRET not in repr(TURN)
    assert SECRET not in str(ice_servers([STUN], TURN, "p-ada", 0))


@pytest.mark.parametrize("message", [None, [], "refresh_ice", {}, {"type": "leave"}, {"type": ["refresh_ice"]}])
def test_no_question_for_relays(message: object) -> None:
    assert not is_refresh(message)


@pytest.mark.parametrize("more", [{"by": "p-bob"}, {"ttl": 10**9}, {"participant": "p-bob"}])
def test_a_question_says_nothing_more(more: dict[str, object]) -> None:
    assert is_refresh({"type": "refresh_ice"})
    with pytest.raises(Refusal) as refused:
        is_refresh({"type": "refresh_ice"} | more)
    assert refused.value.code == "bad_message"


# at the door

Say = Callable[..., Awaitable[dict[str, Any]]]
JOIN = {"type": "join", "room": "den", "device": "a-page-of-mine"}
REFRESH = {"type": "refresh_ice"}


async def open_room(code: str) -> Room:
    return Room(code, capacity=4)


async def admit(ticket: object) -> Ticket:
    raise AssertionError("nobody connects here")


class Door:
    """The signaling server without its sockets."""

    def __init__(self, turn: Turn | None = TURN) -> None:
        self.now = 1_763_900_000.0
        self.signaling = Signaling(admit, open_room, ice_servers=[STUN], turn=turn, clock=lambda: self.now)

    def connects(self, user: str, role: Role = "member") -> Say:
        """Return what says a command on this user's socket, and returns its answer."""
        ticket = Ticket("t-" + user, "den", user, user, role, False)
        self.signaling._connections[user] = Connection(f"eio-{user}", ticket, None)

        async def say(message: object) -> dict[str, Any]:
            return await self.signaling._on_message("command", user, message)

        return say


def relays(answer: dict[str, Any]) -> list[str]:
    return [server["username"] for server in answer["ice_servers"] if "username" in server]


async def test_a_seat_comes_with_its_relays() -> None:
    answer = await Door().connects("ada")(JOIN)
    assert answer["ice_servers"][0] == STUN
    [username] = relays(answer)
    assert username.endswith(f":{answer['you']}")
    assert answer["ice_expires"] == TURN.ttl
    assert answer["relay_only"] is False


async def test_without_relays_nothing_expires() -> None:
    answer = await Door(turn=None).connects("ada")(JOIN)
    assert (answer["ice_servers"], answer["ice_expires"]) == ([STUN], None)


async def test_fresh_ones_for_the_same_seat() -> None:
    door = Door()
    ada = door.connects("ada")
    joined = await ada(JOIN)
    door.now = 4_000_000_000.0
    answer = await ada(REFRESH)
    assert relays(answer) == [f"{4_000_000_000 + TURN.ttl}:{joined['you']}"]
    assert set(answer) == {"ice_servers", "ice_expires", "relay_only"}


async def test_who_does_not_sit_gets_none() -> None:
    door = Door()
    ada = door.connects("ada")
    assert (await ada(REFRESH))["error"]["code"] == "not_joined"
    await ada(JOIN)
    await ada({"type": "leave"})
    assert (await ada(REFRESH))["error"]["code"] == "not_joined"


async def test_whose_seat_is_gone_gets_none() -> None:
    door = Door()
    ada, bob = door.connects("ada"), door.connects("bob")
    await bob(JOIN)
    await ada(JOIN)
    await door.signaling.hub.end("den")
    for one in ada, bob:
        assert (await one(REFRESH))["error"]["code"] == "not_joined"


async def test_who_still_knocks_gets_none_until_let_in() -> None:
    door = Door()
    ada, bob = door.connects("ada", "host"), door.connects("bob")
    host = await ada(JOIN)
    await door.signaling.hub.change("den", Doors(lobby=True, relay_only=True), None)
    waiting = await bob(JOIN)
    assert "ice_servers" not in waiting
    assert (await bob(REFRESH))["error"]["code"] == "not_joined"
    assert await ada({"type": "admit", "id": waiting["you"]}) == {}
    admitted = await bob(REFRESH)
    assert relays(admitted)[0].endswith(f":{waiting['you']}")
    assert admitted["relay_only"] is True
    assert await ada({"type": "remove", "id": waiting["you"]}) == {}
    assert (await bob(REFRESH))["error"]["code"] == "not_joined"
    assert relays(await ada(REFRESH))[0].endswith(f":{host['you']}")


async def test_asking_for_relays_counts_as_a_command() -> None:
    ada = Door().connects("ada")
    await ada(JOIN)
    codes = [(await ada(REFRESH)).get("error", {}).get("code") for _ in range(500)]
    assert "too_many" in codes
