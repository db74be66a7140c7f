"""Who is looking, and what the pages show of it. State is a view: everything that matters is asked anew.

A browser may call any event handler with any payload. So identity comes from the cookie of the socket's handshake
in every handler, and no secret stands in a var.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypedDict

import reflex as rx
from msgspec.structs import replace

from ..core import wire
from ..core.commands import CHAT_LINES
from ..core.errors import Refusal
from ..core.events import MessageDeleted, MessageSent, Waiting, Welcomed
from ..core.model import Doors, Room
from ..core.room import evolve
from ..extend import listeners
from ..services import Services
from ..store import User
from . import views
from .talk import Line, Said, lines
from .views import DoorsShown, Knock, Out, Person

log = logging.getLogger("peermeet.ui")

PATIENCE = 30.0  # seconds between two looks of a lobby at which nothing has changed
SCREENFUL = 50  # lines of the chat at a time: each change of a list sends all of it


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
    _user: str = ""

    async def identify(self) -> User | None:
        """Return who is looking, from the cookie, and show it. A tab's vars outlive a session, and are sent to whoever
        opens the next page in it: what is private goes with the person."""
        user = await services().who_sent(self.router.headers.cookie)
        if self._user not in {"", user.id if user else ""}:
            for state in PRIVATE:
                (await self.get_state(state)).reset()
        self._user = user.id if user else ""
        self.name = user.name if user else ""
        self.account = user is not None and not user.guest
        return user


PRIVATE: list[type[rx.State]] = []  # states that show what is one person's


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


class AccountState(rx.State):
    """The page of one's own account. What it changes goes by HTTP; this looks again."""

    error: str = ""

    @rx.event
    async def enter(self):
        self.error = ""
        viewer = await self.get_state(Viewer)
        try:
            if await viewer.identify() is None:
                return rx.redirect("/?next=/account", replace=True)
        except Refusal as refusal:
            self.error = refusal.sentence
        return None


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
    created: int = 0

    @rx.event
    async def enter(self):
        viewer = await self.get_state(Viewer)
        self.error = ""
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


PRIVATE.append(LobbyState)


class MeetingState(rx.State):
    """The meeting as this tab has heard it: `evolve` over its events. A view, fed by the tab it belongs to: a button
    that it shows or hides is a courtesy, and the room decides."""

    code: str = ""
    title: str = ""
    refusal: str = ""
    opens: float = 0.0  # when it is still to come, and they must wait for it
    closed: float = 0.0  # when it is past
    panel: str = ""
    you: str = ""
    role: str = ""
    hosting: bool = False
    owner: bool = False
    keeping: bool = False  # the door: hosts and co-hosts
    people: list[Person] = []
    knocks: list[Knock] = []
    news: str = ""
    out: list[Out] = []
    doors: DoorsShown = views.doors(Doors())
    relays: bool = False  # whether this server has any
    chat: list[Line] = []  # while its panel is open
    earlier: bool = False  # there is more than it shows
    unread: int = 0
    to: str = ""
    chosen: int = 0
    _room: Room = Room("")
    _user: str = ""
    _heard: tuple[Said, ...] = ()  # what stands in no history: private, or where nothing is kept
    _lines: int = SCREENFUL

    @rx.event
    async def enter(self):
        """Look the room up. Runs again when Reflex's socket was lost:
        what was heard of the same room stays."""
        self.refusal = ""
        try:
            viewer = await self.get_state(Viewer)
            user = await viewer.identify()
            door = await services().door(user, self.room)
        except Refusal as refusal:
            self.refusal = refusal.sentence
        else:
            if door.code != self.code or (user and self._user not in {"", user.id}):
                self.reset()
            elif user is None:  # whoever was here before has signed out
                self._heard, self._room = (), replace(self._room, history=())
                self._show()
            self.code, self.title = door.code, door.title
            self.relays = services().settings.relays
            at = datetime.now(UTC)
            self.opens = door.opens.timestamp() if door.opens and door.opens > at and not door.mine else 0.0
            self.closed = door.closes.timestamp() if door.closes and door.closes <= at and not door.mine else 0.0

    @rx.event
    def receive(self, message: dict[str, Any]):
        """Hear an event of the room, and pass messages on to their listeners."""
        try:
            event = wire.parse_event(message)
        except Refusal:
            return None
        match event:
            case Welcomed(you=you) | Waiting(you=you):
                self._sit(you, event.room)
            case MessageSent(topic="chat"):
                self._listen(event, news=message.get("again") is not True)
            case MessageDeleted(id=None):
                self._heard = tuple(said for said in self._heard if said.to)
        self._room = evolve(self._room, event)
        self._show()
        if isinstance(event, MessageSent):
            return [handler(event.by, event.data) for handler in listeners(event.topic)]
        return None

    @rx.event
    def show_panel(self, name: str):
        """Open a panel, or close it if it is open."""
        self.panel = "" if self.panel == name else str(name)
        self._lines = SCREENFUL
        self._show()

    @rx.event
    def write_to(self, id: str):
        """Open the chat, to write to one person."""
        self.panel, self.to, self.chosen = "chat", str(id), self.chosen + 1
        self._show()

    @rx.event
    def show_earlier(self):
        """Show more of what was said before."""
        self._lines += SCREENFUL
        self._show()

    def _sit(self, you: str, room: Room) -> None:
        me = room.find(you)
        user = me.user if me else ""
        if user != self._user:  # somebody else, on the same machine
            self._user, self._heard, self.unread = user, (), 0
        self.you = you

    def _listen(self, event: MessageSent, *, news: bool) -> None:
        """Take a line of the chat, whatever the room keeps of it."""
        by, to = self._room.find(event.by), self._room.find(event.to or "")
        text = event.data.get("text") if isinstance(event.data, dict) else None
        known = {line.id for line in (*self._room.history, *self._heard)}
        if by is None or not isinstance(text, str) or event.id in known:
            return
        if event.to or self._room.doors.chat == "off":
            to_name = to.name if to else ""
            said = Said(event.id, by.id, by.user, by.name, text, event.at, event.to or "", to_name, kept=False)
            self._heard = (*self._heard, said)[-CHAT_LINES:]
        if news and self.panel != "chat" and by.user != self._user:
            self.unread += 1

    def _show(self) -> None:
        """Let the page know what changed, and nothing else: a list travels whole."""
        room, me = self._room, self._room.find(self.you)
        knocks = views.knocks(room)
        shown: dict[str, Any] = {
            "role": me.role if me else "",
            "hosting": me is not None and me.role == "host",
            "owner": me is not None and me.user == room.owner,
            "keeping": views.answers_the_door(me),
            "people": views.people(room, self.you),
            "knocks": knocks if views.answers_the_door(me) else [],
            "news": views.news(knocks) if views.answers_the_door(me) else "",
            "out": views.out(room),
            "doors": views.doors(room.doors),
            **self._talk(me.user if me else "", host=me is not None and me.role == "host"),
        }
        for name, value in shown.items():
            if getattr(self, name) != value:
                setattr(self, name, value)

    def _talk(self, user: str, *, host: bool) -> dict[str, Any]:
        if self.panel != "chat":
            return {"chat": [], "earlier": False}
        kept = (Said(m.id, m.by, m.user, m.name, m.text, m.at) for m in self._room.history)
        said = sorted((*kept, *self._heard), key=lambda one: one.at)
        chat = lines(said[-self._lines :], you=self.you, user=user, host=host)
        return {"chat": chat, "earlier": len(said) > self._lines, "unread": 0}
