"""A real call through the relay: two Chromium behind routers of their own, PeerMeet and coturn on the public side."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser import NoBrowser, find
from tests.turn.coturn import PORT as RELAY_PORT
from tests.turn.coturn import SECRET, TLS_PORT, URLS, Coturn
from tests.turn.lab import NET, PUBLIC, Lab
from tests.turn.probe import credential

pytestmark = [pytest.mark.browser, pytest.mark.lab]

ROOT = Path(__file__).parents[2]
PORT = 4000
ORIGIN = f"http://{PUBLIC}:{PORT}"
TTL = 60  # seconds; the shortest that the settings allow
PATIENCE = 60.0  # seconds for a call to stand, on a machine that is busy with two browsers
FLAGS = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--ignore-certificate-errors",  # the relay's certificate is the lab's own
    f"--unsafely-treat-insecure-origin-as-secure={ORIGIN}",  # else there is no camera over http
]
# Remembers every peer connection of the page, and lets each use relays alone if the test says so.
REMEMBER = """
(() => {
  const Native = window.RTCPeerConnection;
  const forced = (configuration) => (%s ? { ...configuration, iceTransportPolicy: "relay" } : configuration);
  window.connections = [];
  window.RTCPeerConnection = class extends Native {
    constructor(configuration) { super(forced(configuration)); window.connections.push(this); }
    setConfiguration(configuration) { super.setConfiguration(forced(configuration)); }
  };
})();
"""
# What the one connection of a page that is not closed has decoded, and the pair of candidates that it goes by.
STATS = """
async () => {
  const alive = window.connections.filter((one) => one.connectionState !== "closed");
  if (alive.length !== 1) return { frames: 0, error: `${alive.length} connections` };
  const stats = await alive[0].getStats();
  const all = [...stats.values()];
  const video = all.find((one) => one.type === "inbound-rtp" && one.kind === "video");
  const transport = all.find((one) => one.type === "transport");
  const pair = stats.get(transport?.selectedCandidatePairId);
  const [local, remote] = [stats.get(pair?.localCandidateId), stats.get(pair?.remoteCandidateId)];
  return {
    frames: video?.framesDecoded ?? 0,
    audio: all.find((one) => one.type === "inbound-rtp" && one.kind === "audio")?.packetsReceived ?? 0,
    local: local?.candidateType,
    remote: remote?.candidateType,
    by: local?.relayProtocol ?? null,
    port: local?.port,
    met: all.filter((one) => one.type === "remote-candidate").map((one) => one.candidateType),
    state: alive[0].connectionState,
    users: alive[0].getConfiguration().iceServers.map((server) => server.username),
  };
}
"""


@pytest.fixture(scope="module")
def pages() -> None:
    """Build the pages: in the lab there is no way to a registry."""
    script = "from peermeet.__main__ import build; from peermeet.config import Settings; build(Settings.from_env({}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environ(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def environ(**more: str) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PEERMEET_")} | more


class House:
    """PeerMeet on the public side. ``said`` is all that it wrote."""

    def __init__(self, log: Path) -> None:
        self._log = log

    @property
    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def house(net: Lab, relay: Coturn, pages: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    settings = environ(
        PEERMEET_TURN_URLS=",".join(URLS.values()),
        PEERMEET_TURN_SECRET=SECRET,
        PEERMEET_TURN_TTL=str(TTL),
        PEERMEET_LOG_LEVEL="debug",
        PYTHONUNBUFFERED="1",
    )
    command = [sys.executable, "-m", "peermeet", "--host", PUBLIC, "--port", str(PORT), "--data", str(folder / "data")]
    with (folder / "log").open("wb") as log:
        process = net.start("pub", *command, cwd=ROOT, env=settings, stdout=log, stderr=subprocess.STDOUT)
    running = House(folder / "log")
    try:
        for _ in range(600):
            assert process.poll() is None, running.said
            with contextlib.suppress(OSError), net.socket("far", socket.AF_INET, socket.SOCK_STREAM) as sock:
                sock.settimeout(5)
                sock.connect((PUBLIC, PORT))
                sock.sendall(f"GET /ping HTTP/1.1\r\nHost: {PUBLIC}:{PORT}\r\nConnection: close\r\n\r\n".encode())
                if sock.recv(64).startswith(b"HTTP/1.1 200"):
                    break
            time.sleep(0.1)
        else:
            raise AssertionError(f"no page:\n{running.said}")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@pytest.fixture(scope="module")
async def browsers(net: Lab, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Browser]]:
    """One in each of the two machines behind routers."""
    try:
        path = find()
    except NoBrowser as nothing:
        path, why = None, str(nothing)
    else:
        why = "there is no Chromium here: python -m tests.browser"
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    net.assert_closed()
    folder = tmp_path_factory.mktemp("browsers")
    started = []
    async with async_playwright() as playwright:
        for where in ("c1", "c2"):
            # Playwright speaks with its browser through pipes, which lead into any namespace.
            wrapper = folder / where
            wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([*net.inside(where), path])} "$@"\n', "utf-8")
            wrapper.chmod(0o755)
            started.append(await playwright.chromium.launch(executable_path=wrapper, args=FLAGS))
        try:
            yield started
        finally:
            for browser in started:
                await browser.close()


class Call:
    """Ada, who has the room, and Bob, a guest who came by its link; both in the call."""

    def __init__(self, ada: Page, bob: Page, heard: list[str]) -> None:
        self.ada, self.bob = ada, bob
        self.heard = heard  # every frame that the server sent to either

    @property
    def addresses(self) -> set[str]:
        """Every address in the candidates that signaling brought."""
        lines = "".join(text for text in self.heard if "/meeting," in text)
        return set(re.findall(r"candidate:\S+ \d \w+ \d+ (\S+)", lines)) | set(re.findall(r"raddr ([^0]\S*)", lines))

    def kinds(self, since: int = 0) -> set[str]:
        """Every type of candidate that signaling brought, from a frame on."""
        return set(re.findall(r"candidate:\S+ \d \w+ \d+ \S+ \d+ typ (\w+)", "".join(self.heard[since:])))

    async def hides(self) -> None:
        """Let Ada make the room relay only."""
        await self.ada.click("#panel-doors")
        await self.ada.click("#door-relay_only")
        await self.ada.wait_for_selector("#door-relay_only[aria-checked=true]")

    @property
    def given(self) -> list[dict[str, Any]]:
        """The answers that brought relays."""
        found = (re.match(r"43/meeting,\d+(\[.*\"ice_servers\".*\])$", text, re.DOTALL) for text in self.heard)
        return [json.loads(one[1])[0] for one in found if one]

    async def stats(self) -> list[dict[str, Any]]:
        return [await page.evaluate(f"({STATS})()") for page in (self.ada, self.bob)]

    async def stands(self, frames: int = 20) -> list[dict[str, Any]]:
        """Wait until each has decoded so many more frames of the other, and say by which way."""
        start = [one["frames"] for one in await self.stats()]
        deadline = time.monotonic() + PATIENCE
        while True:
            now = await self.stats()
            if all(one["frames"] >= before + frames for one, before in zip(now, start, strict=True)):
                return now
            assert time.monotonic() < deadline, now
            await asyncio.sleep(0.25)


@contextlib.asynccontextmanager
async def call(browsers: list[Browser], *, relays_alone: bool, hidden: bool = False) -> AsyncIterator[Call]:
    """Two people meet: their browsers made to use relays alone, or in a room that is ``hidden``, and so asks for it."""
    async with contextlib.AsyncExitStack() as stack:
        people: list[Page] = []
        heard: list[str] = []
        for browser in browsers:
            context = await browser.new_context(permissions=["camera", "microphone"])
            stack.push_async_callback(context.close)
            await context.add_init_script(REMEMBER % str(relays_alone).lower())
            page = await context.new_page()
            page.on("websocket", lambda line: line.on("framereceived", lambda text: heard.append(str(text))))
            people.append(page)
        ada, bob = people
        await ada.goto(ORIGIN)
        person = {"name": "Ada", "email": f"ada.{time.time_ns()}@example.org", "password": "a lab has no secrets"}
        status = await ada.evaluate(
            """async (person) => (await fetch("/api/users", { method: "POST", body: JSON.stringify(person),
            headers: { "content-type": "application/json" } })).status""",
            person,
        )
        assert status == 201
        await ada.goto(ORIGIN + "/lobby")
        await ada.fill("#title", "Behind routers")
        await ada.click("#create")
        link = ORIGIN + str(await ada.get_attribute(".room-title", "href"))
        await ada.goto(link)
        await ada.click("#join:enabled")
        await ada.wait_for_selector('.tile[data-mine="true"]')
        met = Call(ada, bob, heard)
        if hidden:
            await met.hides()
        await bob.goto(link)
        await bob.fill('input[name="name"]', "Bob")
        await bob.click("#join:enabled")
        await bob.wait_for_selector('.tile[data-mine="false"]')
        yield met


@contextlib.contextmanager
def filtered(net: Lab, rule: str) -> Iterator[None]:
    """Let the routers' networks drop what the rule says, on the way through."""
    table = f"table inet strict {{\n chain f {{\n type filter hook forward priority -10\n {rule}\n }}\n}}\n"
    for router in ("r1", "r2"):
        net.run(router, "nft", "-f", "-", text=table)
    try:
        yield
    finally:
        for router in ("r1", "r2"):
            net.run(router, "nft", "delete", "table", "inet", "strict")


