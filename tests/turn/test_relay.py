"""The relay as it is shipped: whom it serves, whom it refuses, and what nobody reaches through it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.turn.client import (
    BINDING,
    LIFETIME,
    RELAYED,
    TCP,
    V6,
    XOR_MAPPED,
    Client,
    Message,
)
from tests.turn.coturn import SECRET, SHIPPED, URLS, Coturn, coturn, with_ipv6, without_rules
from tests.turn.lab import FAR, FAR6, PUBLIC, PUBLIC6, Lab
from tests.turn.probe import credential, faults

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]

FORBIDDEN = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1"),
    *("169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1"),
    *("192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
]
FORBIDDEN6 = [
    *("::", "::1", "::2", "::127.0.0.1", "::10.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"),
    *("::ffff:192.175.48.9", "64:ff9b::1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:1ff::1"),
    *("2001:db8::1", "2002::1", "2002:a00:1::1", "3fff::1", "3fff:fff::1", "5f00::1", "fc00::1", "fd12:3456::1"),
    *("fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1"),
]
NEIGHBOURS = ["9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1"]
NEIGHBOURS += ["192.169.0.1", "169.253.0.1", "169.255.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.1", "1.1.1.1"]


@pytest.fixture(scope="module")
def relay6(net: Lab) -> Iterator[Coturn]:
    """One with IPv6 besides."""
    with coturn(net, with_ipv6, port=3480) as running:
        yield running


# G1: a relay that did not read its configuration looks healthy


def test_the_probe_finds_nothing_wrong(relay: Coturn) -> None:
    assert faults(relay.dial, SECRET) == []


def test_the_probe_finds_an_open_relay(net: Lab) -> None:
    """coturn's -n means: read no file, whatever -c says."""
    options = ("-n", f"--listening-ip={PUBLIC}", "--listening-port=3479", "--no-cli")
    with coturn(net, options=options, port=3479) as open_relay:
        found = " ".join(faults(open_relay.dial, SECRET))
    assert found.count("is answered 200 instead of 401") == 5
    assert "relays to 10.0.0.1" in found
    assert "169.254.169.254" in found


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        ((r"denied-peer-ip=169.254.*", ""), "relays to 169.254.169.254"),
        ((r"denied-peer-ip=::1-.*", "denied-peer-ip=::"), "cannot reach each other (403)"),
        ((r"static-auth-secret=.*", "static-auth-secret=an older one"), "a good credential is answered 401"),
    ],
)
def test_the_probe_finds_a_wrong_line(net: Lab, edit: tuple[str, str], fault: str) -> None:
    def change(conf: str) -> str:
        conf, count = re.subn(rf"^{edit[0]}$", edit[1], conf, flags=re.MULTILINE)
        assert count == 1
        return conf

    with coturn(net, change, port=3479) as wrong:
        assert fault in " ".join(faults(wrong.dial, SECRET))


def test_the_probe_finds_nobody(relay: Coturn) -> None:
    def dial() -> socket.socket:
        sock = relay.lab.socket("far", socket.AF_INET, socket.SOCK_STREAM)
        with sock:
            sock.connect((PUBLIC, 9))
        return sock

    assert faults(dial, SECRET) == ["no answer (ConnectionRefusedError)"]


def test_the_probe_as_it_is_run(net: Lab, relay: Coturn) -> None:
    def probe(**more: str) -> tuple[int, list[str]]:
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("PEERMEET_", "SSL_"))} | more
        command = [*net.inside("far"), sys.executable, "-m", "tests.turn.probe"]
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)
        assert SECRET not in done.stdout + done.stderr
        return done.returncode, done.stdout.splitlines()

    settings = {"PEERMEET_TURN_URLS": ", ".join(URLS.values()), "PEERMEET_TURN_SECRET": SECRET}
    good = [f"{url}: good" for url in URLS.values()]
    assert probe(**settings, SSL_CERT_FILE=str(relay.certificate)) == (0, good)
    code, said = probe(**settings)  # browsers look at certificates, and so does the probe
    assert (code, said[:2]) == (1, good[:2])
    assert "SSLCertVerificationError" in said[2]
    assert probe()[0] == 2


