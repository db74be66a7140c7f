"""Whom an address stands for: one of few, or everybody who comes through a proxy."""

from __future__ import annotations

import pytest

from peermeet.auth.addresses import tells_apart
from peermeet.gate import neighbourhood

PEOPLE = ["192.0.2.7", "198.51.100.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2001:db8::7", "2600::1"]
HOUSE = [
    "127.0.0.1",
    "127.9.9.9",
    "10.0.0.2",
    "172.17.0.1",
    "172.31.255.255",
    "192.168.1.5",
    "169.254.1.1",
    "100.64.0.9",
]
HOUSE += ["::1", "fd00::5", "fe80::1%eth0", "::ffff:10.0.0.2", "::ffff:127.0.0.1"]
NOBODY = ["unknown", "testclient", "", "10.0.0", "a, b", "<b>"]


def told_apart(address: str, *proxies: str) -> bool:
    """As a request passes the gate."""
    return tells_apart(neighbourhood(address), proxies)


@pytest.mark.parametrize("address", PEOPLE)
def test_people_s_are_told_apart_with_and_without_a_proxy(address: str) -> None:
    assert told_apart(address)
    assert told_apart(address, "127.0.0.1")


@pytest.mark.parametrize("address", HOUSE)
def test_those_of_the_house_may_be_a_proxy_s_that_nobody_named(address: str) -> None:
    assert not told_apart(address)


@pytest.mark.parametrize("address", HOUSE)
def test_where_the_proxy_is_named_they_are_people_s_too(address: str) -> None:
    assert told_apart(address, "203.0.113.1")


@pytest.mark.parametrize("proxy", ["10.0.0.2", "10.0.0.0/8", "10.9.9.9/8", "192.0.2.1,10.0.0.0/30"])
def test_a_named_proxy_s_own_is_nobody_s(proxy: str) -> None:
    assert not told_apart("10.0.0.2", *proxy.split(","))
    assert told_apart("11.0.0.2", *proxy.split(","))


def test_a_named_proxy_with_ipv6_is_known_by_its_network() -> None:
    assert not told_apart("2001:db8::7", "2001:db8::1")
    assert told_apart("2001:db8:0:1::7", "2001:db8::1")


@pytest.mark.parametrize("address", NOBODY)
@pytest.mark.parametrize("proxies", [(), ("127.0.0.1",)])
def test_what_is_no_address_tells_nobody_apart(address: str, proxies: tuple[str, ...]) -> None:
    assert not told_apart(address, *proxies)