async def test_by_relays_alone(house: House, relay: Coturn, browsers: list[Browser]) -> None:
    async with call(browsers, relays_alone=True) as people:
        ways = await people.stands()
    for way in ways:
        assert (way["local"], way["remote"], way["state"]) == ("relay", "relay", "connected")
        assert way["by"] in {"udp", "tcp", "tls"}  # whichever was there first
        assert way["audio"] > 0
        assert set(way["met"]) == {"relay"}
    assert people.addresses == {PUBLIC}  # nobody was told where the other is: neither the machine nor its router
    for answer in people.given:
        [server] = answer["ice_servers"]
        assert server["urls"] == list(URLS.values())
        assert re.fullmatch(rf"\d+:{answer['you']}", server["username"])
        assert answer["ice_expires"] == TTL
    assert len({answer["ice_servers"][0]["username"] for answer in people.given}) == 2
    # What the relay and PeerMeet wrote about it gives nobody a credential.
    for text in (house.said, relay.log):
        for word in (SECRET, *(answer["ice_servers"][0]["credential"] for answer in people.given)):
            assert word not in text


async def test_two_routers_that_let_nothing_through(house: House, browsers: list[Browser]) -> None:
    """Nobody is told to use a relay: a symmetric NAT against a restricted one leaves nothing else."""
    async with call(browsers, relays_alone=False) as people:
        for way in await people.stands():
            assert "relay" in (way["local"], way["remote"])
        assert people.addresses >= {PUBLIC, f"{NET}.11", f"{NET}.12"}  # the price of looking for direct ways


