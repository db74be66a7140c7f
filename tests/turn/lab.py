"""A small internet of network namespaces: a public net, and people behind routers of their own. Root and Linux only.

    pub     a bridge, 192.175.48.2: PeerMeet and the relay
    far     on the bridge itself, 192.175.48.9: a client without a NAT
    rN, cN  a router, 192.175.48.(10+N), and the machine behind it, 192.168.N.2

The public net is AS112's (RFC 7534), a sink by design: public, so that the relay's list of forbidden peers is the one
of a real deployment, and nobody's if a packet should ever get out. None can: the namespaces are connected with each
other alone, which `assert_closed` reads from the kernel. Names carry this process's id, so that runs do not collide.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NET, NET6 = "192.175.48", "2620:4f:8000:"
PUBLIC, FAR = f"{NET}.2", f"{NET}.9"
PUBLIC6, FAR6 = f"{NET6}:2", f"{NET6}:9"
SINK = (f"{NET}.254", f"{NET6}:fe", "02:00:00:00:00:fe")
NEEDS = ("ip", "nft", "nsenter", "turnserver", "openssl")
CLONE_NEWNET = 0x40000000
SERIAL = itertools.count(1)
NETNS = Path("/var/run/netns")

# What a router does to a flow's port: keep it if it can, or draw another one for each destination.
NAT = {"restricted": "masquerade", "symmetric": "masquerade random,fully-random"}
# Whoever sends first must not decide the mapping: without the drop on input an early packet from outside would leave
# an entry of the router's own, and the later flow from inside would get another port.
ROUTER = """
table ip nat {
  chain post {
    type nat hook postrouting priority 100
    oif "wan" %s
  }
}
table inet fw {
  chain inp {
    type filter hook input priority 0
    iif "wan" meta l4proto udp drop
  }
  chain forw {
    type filter hook forward priority 0
    ct state established,related accept
    iif "wan" drop
  }
}
"""


def lacking() -> str | None:
    """Return why there can be no lab here, or None."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if gone := [name for name in NEEDS if shutil.which(name) is None]:
        return f"not installed: {', '.join(gone)} (Debian: apt-get install coturn nftables iproute2 openssl)"
    probe = f"peermeet-{os.getpid()}-try"
    if _run("ip", "netns", "add", probe, check=False) is None:
        return "network namespaces cannot be made here"
    _run("ip", "netns", "del", probe)
    return None


