"""Debian's coturn with the configuration that PeerMeet ships, in a lab."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.turn.client import Client, Silence
from tests.turn.lab import PUBLIC, PUBLIC6, Lab
from tests.turn.probe import credential

SHIPPED = Path(__file__).parents[2] / "deploy" / "coturn.conf"
SECRET = "the secret of a lab that is gone in a minute"
PORT, TLS_PORT = 3478, 5349
PORTS = itertools.count(20_000)
URLS = {
    "udp": f"turn:{PUBLIC}:{PORT}?transport=udp",
    "tcp": f"turn:{PUBLIC}:{PORT}?transport=tcp",
    "tls": f"turns:{PUBLIC}:{TLS_PORT}?transport=tcp",
}


def configuration(folder: Path, port: int) -> str:
    """Return the shipped configuration, filled in as deploy/README.md says."""
    text = SHIPPED.read_text("utf-8").replace("@ADDRESS@", PUBLIC).replace("@SECRET@", SECRET)
    text = text.replace("/etc/coturn/tls", str(folder))
    text = text.replace(f"={PORT}\n", f"={port}\n").replace(f"={TLS_PORT}\n", f"={port + TLS_PORT - PORT}\n")
    settings = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert not [line for line in settings if "@" in line]
    return "\n".join(settings) + "\n"


class Coturn:
    """A relay that runs. ``log`` is what it said so far."""

    def __init__(self, lab: Lab, folder: Path, port: int) -> None:
        self.lab = lab
        self.port = port
        self.certificate = folder / "fullchain.pem"
        self._log = folder / "log"

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def dial(self, kind: int = socket.SOCK_DGRAM, *, where: str = "far", host: str = PUBLIC) -> socket.socket:
        sock = self.lab.socket(where, socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        sock.settimeout(5)
        if kind == socket.SOCK_DGRAM:  # never the same port twice: the relay may remember who had it before
            sock.bind(("", next(PORTS)))
        sock.connect((host, self.port))
        return sock

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(200):
            assert process.poll() is None, f"coturn ended with {process.returncode}:\n{self.log}"
            with contextlib.suppress(Silence, OSError), Client(self.dial()) as client:
                client.binding()
                return
            time.sleep(0.05)
        raise AssertionError(f"coturn does not answer:\n{self.log}")

    def client(self, participant: str, kind: int = socket.SOCK_DGRAM, *, host: str = PUBLIC) -> Client:
        """Return somebody with a good credential."""
        return Client(self.dial(kind, host=host), *credential(SECRET, participant))


@contextlib.contextmanager
def coturn(
    lab: Lab, change: Callable[[str], str] = str, *, options: tuple[str, ...] = (), port: int = PORT
) -> Iterator[Coturn]:
    """Run a relay on the public side until the block ends: the shipped one, or with something changed, on that port,
    with TLS as far above it as the standard ports are."""
    with tempfile.TemporaryDirectory(prefix="peermeet-coturn-") as made:
        folder = Path(made)
        shutil.chown(folder, "turnserver")  # it gives root up
        certify(folder)
        (folder / "coturn.conf").write_text(change(configuration(folder, port)), "utf-8")
        command = ["turnserver", "-c", str(folder / "coturn.conf"), *options]
        command += [f"--pidfile={folder / 'pid'}", f"--userdb={folder / 'turndb'}"]  # else both are this machine's own
        with (folder / "log").open("wb") as out:
            process = lab.start("pub", *command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        relay = Coturn(lab, folder, port)
        try:
            relay.wait(process)
            yield relay
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def with_ipv6(conf: str) -> str:
    """Return a configuration with an IPv6 relay, which the shipped one leaves off."""
    return conf + f"listening-ip={PUBLIC6}\nrelay-ip={PUBLIC6}\n"


def without_rules(conf: str) -> str:
    """Return a configuration that denies no peer."""
    return re.sub(r"^denied-peer-ip=.*\n", "", conf, flags=re.MULTILINE)


def certify(folder: Path) -> None:
    """Make a certificate for the lab's relay; nobody trusts it."""
    key, cert = folder / "privkey.pem", folder / "fullchain.pem"
    made = ("openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    named = ("-subj", f"/CN={PUBLIC}", "-addext", f"subjectAltName=IP:{PUBLIC}")
    subprocess.run([*made, *named, "-keyout", key, "-out", cert], check=True, capture_output=True)
