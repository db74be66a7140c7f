"""The lab proves itself: nothing in it has a way out, and whoever gives it one is found."""

from __future__ import annotations

import os
import socket
import subprocess

import pytest

from tests.turn.lab import FAR, FAR6, NETNS, PUBLIC, PUBLIC6, Lab, lab

pytestmark = pytest.mark.lab


def heard(net: Lab, sender: str, listener: str, address: str) -> tuple[str, int] | None:
    """Send a datagram, and return from where it came; None if it did not."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with net.socket(listener, family, socket.SOCK_DGRAM) as ear, net.socket(sender, family, socket.SOCK_DGRAM) as mouth:
        ear.bind(("::" if ":" in address else "0.0.0.0", 0))
        ear.settimeout(0.5)
        mouth.sendto(b"hello", (address, ear.getsockname()[1]))
        try:
            _, source = ear.recvfrom(64)
        except TimeoutError:
            return None
        return source[0], source[1]


def test_everybody_reaches_the_public_side(net: Lab) -> None:
    assert [heard(net, who, "pub", PUBLIC)[0] for who in ("far", "c1", "c2")] == [FAR, "192.175.48.11", "192.175.48.12"]
    assert heard(net, "far", "pub", PUBLIC6)[0] == FAR6


def test_nobody_reaches_who_sits_behind_a_router(net: Lab) -> None:
    assert heard(net, "pub", "c1", "192.168.1.2") is None
    assert heard(net, "c2", "c1", "192.168.1.2") is None


def mapped(net: Lab, who: str) -> int:
    """Return how many ports of a router one socket of ``who`` gets, for three destinations."""
    ports = set()
    with net.socket(who, socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        for _ in range(3):
            with net.socket("pub", socket.AF_INET, socket.SOCK_DGRAM) as ear:
                ear.bind((PUBLIC, 0))
                ear.settimeout(2)
                mouth.sendto(b"hello", ear.getsockname())
                ports.add(ear.recvfrom(64)[1][1])
    return len(ports)


def test_one_router_keeps_the_port_and_the_other_draws_a_new_one_each_time(net: Lab) -> None:
    assert mapped(net, "c1") == 1
    assert mapped(net, "c2") == 3


def test_a_way_out_is_found(possible: None) -> None:
    with lab("restricted") as net:
        leak = f"leak{os.getpid()}"[:15]
        subprocess.run(
            ["ip", "link", "add", leak, "type", "veth", "peer", "name", "out", "netns", net.name("c1")], check=True
        )
        with pytest.raises(AssertionError, match="out leads out"):
            net.assert_closed()
        net.run("c1", "ip", "link", "del", "out")
        net.assert_closed()
        net.run("far", "ip", "route", "add", "default", "via", PUBLIC)
        with pytest.raises(AssertionError, match="far"):
            net.assert_closed()


def test_nothing_is_left_behind(possible: None) -> None:
    before = set(NETNS.iterdir()) if NETNS.exists() else set()
    with lab("symmetric"):
        assert len(set(NETNS.iterdir()) - before) == 4
    assert set(NETNS.iterdir()) <= before
