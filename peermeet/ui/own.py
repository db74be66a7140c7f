"""A room as its owner has it: how it is set, and what it remembers. Passcode and invitations are not among it: what is
secret of them goes by HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypedDict

import reflex as rx

from ..core.errors import Refusal
from ..core.model import Doors
from ..services import Options, Stay
from ..store import User
from . import views
from .state import PRIVATE, Viewer, services
from .views import DoorsShown

SCREENFUL = 10  # meetings at a time: some weeks of a weekly one


class StayShown(TypedDict):
    """Somebody's stay in a meeting; ``left`` is 0 while they are there, ``by`` the number of an invitation or 0."""

    name: str
    guest: bool
    by: int
    came: float
    left: float
    length: str


class MeetingShown(TypedDict):
    """A meeting; ``ended`` is 0 while it goes on. Who was there is known once it is unfolded."""

    id: str
    started: float
    ended: float
    length: str
    unfolded: bool
    stays: list[StayShown]


class OwnRoomState(rx.State):
    """The page of one room. Every handler asks anew whose cookie it is, and the services whose room."""

    code: str = ""
    refusal: str = ""  # there is no such page for whoever looks
    title: str = ""
    capacity: str = ""
    most: int = 0
    doors: DoorsShown = views.doors(Doors())
    relays: bool = False
    passcode: bool = False
    opens: float = 0.0
    closes: float = 0.0
    meetings: list[MeetingShown] = []
    more: bool = False
    errors: dict[str, str] = {}  # by the field they are about
    saved: str = ""  # the form that was saved last
    deleting: bool = False
    _address: str = ""  # the room's code as it stands there
    _shown: int = SCREENFUL

    @rx.event
    async def enter(self):
        """Look the room up, for its owner. Runs again when Reflex's socket was lost: what is unfolded stays so."""
        viewer = await self.get_state(Viewer)
        if self._address != str(self.room):
            self.reset()
        self.refusal = ""
        try:
            if await viewer.identify() is None:
                return rx.redirect(f"/?next=/room/{self.room}", replace=True)
        except Refusal as refusal:
            self.refusal = refusal.sentence
            return None
        self.code = self._address = str(self.room)
        return await self._asked("", self._look)

    @rx.event
    async def look(self):
        """Look again: something was changed by HTTP."""
        return await self._asked("", self._look)

    @rx.event
    async def save(self, form: dict[str, Any]):
        """Set what the forms of the page set."""
        said = form if isinstance(form, dict) else {}
        named = {name: said[name] for name in ("title", "capacity", "opens", "closes") if name in said}
        return await self._asked("hours" if "opens" in named else "room", lambda user: self._save(user, named))

    @rx.event
    async def set_door(self, door: str, value: bool | str):
        """Open or close a door, or say what is kept of the chat."""
        if not isinstance(door, str) or door not in DoorsShown.__annotations__:
            return None
        return await self._asked("", lambda user: self._save(user, {door: value}))

    @rx.event
    async def unfold(self, meeting: str):
        """Show who was in a meeting, or hide them again."""
        return await self._asked("", lambda user: self._unfold(user, str(meeting)))

    @rx.event
    async def show_more(self):
        """Show older meetings."""
        self._shown += SCREENFUL
        return await self._asked("", self._remember)

    @rx.event
    def ask_delete(self, ask: bool):
        self.deleting = ask is True

    @rx.event
    async def delete(self):
        self.deleting = False
        return await self._asked("", self._delete)

    async def _asked(self, form: str, work: Callable[[User], Awaitable[Any]]) -> Any:
        """Do something in the name of whoever sent the cookie, and show how it went."""
        self.errors, self.saved = {}, ""
        try:
            user = await services().who_sent(self.router.headers.cookie)
            if user is None:
                return rx.redirect(f"/?next=/room/{self.code}", replace=True)
            leads_to = await work(user)
        except Refusal as refusal:
            if refusal.code == "no_such_room":
                self.refusal = refusal.sentence
            else:
                self.errors = {refusal.field or "": refusal.sentence}
            return None
        self.saved = form
        return leads_to

    async def _look(self, user: User) -> None:
        self._show(await services().options(user, self.code))
        await self._remember(user)

    async def _save(self, user: User, changes: dict[str, Any]) -> None:
        self._show(await services().save_options(user, self.code, changes))

    async def _remember(self, user: User) -> None:
        found = await services().meetings(user, self.code, self._shown + 1)
        known = {meeting["id"]: meeting for meeting in self.meetings}
        self.meetings = [
            MeetingShown(
                id=meeting.id,
                started=meeting.started.timestamp(),
                ended=_seconds(meeting.ended),
                length=length((meeting.ended - meeting.started).total_seconds()) if meeting.ended else "",
                unfolded=known[meeting.id]["unfolded"] if meeting.id in known else False,
                stays=known[meeting.id]["stays"] if meeting.id in known else [],
            )
            for meeting in found[: self._shown]
        ]
        self.more = len(found) > self._shown

    async def _unfold(self, user: User, id: str) -> None:
        for meeting in self.meetings:
            if meeting["id"] == id:
                meeting["unfolded"] = not meeting["unfolded"]
                meeting["stays"] = await self._stays(user, id) if meeting["unfolded"] else []

    async def _stays(self, user: User, meeting: str) -> list[StayShown]:
        numbers = {line.id: line.number for line in await services().invitations(user, self.code)}
        return [_stay(stay, numbers) for stay in await services().stays(user, self.code, meeting)]

    async def _delete(self, user: User) -> Any:
        await services().delete_room(user, self.code)
        return rx.redirect("/lobby", replace=True)

    def _show(self, options: Options) -> None:
        self.code, self.title = options.code, options.title
        self.capacity = str(options.capacity or "")
        self.most = services().settings.capacity
        self.relays = services().settings.relays
        self.doors = views.doors(options)
        self.passcode = options.passcode
        self.opens, self.closes = _seconds(options.opens), _seconds(options.closes)


PRIVATE.append(OwnRoomState)


def length(seconds: float) -> str:
    """Return how long something took, as people say it."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "under 1 min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


def _stay(stay: Stay, numbers: dict[str, int]) -> StayShown:
    return StayShown(
        name=stay.name,
        guest=stay.guest,
        by=numbers.get(stay.invitation or "", 0),
        came=stay.came.timestamp(),
        left=_seconds(stay.left),
        length=length(stay.seconds),
    )


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
