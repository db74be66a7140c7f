"""``python -m tests.turn.probe``: is the relay in the settings the one that PeerMeet believes it is?

Reads PEERMEET_TURN_URLS and PEERMEET_TURN_SECRET (the environment, or .env) and asks each address as strangers would,
and as a guest. A coturn that did not read its configuration looks healthy and relays for everybody: that is what this
finds. Prints what is wrong and ends with 1 if anything is.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dotenv import load_dotenv

from peermeet.signaling.ice import Turn, ice_servers
from tests.turn.client import RELAYED, Client, Silence

FORBIDDEN = ("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0")
PATIENCE = 5.0  # seconds for a connection

Dial = Callable[[], socket.socket]


def credential(secret: str, participant: str, *, good_for: int = 600) -> tuple[str, str]:
    """Return a user name and its password, as a seat would get them; with less than nothing, one that is over."""
    [server] = ice_servers([], Turn((), secret, good_for), participant, time.time())
    return server["username"], server["credential"]


def faults(dial: Dial, secret: str) -> list[str]:
    """Return what is wrong with a relay; nothing if it serves who has a credential, nobody else, and no private net."""
    user, password = credential(secret, "probe")
    over = credential(secret, "probe", good_for=-60)
    wrong = credential(secret[::-1] + "x", "probe")
    later = (f"{int(user.partition(':')[0]) + 86400}:probe", password)
    strangers = {
        "nobody": ("", ""),
        "an expired credential": over,
        "another secret's credential": wrong,
        "a tampered credential": later,
        "a user of its own": ("user", "password"),
    }
    found = []
    try:
        for name, (who, word) in strangers.items():
            with Client(dial(), who, word) as client:
                code = client.allocate(signed=bool(who)).code
            if code != 401:
                found.append(f"{name} is answered {code} instead of 401")
        with Client(dial(), user, password) as client:
            if (answer := client.allocate()).code != 200:
                return [*found, f"a good credential is answered {answer.code}"]
            open_to = [peer for peer in FORBIDDEN if client.permit(peer).code == 200]
            if open_to:
                found.append(f"relays to {', '.join(open_to)}")
            if (code := client.permit(answer.address(RELAYED)[0]).code) != 200:
                found.append(f"two of its own relays cannot reach each other ({code})")
            client.refresh(0)
    except (Silence, OSError) as error:
        found.append(f"no answer ({type(error).__name__})")
    return found


def dialler(url: str) -> Dial:
    """Return what connects to a turn: or turns: address."""
    found = re.fullmatch(r"(turns?):(?:\[([^]]+)\]|([^:?]+))(?::(\d+))?(?:\?transport=(udp|tcp))?", url)
    assert found, url
    scheme, six, host, port, transport = found.groups()
    tls = scheme == "turns"
    kind = socket.SOCK_STREAM if tls or transport == "tcp" else socket.SOCK_DGRAM
    address = (six or host, int(port or (5349 if tls else 3478)))

    def dial() -> socket.socket:
        family, _, _, _, place = socket.getaddrinfo(*address, type=kind)[0]
        sock = socket.socket(family, kind)
        sock.settimeout(PATIENCE)
        sock.connect(place)
        return ssl.create_default_context().wrap_socket(sock, server_hostname=address[0]) if tls else sock

    return dial


def main() -> int:
    load_dotenv(Path(__file__).parents[2] / ".env")
    urls, secret = os.environ.get("PEERMEET_TURN_URLS", ""), os.environ.get("PEERMEET_TURN_SECRET", "")
    if not urls or not secret:
        print("PEERMEET_TURN_URLS and PEERMEET_TURN_SECRET say which relay to ask, and are not set")
        return 2
    bad = False
    for url in (url.strip() for url in urls.split(",")):
        wrong = faults(dialler(url), secret)
        bad |= bool(wrong)
        print(f"{url}: {'; '.join(wrong) or 'good'}")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