def test_it_understands_every_line_of_its_configuration(relay: Coturn) -> None:
    assert not re.findall(r"(?i).*(?:bad config|unknown|unrecognized|deprecated|cannot open|warning).*", relay.log)


# G2: whom nobody may reach


@pytest.fixture(scope="module")
def ada(relay: Coturn) -> Iterator[Client]:
    with relay.client("ada") as client:
        assert client.allocate().code == 200
        yield client


@pytest.fixture(scope="module")
def eve6(relay6: Coturn) -> Iterator[Client]:
    with relay6.client("eve", host=PUBLIC6) as client:
        assert client.allocate(family=V6).code == 200
        yield client


def answered(client: Client, peers: list[str]) -> dict[str, tuple[int, int]]:
    """Return what permission and channel to each peer are answered."""
    return {peer: (client.permit(peer).code, client.bind((peer, 80)).code) for peer in peers}


def test_private_and_special_addresses(ada: Client) -> None:
    assert answered(ada, FORBIDDEN) == dict.fromkeys(FORBIDDEN, (403, 403))


def test_private_and_special_addresses_through_an_ipv6_relay(eve6: Client) -> None:
    assert answered(eve6, FORBIDDEN6) == dict.fromkeys(FORBIDDEN6, (403, 403))


def test_as_shipped_it_relays_no_ipv6(ada: Client, relay: Coturn) -> None:
    with relay.client("eve") as eve:
        assert eve.allocate(family=V6).code == 440
    codes = {code for both in answered(ada, [*FORBIDDEN6, FAR6]).values() for code in both}
    assert codes <= {403, 443}


def test_a_forbidden_peer_behind_an_allowed_one(ada: Client) -> None:
    assert ada.permit(FAR, "10.0.0.1").code == 403
    assert ada.permit("10.0.0.1", FAR).code == 403


VICTIMS = ("10.66.0.1", "169.254.169.254", "127.0.0.1")


def reached(net: Lab, relay: Coturn, who: str) -> set[str]:
    """Try every way in to services of the relay's own machine; return which heard something."""
    ears = {}
    for victim in VICTIMS:
        ears[victim] = net.socket("pub", socket.AF_INET, socket.SOCK_DGRAM)
        ears[victim].bind((victim, 7777))
        ears[victim].settimeout(0.3)
    found = set()
    try:
        for n, victim in enumerate(VICTIMS):
            with relay.client(f"{who}-{n}") as mallory:
                assert mallory.allocate().code == 200
                mallory.permit(FAR)
                mallory.permit(victim)
                mallory.permit(FAR, victim)
                mallory.bind((victim, 7777))
                mallory.send((victim, 7777), b"by Send")
                mallory.send_channel(b"by channel")
                try:
                    ears[victim].recv(64)
                    found.add(victim)
                except TimeoutError:
                    pass
    finally:
        for ear in ears.values():
            ear.close()
    return found


def test_no_packet_reaches_the_relays_own_net(net: Lab, relay: Coturn) -> None:
    for victim in VICTIMS[:2]:
        net.run("pub", "ip", "addr", "add", f"{victim}/32", "dev", "br0")
    try:
        assert reached(net, relay, "mallory") == set()
        with coturn(net, without_rules, port=3479) as careless:
            assert reached(net, careless, "mallory") == set(VICTIMS[:2])  # the lines that deny do it, and nothing else
    finally:
        for victim in VICTIMS[:2]:
            net.run("pub", "ip", "addr", "del", f"{victim}/32", "dev", "br0")


# G3: and whom everybody must


def permitted(client: Client, peers: list[str]) -> dict[str, int]:
    return {peer: client.permit(peer).code for peer in peers}


def test_public_peers_are_allowed(ada: Client) -> None:
    peers = [FAR, PUBLIC, *NEIGHBOURS]
    assert permitted(ada, peers) == dict.fromkeys(peers, 200)


def test_public_peers_are_allowed_through_an_ipv6_relay(eve6: Client) -> None:
    peers = [FAR6, PUBLIC6, "2600::1", "2a00::1", "2001:200::1", "2003::1", "3ffe::1"]
    assert permitted(eve6, peers) == dict.fromkeys(peers, 200)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["udp", "tcp"])
