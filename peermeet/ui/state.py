"""Who is looking, and what the pages show of it. State is a view: everything that matters is asked anew.

A browser may call any event handler with any payload. So identity comes from the cookie of the socket's handshake
in every handler, and no secret stands in a var.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypedDict

import reflex as rx

from ..core import wire
from ..core.errors import Refusal
from ..core.events import MessageSent
from ..core.model import Room
from ..core.room import evolve
from ..extend import listeners
from ..services import Services
from ..store import User

log = logging.getLogger("peermeet.ui")

PATIENCE = 30.0  # seconds between two looks of a lobby at which nothing has changed


class House:
    """What `app.py` hands the pages: the services, while the server runs, and whether a tab still has its socket."""

    services: Callable[[], Services]
    connected: Callable[[str], bool]


def services() -> Services:
    return House.services()


class Viewer(rx.State):
    """The person at this tab. ``name`` and ``account`` are for display; nothing is granted on them."""

    name: str = ""
    account: bool = False

    async def identify(self) -> User | None:
        """Return who is looking, from the cookie, and show it."""
        user = await services().who_sent(self.router.headers.cookie)
        self.name = user.name if user else ""
        self.account = user is not None and not user.guest
        return user


class LoginState(rx.State):
    """The front door: which of its two forms shows."""

    registering: bool = False
    next: str = "/lobby"

    @rx.event
    async def enter(self):
        """Whoever has an account and a session goes straight to the lobby."""
        viewer = await self.get_state(Viewer)
        try:
            user = await viewer.identify()
        except Refusal:  # the form says so when it is sent
            return None
        return rx.redirect("/lobby", replace=True) if user is not None and not user.guest else None

    @rx.event
    def choose(self, registering: bool):
        self.registering = registering is True


class Card(TypedDict):
    """A room as the lobby shows it."""

    code: str
    title: str
    path: str
    mine: bool
    present: int


class LobbyState(rx.State):
    """Own and recent rooms, with how many people are in each now."""

    rooms: list[Card] = []
    loaded: bool = False
    error: str = ""
    deleting: str = ""
    created: int = 0

    @rx.event
    async def enter(self):
        viewer = await self.get_state(Viewer)
        self.error = self.deleting = ""
        try:
            if await viewer.identify() is None:
                return rx.redirect("/?next=/lobby", replace=True)
        except Refusal as refusal:
            self.error, self.loaded = refusal.sentence, True
            return None
        await self._look()
        return LobbyState.follow

    @rx.event
    async def create(self, form: dict[str, Any]):
        """Make a room."""
        try:
            if (user := await services().who_sent(self.router.headers.cookie)) is None:
                return rx.redirect("/?next=/lobby", replace=True)
            await services().create_room(user, form.get("title") if isinstance(form, dict) else None)
        except Refusal as refusal:
            self.error = refusal.sentence
            return None
        self.error = ""
        await self._look()
        self.created += 1
        return None

    @rx.event
    def ask_delete(self, code: str):
        self.deleting = str(code)

    @rx.event
    async def delete(self, code: str):
        self.deleting = ""
        try:
            if (user := await services().who_sent(self.router.headers.cookie)) is None:
                return rx.redirect("/?next=/lobby", replace=True)
            await services().delete_room(user, code)
        except Refusal as refusal:
            self.error = refusal.sentence
        await self._look()
        return None

    @rx.event(background=True)
    async def follow(self):
        """Look again whenever somebody comes or goes, until this tab is elsewhere."""
        async with self:
            watching = self.router.session.session_id
        while True:
            await services().attendance.change(PATIENCE)
            async with self:
                here = self.router.session.session_id == watching and self.router.url.path.startswith("/lobby")
                if not here or not House.connected(self.router.session.client_token):
                    return
                await self._look()

    async def _look(self) -> None:
        try:
            user = await services().who_sent(self.router.headers.cookie)
            lobby = await services().lobby(user) if user is not None else []
        except Refusal as refusal:
            self.error = refusal.sentence
            return
        self.rooms = [Card(path=f"/meet/{room.code}", **room._asdict()) for room in lobby]
        self.loaded = True


class Person(TypedDict):
    """A participant as the people panel shows one."""

    id: str
    name: str
    role: str
    guest: bool
    away: bool
    microphone: bool
    camera: bool


class MeetingState(rx.State):
    """The meeting as this tab has heard it: `evolve` over its events. A view, fed by the tab it belongs to."""

    code: str = ""
    title: str = ""
    refusal: str = ""
    panel: str = ""
    people: list[Person] = []
    you: str = ""
    _room: Room = Room("")

    @rx.event
    async def enter(self):
        """Look the room up. Runs again when Reflex's socket was lost:
        what was heard of the same room stays."""
        self.refusal = ""
        try:
            viewer = await self.get_state(Viewer)
            await viewer.identify()
            record = await services().room(self.room)
        except Refusal as refusal:
            self.refusal = refusal.sentence
        else:
            if record.code != self.code:
                self.reset()
            self.code, self.title = record.code, record.title

    @rx.event
    def receive(self, message: dict[str, Any]):
        """Hear an event of the room, and pass messages on to their listeners."""
        try:
            event = wire.parse_event(message)
        except Refusal:
            return None
        self._room = evolve(self._room, event)
        self.people = [_person(p) for p in self._room.participants]
        if message.get("type") == "welcomed":
            self.you = str(message["you"])
        if isinstance(event, MessageSent):
            return [handler(event.by, event.data) for handler in listeners(event.topic)]
        return None

    @rx.event
    def show_panel(self, name: str):
        """Open a panel, or close it if it is open."""
        self.panel = "" if self.panel == name else str(name)


def _person(participant: Any) -> Person:
    on = {p.source for p in participant.publications if not p.muted}
    return Person(
        id=participant.id,
        name=participant.name,
        role=participant.role,
        guest=participant.guest,
        away=participant.presence == "away",
        microphone="microphone" in on,
        camera="camera" in on,
    )
