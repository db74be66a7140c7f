"""The memory of a room for its owner: meetings, who was there, and the same as a table."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import NamedTuple

from ..core.errors import Refusal
from ..store import Attendance, Meeting, User
from .desk import now
from .rooms import Rooms

MEETINGS = 100  # that a page lists
EXPORTED = 1_000  # meetings in a table: three a day for a year
COLUMNS = ("meeting", "started", "ended", "name", "guest", "invitation", "came", "left", "minutes")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # what a spreadsheet would compute (OWASP)


class Stay(NamedTuple):
    """One stay of one person. ``name`` is "" once the account is deleted; ``left`` None: they are there now."""

    name: str
    guest: bool
    invitation: str | None
    came: datetime
    left: datetime | None
    seconds: int


class History(Rooms):
    async def meetings(self, user: User, code: object, limit: int = MEETINGS) -> list[Meeting]:
        """Return the meetings of a room of theirs, newest first."""
        room = await self.own_room(user, code)
        return await self._kept(self._store.meetings_of(room.code, min(limit, MEETINGS)))

    async def stays(self, user: User, code: object, meeting: object) -> list[Stay]:
        """Return who was in a meeting of a room of theirs, in order of arrival."""
        room = await self.own_room(user, code)
        if not isinstance(meeting, str):
            raise Refusal("bad_message", "meeting")
        try:
            found = await self._kept(self._store.attendance_of(meeting))
        except ValueError:  # no text that a store could hold
            found = []
        return [_stay(a) for a in found if a.room == room.code]

    async def attendance_csv(self, user: User, code: object) -> tuple[str, str]:
        """Return a file name and a table of all stays in a room of theirs: RFC 4180, times in UTC (ISO 8601)."""
        room = await self.own_room(user, code)
        out = io.StringIO()
        table = csv.writer(out)  # lines end in CR LF
        table.writerow(COLUMNS)
        for meeting in await self._kept(self._store.meetings_of(room.code, EXPORTED)):
            for attendance in await self._kept(self._store.attendance_of(meeting.id)):
                stay = _stay(attendance)
                row = (
                    meeting.id,
                    _written(meeting.started),
                    _written(meeting.ended),
                    stay.name,
                    "guest" if stay.guest else "",
                    stay.invitation or "",
                    _written(stay.came),
                    _written(stay.left),
                    f"{stay.seconds / 60:.1f}",
                )
                table.writerow([_cell(value) for value in row])
        # Without the mark, Excel reads UTF-8 as the code page of its country.
        return f"attendance-{room.code}.csv", "\ufeff" + out.getvalue()


def _stay(a: Attendance) -> Stay:
    return Stay(a.name, a.guest, a.invitation, a.came, a.left, int(((a.left or now()) - a.came).total_seconds()))


def _written(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def _cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: people choose their names themselves."""
    return "'" + text if text.startswith(FORMULA) else text