class Lab:
    """The namespaces, by their short names."""

    def __init__(self) -> None:
        self.prefix = f"peermeet-{os.getpid()}-{next(SERIAL)}-"
        self._made: list[str] = []

    def name(self, short: str) -> str:
        return self.prefix + short

    def up(self, *kinds: str) -> None:
        """Make the public net and, for each kind of NAT, a router with somebody behind it."""
        self._namespace("pub")
        self._bridge("pub", f"{PUBLIC}/24", f"{PUBLIC6}/64")
        # The internet swallows what goes to private addresses; a machine without a route would refuse to send it, and
        # coturn 4.6.1 then drops the whole allocation.
        for family, via in (("-4", SINK[0]), ("-6", SINK[1])):
            self.run("pub", "ip", family, "neigh", "add", via, "lladdr", SINK[2], "dev", "br0", "nud", "permanent")
            self.run("pub", "ip", family, "route", "add", "default", "via", via)
        self._namespace("far")
        self._cable("far", "eth0", "pub", "far", f"{FAR}/24", f"{FAR6}/64")
        for n, kind in enumerate(kinds, 1):
            self._namespace(f"r{n}")
            self._cable(f"r{n}", "wan", "pub", f"wan{n}", f"{NET}.{10 + n}/24")
            self._bridge(f"r{n}", f"192.168.{n}.1/24")
            self.run(f"r{n}", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
            self.run(f"r{n}", "nft", "-f", "-", text=ROUTER % NAT[kind])
            self._namespace(f"c{n}")
            self._cable(f"c{n}", "eth0", f"r{n}", "lan", f"192.168.{n}.2/24")
            self.run(f"c{n}", "ip", "route", "add", "default", "via", f"192.168.{n}.1")

    def down(self) -> None:
        while self._made:
            _run("ip", "netns", "del", self.name(self._made.pop()), check=False)

    def run(self, where: str, *command: str, text: str = "") -> str:
        """Run a command in a namespace and return what it said."""
        return _run("ip", "netns", "exec", self.name(where), *command, text=text) or ""

    def start(self, where: str, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start a program in a namespace; the process is the program's own."""
        return subprocess.Popen([*self.inside(where), *command], **more)

    def inside(self, where: str) -> list[str]:
        """Return the words before a command that put it into a namespace."""
        return ["nsenter", f"--net={NETNS / self.name(where)}"]

    def socket(self, where: str, family: int, kind: int) -> socket.socket:
        """Make a socket in a namespace: it stays there, whoever uses it."""
        made: list[socket.socket | OSError] = []

        def there() -> None:  # a thread has a network namespace of its own
            try:
                with open(NETNS / self.name(where)) as namespace:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                made.append(socket.socket(family, kind))
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=there)
        thread.start()
        thread.join()
        [one] = made
        if isinstance(one, OSError):
            raise one
        return one

    def assert_closed(self) -> None:
        """Every link of every namespace ends in another one of ours, and no default route leads anywhere else."""
        ours = {self.name(short) for short in self._made}
        for short in self._made:
            ids = {row["nsid"]: row.get("name") for row in self._json(short, "netns", "list-id")}
            for link in self._json(short, "-d", "link"):
                kind = link.get("linkinfo", {}).get("info_kind", link["link_type"])
                if "link_netnsid" in link:
                    assert ids.get(link["link_netnsid"]) in ours, f"{short}: {link['ifname']} leads out"
                else:
                    assert kind in {"loopback", "bridge"} or link["ifname"] in TUNNELS, f"{short}: {link['ifname']}"
            gateways = [row.get("gateway") for row in self._json(short, "route", "show", "default")]
            expected = {"pub": [SINK[0]], "far": []}.get(short, [f"192.168.{short[1:]}.1"] if short[0] == "c" else [])
            assert gateways == expected, f"{short}: {gateways}"

    def _json(self, where: str, *command: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.run(where, "ip", "-j", *command) or "[]")
        return found

    def _namespace(self, short: str) -> None:
        _run("ip", "netns", "add", self.name(short))
        self._made.append(short)
        self.run(short, "ip", "link", "set", "lo", "up")

    def _bridge(self, where: str, *addresses: str) -> None:
        self.run(where, "ip", "link", "add", "br0", "type", "bridge")
        self._address(where, "br0", *addresses)

    def _cable(self, where: str, end: str, to: str, other: str, *addresses: str) -> None:
        """Lay a cable from ``end`` in one namespace to the bridge of another."""
        ours, theirs = self.name(where), self.name(to)
        _run("ip", "link", "add", end, "netns", ours, "type", "veth", "peer", "name", other, "netns", theirs)
        self.run(to, "ip", "link", "set", other, "master", "br0", "up")
        self._address(where, end, *addresses)

    def _address(self, where: str, link: str, *addresses: str) -> None:
        for address in addresses:
            # Without duplicate detection: an IPv6 address is usable at once.
            self.run(where, "ip", "addr", "add", address, "dev", link, *(["nodad"] if ":" in address else []))
        self.run(where, "ip", "link", "set", link, "up")


TUNNELS = {
    "tunl0",
    "sit0",
    "gre0",
    "gretap0",
    "erspan0",
    "ip_vti0",
    "ip6_vti0",
    "ip6tnl0",
    "ip6gre0",
}  # the kernel's own


@contextlib.contextmanager
def lab(*kinds: str) -> Iterator[Lab]:
    """Lend a lab, closed to the outside, and take it away again."""
    made = Lab()
    sweep()
    try:
        made.up(*kinds)
        made.assert_closed()
        yield made
    finally:
        made.down()


def sweep() -> None:
    """Take away what a run left that was killed."""
    for path in NETNS.glob("peermeet-*-*") if NETNS.exists() else ():
        if not Path("/proc", path.name.split("-")[1]).exists():
            _run("ip", "netns", "del", path.name, check=False)


def _run(*command: str, text: str = "", check: bool = True) -> str | None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode == 0:
        return done.stdout
    if check:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return None
