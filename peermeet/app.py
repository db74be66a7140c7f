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
from .sidedoor import SideDoor
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
    pages = prerequisites.get_web_dir() / "build" / "client"
    return Gate(SideDoor(inner), origins=origins, pages=pages, frame_ancestors=settings.frame_ancestors)


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Open what the house is made of when the server starts, and close it in order when it stops."""
    async with open_services(settings) as opened:
        Running.services = opened
        Running.signaling = Signaling(
            opened.admit,
            opened.open_room,
            ice_servers=[msgspec.to_builtins(server) for server in settings.ice_servers],
            turn=Turn(settings.turn_urls, settings.turn_secret, settings.turn_ttl) if settings.turn_secret else None,
            observe=opened.recorder.note,
            present=opened.attendance.note,
            redis_url=settings.redis_url,
        )
        opened.live = Running.signaling.hub
        going_on = {held.room.id: held.meeting async for held in Running.signaling.hub.all()}
        await opened.recorder.begin(going_on)
        running = asyncio.create_task(Running.signaling.run())
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await Running.signaling.close()


def handler_failed(exception: Exception) -> None:
    """A bug of ours, or of a plugin's: it is seen in the log, and the page goes on."""
    log.error("an event handler of a page failed", exc_info=exception)


def page_failed(exception: Exception) -> None:
    """Somebody's browser reports an error; its words are that browser's, and stay in its console."""
    log.warning("a page reports an error of its own")


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
    backend_exception_handler=handler_failed,
    frontend_exception_handler=page_failed,
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