async def test_a_room_that_is_relay_only_tells_nobody_an_address(house: House, browsers: list[Browser]) -> None:
    async with call(browsers, relays_alone=False, hidden=True) as people:
        for way in await people.stands():
            assert (way["local"], way["remote"], way["state"]) == ("relay", "relay", "connected")
            assert set(way["met"]) == {"relay"}
        assert people.kinds() == {"relay"}
        assert people.addresses == {PUBLIC}


async def test_a_room_becomes_relay_only_while_people_meet(house: House, browsers: list[Browser]) -> None:
    """Every connection begins anew: what was told before cannot be taken back, but it is of no use any more."""
    async with call(browsers, relays_alone=False) as people:
        await people.stands()
        assert people.kinds() > {"relay"}
        before = len(people.heard)
        await people.hides()
        deadline = time.monotonic() + PATIENCE
        while any(way["state"] != "connected" or way["local"] != "relay" for way in await people.stats()):
            assert time.monotonic() < deadline, await people.stats()
            await asyncio.sleep(0.25)
        for way in await people.stands():
            assert (way["local"], way["remote"]) == ("relay", "relay")
            assert set(way["met"]) == {"relay"}
        changed = next(n for n, text in enumerate(people.heard) if n >= before and '"room_changed"' in text)
        assert people.kinds(changed) == {"relay"}
        for page in (people.ada, people.bob):
            states = await page.evaluate("() => window.connections.map((one) => one.connectionState)")
            assert states[0] == "closed"
            assert states.count("connected") == 1


