"""``python -m peermeet``: one process, one port. Builds the frontend when its sources changed, then serves."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import importlib.util
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import redis
from dotenv import load_dotenv

from . import discretion
from .config import VARIABLES, BadSetting, Settings, misspelt
from .services import open_services
from .signaling import limits
from .store import NewerSchema, Unavailable

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / ".web"
STAMP = WEB / "peermeet-build"  # the fingerprint of the sources that the bundle was built from
# What the bundle is made of. The store, signaling and the rest of the server are not in it.
SOURCES = (
    "assets",
    "peermeet/ui",
    "peermeet/browser",
    "peermeet/core",
    "peermeet/extend.py",
    "peermeet/app.py",
    "rxconfig.py",
)
PINS = ("requirements.txt", "reflex.lock/package.json", "reflex.lock/bun.lock")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m peermeet", description="Video meetings between browsers. Settings: see README.md."
    )
    parser.add_argument("--port", help=f"{VARIABLES['PEERMEET_PORT'].allowed} (default 3000)")
    parser.add_argument("--host", help=f"{VARIABLES['PEERMEET_HOST'].allowed} (default: all of this machine)")
    parser.add_argument("--data", metavar="DIR", help="where accounts and rooms are kept (default .peermeet)")
    asked = parser.parse_args(arguments)
    load_dotenv(ROOT / ".env")
    for name, value in (("PORT", asked.port), ("HOST", asked.host), ("DATA", asked.data)):
        if value is not None:
            os.environ[f"PEERMEET_{name}"] = value
    try:
        settings = Settings.from_env(os.environ)
        for sentence in misspelt(os.environ):
            print(f"peermeet: {sentence}", file=sys.stderr)
        os.environ["PEERMEET_DATA"] = str(settings.data.resolve())  # before the working folder changes
        os.chdir(ROOT)
        check(settings)
        listener = listen(settings.host, settings.port)
        build(settings)
    except (BadSetting, BuildFailed, OSError, ValueError) as error:
        print(f"peermeet: {error}", file=sys.stderr)
        return 2
    open_files()
    serve(settings, listener)
    return 0


class BuildFailed(Exception):
    """The frontend could not be built."""


def check(settings: Settings) -> None:
    """Find out now what would stop the server later: a plugin that is not there, a secret, store or Redis of no use."""
    for plugin in settings.plugins:
        if importlib.util.find_spec(plugin.partition(".")[0]) is None:
            raise BadSetting(f"PEERMEET_PLUGINS: there is no module {plugin!r} where Python looks for modules.")

    if settings.redis_url is not None:
        try:
            with redis.Redis.from_url(settings.redis_url, socket_connect_timeout=5, socket_timeout=5) as client:
                client.ping()
        except (redis.RedisError, ValueError) as error:
            raise BadSetting(f"PEERMEET_REDIS_URL: Redis does not answer ({type(error).__name__}).") from None

    async def opened() -> None:
        async with open_services(settings):
            pass

    try:
        asyncio.run(opened())
    except (NewerSchema, Unavailable) as error:
        raise BadSetting(str(error)) from None


def listen(host: str, port: int) -> socket.socket:
    """Take the port before anything slow is done."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # so that asyncio switches Nagle off
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, limits.USER_TIMEOUT)
        listener.bind(address)
        listener.listen(2048)  # a second start on this port fails now; who connects already waits for the build
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror}. Choose another with --port.") from None
    listener.set_inheritable(False)
    return listener


def open_files() -> None:
    """Let this process hold as many sockets as the system allows. Shells and services start with 1,024, for the sake
    of programs that use select(2); this one does not, and with 1,024 it stops accepting at a thousand people."""
    try:
        import resource  # noqa: PLC0415 (there is none on Windows, and no such limit)
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says "no limit" and means another number
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def build(settings: Settings) -> None:
    """Build the frontend, once, and again when its sources changed."""
    now = fingerprint(settings)
    if STAMP.exists() and STAMP.read_text() == now and (WEB / "build" / "client" / "index.html").exists():
        return
    print("PeerMeet: building the pages (once; about ten seconds) …", flush=True)
    STAMP.unlink(missing_ok=True)
    environ = os.environ | {"REFLEX_ENV_MODE": "prod", "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip", "--loglevel", "warning"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise BuildFailed(f"the pages could not be built:\n{(done.stdout + done.stderr)[-4000:]}")
    STAMP.write_text(now)


def fingerprint(settings: Settings) -> str:
    """Return a hash of all that the bundle is made of."""
    digest = hashlib.sha256()
    files = [ROOT / name for name in PINS]
    for name in SOURCES:
        path = ROOT / name
        files += sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file() and file.suffix != ".pyc" and "external" not in file.parts:
            digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes() + b"\0")
    for plugin in settings.plugins:
        spec = importlib.util.find_spec(plugin)
        digest.update(plugin.encode() + (Path(spec.origin).read_bytes() if spec and spec.origin else b""))
    digest.update(repr(sys.version_info[:2]).encode())
    return digest.hexdigest()


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until told to stop."""
    # As `reflex run --env prod` does after its build; the names are Reflex's own, and Reflex is pinned.
    os.environ |= {
        "REFLEX_ENV_MODE": "prod",
        "__REFLEX_SKIP_COMPILE": "true",
        "__REFLEX_MOUNT_FRONTEND_COMPILED_APP": "true",
    }
    import uvicorn  # noqa: PLC0415 (not needed for --help)

    from .serving import options  # noqa: PLC0415 (likewise)

    discretion.install()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    server = uvicorn.Server(
        uvicorn.Config(
            "peermeet.app:app",
            factory=True,
            **options(settings.trusted_proxies),
        )
    )
    shown = "localhost" if settings.host in {"0.0.0.0", "::", "127.0.0.1"} else settings.host  # noqa: S104
    started = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await started(sockets)
        if server.started:
            print(f"PeerMeet: http://{shown}:{settings.port}", flush=True)

    server.startup = startup  # type: ignore[method-assign]
    server.run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