def test_two_relays_speak_with_each_other(relay: Coturn, kind: int) -> None:
    with relay.client("ada-2", kind) as ada, relay.client("bob-2", kind) as bob:
        places = []
        for one in (ada, bob):
            answer = one.allocate()
            assert (answer.code, answer.number(LIFETIME)) == (200, 600)
            assert answer.address(XOR_MAPPED)[0] == FAR
            places.append(answer.address(RELAYED))
        assert {place[0] for place in places} == {PUBLIC}
        assert ada.permit(places[1][0]).code == 200
        assert bob.bind(places[0]).code == 200
        ada.send(places[1], b"hello, Bob")
        assert bob.hear() == b"hello, Bob"
        bob.send_channel(b"hello, Ada")
        assert ada.hear() == b"hello, Ada"
        for one in (ada, bob):
            assert one.refresh(600).number(LIFETIME) == 600
            assert one.refresh(0).number(LIFETIME) == 0


# G4: no proxy to TCP services


def test_no_relayed_tcp_connections(relay: Coturn) -> None:
    with relay.client("tess", socket.SOCK_STREAM) as tess:
        assert tess.allocate(transport=TCP).code == 442


# G5: credentials


def test_credentials_that_are_none(relay: Coturn) -> None:
    username, password = credential(SECRET, "ada")
    expiry, _, participant = username.partition(":")
    wrong = {
        "expired": credential(SECRET, participant, good_for=-1),
        "another secret": credential(SECRET + "!", participant),
        "longer": (f"{int(expiry) + 3600}:{participant}", password),
        "another participant": (f"{expiry}:bob", password),
        "no expiry": (participant, password),
        "another password": (username, password[::-1]),
        "an empty one": (username, ""),
    }
    for name, (who, word) in wrong.items():
        with Client(relay.dial(), who, word) as client:
            assert client.allocate().code == 401, name
    with Client(relay.dial(), username, password) as client:
        assert client.allocate().code == 200


def test_nobody_takes_over_anothers_allocation(relay: Coturn) -> None:
    with relay.client("ada-3") as ada:
        assert ada.allocate().code == 200
        ada.username, ada.password = credential(SECRET, "bob")
        assert ada.permit(FAR).code == 441
        assert ada.refresh(0).code == 441


def test_a_relay_outlives_its_credential_and_a_new_one_needs_another(relay: Coturn) -> None:
    """What the short life rests on: it never cuts a call, and everything that begins anew asks first."""
    username, password = credential(SECRET, "ada-4", good_for=1)
    with Client(relay.dial(), username, password) as ada, Client(relay.dial(), username, password) as again:
        assert ada.allocate().code == 200
        time.sleep(2.1)
        assert ada.refresh().code == 200
        assert ada.permit(FAR).code == 200
        assert again.allocate().code == 401


# G7: quotas


def test_a_hoarder_finds_an_end_and_nobody_else_does(relay: Coturn) -> None:
    quota = int(re.search(r"^user-quota=(\d+)$", SHIPPED.read_text("utf-8"), re.MULTILINE)[1])
    assert quota >= 3 * 7 * 2  # udp, tcp and tls to seven others, while ICE restarts
    clients = [relay.client("hog") for _ in range(quota + 1)]
    try:
        assert [client.allocate().code for client in clients] == [200] * quota + [486]
        with Client(relay.dial(), *credential(SECRET, "hog", good_for=660)) as renewed:
            assert renewed.username != clients[0].username
            assert renewed.allocate().code == 486
        with relay.client("guest") as guest:
            assert guest.allocate().code == 200
    finally:
        for client in clients:
            client.__exit__()


# G8: ports and bandwidth


def shipped(name: str) -> int:
    return int(re.search(rf"^{name}=(\d+)$", SHIPPED.read_text("utf-8"), re.MULTILINE)[1])


def few_ports(conf: str) -> str:
    """A configuration with sixty ports for relays, so that two users can take them all."""
    low = shipped("min-port")
    return conf.replace(f"max-port={shipped('max-port')}\n", f"max-port={low + 59}\n")


