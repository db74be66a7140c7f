"""The front door: the only module that sees every room of the house. Reflex imports it and takes `app`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator

import msgspec
import reflex as rx
from reflex.utils import prerequisites
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from . import extend
from .browser.build import early
from .config import Settings
from .gate import Gate
from .routes import routes
from .services import COOKIE, Services, open_services
from .signaling.ice import Turn
from .signaling.server import Signaling
from .ui import controls  # noqa: F401  # its controls come in through the seam
from .ui.own import OwnRoomState
from .ui.pages.account import account
from .ui.pages.lobby import lobby
from .ui.pages.login import login
from .ui.pages.meeting import meeting
from .ui.pages.missing import missing
from .ui.pages.room import room
from .ui.panels import people  # noqa: F401  # likewise
from .ui.state import AccountState, House, LobbyState, LoginState, MeetingState

log = logging.getLogger("peermeet")


class Running:
    """What exists only while the server runs: made in its event loop, after Reflex has forked its workers."""

    services: Services
    signaling: Signaling


def services() -> Services:
    return Running.services


async def signaling(scope: Scope, receive: Receive, send: Send) -> None:
    await Running.signaling.asgi(scope, receive, send)


def gate(inner: ASGIApp) -> ASGIApp:
    """Wrap the whole application, Reflex's part too."""
    origins = (*settings.origins, *rx.config.get_config().cors_allowed_origins)
    return Gate(inner, origins=origins, pages=prerequisites.get_web_dir() / "build" / "client")


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Open what the house is made of when the server starts, and close it in order when it stops."""
    async with open_services(settings) as opened:
        await opened.recorder.begin()
        Running.services = opened
        Running.signaling = Signaling(
            opened.admit,
            opened.open_room,
            ice_servers=[msgspec.to_builtins(server) for server in settings.ice_servers],
            turn=Turn(settings.turn_urls, settings.turn_secret, settings.turn_ttl) if settings.turn_secret else None,
            observe=lambda happening: opened.observe(*happening),
        )
        opened.live = Running.signaling.hub
        chores = [asyncio.create_task(Running.signaling.run()), asyncio.create_task(opened.keep_hours())]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            await Running.signaling.close()


def connected(token: str) -> bool:
    return app.event_namespace is not None and token in app.event_namespace.token_to_sid


settings = Settings.from_env(os.environ)
logging.getLogger("peermeet").setLevel(settings.log_level.upper())
for plugin in settings.plugins:
    extend.load(plugin)
House.services = services
House.connected = connected

app = rx.App(
    stylesheets=["/peermeet.css"],
    head_components=[
        early(),
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.meta(name="viewport", content="width=device-width, initial-scale=1, viewport-fit=cover"),
        rx.el.meta(name="theme-color", content="#0f1216"),
        rx.el.meta(name="color-scheme", content="light dark"),
    ],
    html_lang="en",
    toaster=None,
    # Reflex's banner for a lost connection would cover a call that goes on; the meeting page has its own line.
    extra_app_wraps={},
    api_transformer=[Starlette(routes=[*routes(services, COOKIE), Mount("/rtc", app=signaling)]), gate],
)
app.app_wraps.pop((5, "Overlay"), None)
app.register_lifespan_task(running)
app.add_page(login, route="/", title="PeerMeet", on_load=LoginState.enter)
app.add_page(lobby, route="/lobby", title="Your rooms – PeerMeet", on_load=LobbyState.enter)
app.add_page(meeting, route="/meet/[room]", title="Meeting – PeerMeet", on_load=MeetingState.enter)
app.add_page(room, route="/room/[room]", title="Room – PeerMeet", on_load=OwnRoomState.enter)
app.add_page(account, route="/account", title="Your account – PeerMeet", on_load=AccountState.enter)
app.add_page(missing, route="/404", title="Not found – PeerMeet")
