"""Whether an address tells one person from another."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where proxies and containers of the server's own house are: loopback, private (RFC 1918, RFC 4193), link-local, and
# what one provider's customers share (RFC 6598).
OWN = tuple(
    map(
        ipaddress.ip_network,
        (
            *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
            *("::/64", "fc00::/7", "fe80::/10"),  # the first as the gate counts ::1
        ),
    )
)


def tells_apart(address: str, proxies: Iterable[str]) -> bool:
    """Tell whether whoever comes from this address is one of few. ``proxies`` are those whose word is believed about
    where somebody comes from.

    With none named, an address of the house may be a proxy's, and then it is everybody's: to ban it would ban all
    guests. On a home's own network it is one person's, who may then come back with another browser; that is the lesser
    harm, and the room can be locked. Where proxies are named, what they say counts, and their own address, which they
    say of nobody, does not.
    """
    try:
        network = ipaddress.ip_network(address)  # of IPv6 the gate hands on the first 64 bits
    except ValueError:
        return False
    named = [ipaddress.ip_network(proxy, strict=False) for proxy in proxies]
    return not any(_inside(network, other) for other in named or OWN)


def _inside(network: Network, other: Network) -> bool:
    return network.version == other.version and network.overlaps(other)