@pytest.mark.parametrize(
    ("rule", "by"),
    [
        (f"tcp dport {{ {RELAY_PORT}, {TLS_PORT} }} drop", "udp"),
        ("meta l4proto udp drop", "tcp"),
        (f'meta l4proto udp drop\n iif "br0" tcp dport != {{ {PORT}, {TLS_PORT} }} drop', "tls"),
    ],
    ids=["no tcp to the relay", "no udp", "no port but tls"],
)
async def test_out_of_strict_networks(net: Lab, house: House, browsers: list[Browser], rule: str, by: str) -> None:
    with filtered(net, rule):
        async with call(browsers, relays_alone=True) as people:
            for way in await people.stands():
                assert (way["local"], way["remote"], way["by"]) == ("relay", "relay", by)


GATHER = """
async (servers) => {
  const connection = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: "relay" });
  connection.createDataChannel("none");
  const found = { candidates: [], errors: [] };
  connection.onicecandidate = ({ candidate }) => candidate?.type && found.candidates.push(candidate.type);
  connection.onicecandidateerror = ({ errorCode }) => found.errors.push(errorCode);
  const done = new Promise((resolve) => {
    connection.onicegatheringstatechange = () => connection.iceGatheringState === "complete" && resolve();
    setTimeout(resolve, 15000);
  });
  await connection.setLocalDescription();
  await done;
  connection.close();
  return found;
}
"""


async def test_a_credential_that_is_none_opens_nothing(house: House, browsers: list[Browser]) -> None:
    async with call(browsers, relays_alone=True) as people:
        await people.stands()
        [good] = people.given[0]["ice_servers"]
        good = good | {"urls": [URLS["udp"]]}
        expiry, _, you = good["username"].partition(":")
        tampered = good | {"username": f"{int(expiry) + 3600}:{you}"}
        anothers = good | {"username": f"{expiry}:{people.given[1]['you']}"}
        wrong = good | {"credential": good["credential"][::-1]}
        assert (await people.ada.evaluate(GATHER, [good]))["candidates"] == ["relay"]
        username, password = credential(SECRET, you, good_for=-60)
        expired = good | {"username": username, "credential": password}
        for bad in (tampered, anothers, wrong, expired):
            found = await people.ada.evaluate(GATHER, [bad])
            assert found["candidates"] == []
            assert 401 in found["errors"]


async def test_a_call_outlives_its_credentials(house: House, relay: Coturn, browsers: list[Browser]) -> None:
    """They are renewed in time; then the old ones are over, ICE restarts, and the relay hears none but fresh ones."""
    async with call(browsers, relays_alone=True) as people:
        before = await people.stands()
        refused = relay.log.count("Cannot find credentials")
        begun = time.time()
        while any(now["users"] == old["users"] for now, old in zip(await people.stats(), before, strict=True)):
            assert time.time() < begun + TTL, "the credentials were not renewed"
            await asyncio.sleep(0.5)
        assert time.time() < begun + TTL
        expiries = [int(old["users"][0].partition(":")[0]) for old in before]
        await asyncio.sleep(max(0.0, max(expiries) + 1 - time.time()))
        assert [now["users"] for now in await people.stands()] != [old["users"] for old in before]
        for page in (people.ada, people.bob):
            await page.evaluate("window.dispatchEvent(new Event('online'))")
        deadline = time.monotonic() + PATIENCE
        while any(now["port"] == old["port"] for now, old in zip(await people.stats(), before, strict=True)):
            assert time.monotonic() < deadline, "no new relays"
            await asyncio.sleep(0.25)
        for way in await people.stands():
            assert (way["local"], way["remote"], way["state"]) == ("relay", "relay", "connected")
        assert relay.log.count("Cannot find credentials") == refused
    assert len([answer for answer in people.given if "you" not in answer]) >= 2  # of `refresh_ice`