def test_all_quotas_together_leave_ports_free() -> None:
    assert shipped("max-port") - shipped("min-port") + 1 > shipped("total-quota")


def test_whoever_takes_the_last_port_ends_nobody_s_call(net: Lab) -> None:
    quota = shipped("user-quota")
    with coturn(net, few_ports, port=3484) as relay, Listener(relay) as friend, relay.client("guest") as guest:
        assert guest.allocate().code == 200
        assert guest.permit(FAR).code == 200
        guest.send(friend.address, b"before")
        assert friend.hears() == b"before"
        hogs = [relay.client(name) for name in ("hog", "hog-2") for _ in range(quota)]
        try:
            codes = [hog.allocate().code for hog in hogs]
            assert set(codes[:quota]) == {200}  # one user's quota leaves ports for others
            assert 508 in codes[quota:]
            assert guest.refresh().code == 200
            guest.send(friend.address, b"after")
            assert friend.hears() == b"after"
        finally:
            for hog in hogs:
                hog.__exit__()


def test_whoever_sends_without_end_is_held_to_a_rate_and_holds_up_nobody(relay: Coturn) -> None:
    seconds, packets, size = 2.0, 3_000, 1_000  # four times the rate
    with (
        Listener(relay) as friend,
        Listener(relay) as sink,
        relay.client("guest-8") as guest,
        relay.client("hog-8") as hog,
    ):
        for one in (guest, hog):
            assert one.allocate().code == 200
            assert one.permit(FAR).code == 200
        start, heard = time.monotonic(), []
        for n in range(packets):
            hog.send(sink.address, bytes(size))
            if n % 150 == 0:
                guest.send(friend.address, str(n).encode())
                heard.append(friend.hears())
            time.sleep(max(0.0, start + seconds * n / packets - time.monotonic()))
        took = time.monotonic() - start
        assert heard == [str(n).encode() for n in range(0, packets, 150)]
        assert sink.amount() <= shipped("max-bps") * (took + 1)  # of each second, the first packets


class Listener:
    """Somebody on the far side who is sent something through a relay."""

    def __init__(self, relay: Coturn) -> None:
        self._sock = relay.lab.socket("far", socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        self._sock.bind((FAR, 0))
        self._sock.settimeout(2)
        self.address = (FAR, self._sock.getsockname()[1])

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *error: object) -> None:
        self._sock.close()

    def hears(self) -> bytes:
        return self._sock.recv(2_048)

    def amount(self) -> int:
        """How much is there, and comes within half a second."""
        found = 0
        self._sock.settimeout(0.5)
        try:
            while True:
                found += len(self._sock.recv(2_048))
        except TimeoutError:
            return found


# G9: nothing to hit others with


def test_answers_are_hardly_longer_than_questions(relay: Coturn) -> None:
    with Client(relay.dial()) as nobody:
        answers: dict[int, Message] = {20: nobody.binding(), 28: nobody.allocate(signed=False)}
        for asked, answer in answers.items():
            assert answer.size <= 5 * asked, f"{asked} bytes are answered with {answer.size}"
        assert answers[28].code == 401


def test_answers_go_to_whoever_asked_alone(relay: Coturn) -> None:
    """RFC 5780's CHANGE-REQUEST and RESPONSE-PORT would send them elsewhere."""
    with relay.dial() as sock, relay.lab.socket("far", socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind((FAR, 0))
        victim.settimeout(0.3)
        port = victim.getsockname()[1]
        response_port = b"\x00\x27\x00\x04" + port.to_bytes(2, "big") + bytes(2)
        change_request = b"\x00\x03\x00\x04\x00\x00\x00\x06"
        for attribute in (response_port, change_request):
            header = BINDING.to_bytes(2, "big") + len(attribute).to_bytes(2, "big") + bytes.fromhex("2112a442")
            sock.send(header + bytes(12) + attribute)
            sock.settimeout(0.5)
            assert sock.recv(2048)  # ignored, and answered to the asker
        with pytest.raises(TimeoutError):
            victim.recv(64)


# G10


def test_the_secret_stands_in_no_log(relay: Coturn) -> None:
    assert SECRET not in relay.log
