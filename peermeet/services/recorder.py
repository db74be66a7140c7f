"""What is written down of meetings while they go on: who came and went, the chat, the doors, and how they stand.

`note` is called from the signaling path and never waits; one task writes, in order. A store that does not answer is
asked again until it does, and what then no longer fits into the queue is dropped, with a line in the log. Nothing is
remembered here that another process would need: it writes down what it has brought about, and all of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from ..core.commands import CHAT
from ..core.events import (
    AnyEvent,
    MessageDeleted,
    MessageSent,
    ParticipantJoined,
    ParticipantLeft,
    RoomChanged,
    Signaled,
)
from ..core.model import Doors, Message, Room
from ..core.standing import standing
from ..store import Attendance, Chat, ChatMessage, Meeting, Meetings, Standings, Taken, Unavailable

log = logging.getLogger("peermeet")

LONGEST = 5_000  # writes that wait: some minutes of a busy server; with the longest chat lines 40 MB
PATIENCE = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds until a store is asked again; the last one from then on
FAREWELL = 5.0  # seconds to write down what is left when the server stops
STANDING = 1.0  # seconds between two looks at how meetings stand: a lively chat is written once a second, not per line
OUTAGE = timedelta(hours=12)  # for which a meeting can go on as it stood after its server was lost
RETURN = timedelta(minutes=2)  # in which somebody comes back once there is a server again; everybody tries every 2 s


class Memory(Meetings, Standings, Chat, Protocol):
    """As much of the store as is written here."""


class Happening(Protocol):
    """What has happened, as the signaling server tells it: the room as it is afterwards, and the event; None: the
    meeting is over. ``at`` is Unix time; ``meeting`` and ``stay`` are ids, the latter of whoever came or went."""

    @property
    def room(self) -> Room: ...
    @property
    def event(self) -> AnyEvent | None: ...
    @property
    def at(self) -> float: ...
    @property
    def meeting(self) -> str: ...
    @property
    def stay(self) -> str: ...
    @property
    def invitation(self) -> str | None: ...


class Write(NamedTuple):
    """Something to be written; ``what`` is its name in the log."""

    what: str
    work: Callable[[], Awaitable[object]]


class Recorder:
    """``keep_doors`` writes a room's doors into its record. ``alone``: no other process has meetings going on."""

    def __init__(
        self,
        memory: Memory,
        keep_doors: Callable[[str, Doors], Awaitable[None]],
        clock: Callable[[], datetime],
        *,
        alone: bool = True,
    ) -> None:
        self._memory = memory
        self._keep_doors = keep_doors
        self._clock = clock
        self._alone = alone
        self._standing: dict[str, bytes] = {}  # as it was written last, by room
        self._changed: dict[str, Room] = {}  # since then
        self._queue: asyncio.Queue[Write] = asyncio.Queue(LONGEST)
        self._dropped = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self, going_on: Mapping[str, str] | None = None) -> None:
        """End on paper what a crash cut short, and write from now on. To be called before the first meeting of this
        process; ``going_on`` are those of others: their ids by room."""
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._keep_standings())]
        at, others = self._clock(), going_on or {}
        meetings, rooms = list(others.values()), list(others)
        self._write("the end of what was cut short", lambda: self._memory.close_unfinished(at, meetings))
        self._write("how meetings stood", lambda: self._memory.hurry_standings(at + RETURN, rooms))
        await self.settled()

    def note(self, happening: Happening) -> None:
        """Have written down what has happened."""
        room, event, meeting, stay = happening.room, happening.event, happening.meeting, happening.stay
        at = datetime.fromtimestamp(happening.at, UTC)
        match event:
            case None:
                self._over(room)
                return
            case ParticipantJoined(participant=p):
                by = happening.invitation
                self._arrival(room, Attendance(stay, meeting, room.id, p.user, p.name, p.guest, by, at))
            case ParticipantLeft():
                self._write("a departure", lambda: self._memory.note_departure(stay, at))
                if not room.roster:
                    self._write("the end of a meeting", lambda: self._memory.close_meeting(meeting, at))
            case MessageSent(topic=topic, to=None) if topic == CHAT and room.doors.chat == "forever":
                self._line(room, meeting, next((m for m in room.history if m.id == event.id), None))
            case MessageDeleted(id=None):
                self._write("the end of a chat", lambda: self._memory.delete_messages(room.id))
            case MessageDeleted(id=str(id)):
                self._write("a deleted line", lambda: self._memory.delete_message(id, room.id))
            case RoomChanged(doors=doors):
                self._write("a room's doors", lambda: self._keep_doors(room.id, doors))
                if doors.chat == "forever":
                    for line in room.history:
                        self._line(room, meeting, line)
                else:  # what is to be kept no longer is kept no longer
                    self._write("the end of a chat", lambda: self._memory.delete_messages(room.id))
            case Signaled():
                return  # changes nothing
        self._changed[room.id] = room

    async def _run(self) -> None:
        while True:
            write = await self._queue.get()
            try:
                await self._insist(write)
            finally:
                self._queue.task_done()

    async def _keep_standings(self) -> None:
        while True:
            await asyncio.sleep(STANDING)
            self._note_standings()

    def _note_standings(self) -> None:
        """Have written how those meetings stand that stand otherwise than when it was last written."""
        at = self._clock()
        for id, room in self._changed.items():
            value = msgspec.json.encode(standing(room))
            if self._standing.get(id) != value:
                self._standing[id] = value
                until = at + OUTAGE
                self._write("how a meeting stands", partial(self._memory.keep_standing, id, value, at, until))
        self._changed.clear()

    async def settled(self, patience: float = 2.0) -> bool:
        """Wait until all that was noted so far is written; tell whether it is."""
        self._note_standings()
        try:
            async with asyncio.timeout(patience):
                await self._queue.join()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Write what is left, and, if the server's stop ends them, the end of all meetings."""
        if not self._tasks:
            return
        if self._alone:
            at = self._clock()
            self._write("the end of all meetings", lambda: self._memory.close_unfinished(at))
        if not await self.settled(FAREWELL):
            log.error("%d notes of meetings could not be written", self._queue.qsize() + 1)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _arrival(self, room: Room, stay: Attendance) -> None:
        if len(room.roster) == 1:
            self._write("a meeting", partial(self._open, Meeting(stay.meeting, room.id, stay.came)))
        self._write("an arrival", lambda: self._memory.note_arrival(stay))

    async def _open(self, meeting: Meeting) -> None:
        try:
            await self._memory.open_meeting(meeting)
        except Taken:  # the first one came again, within the grace
            await self._memory.reopen_meeting(meeting.id)

    def _over(self, room: Room) -> None:
        self._changed.pop(room.id, None)
        self._standing.pop(room.id, None)
        self._write("the end of how it stood", lambda: self._memory.forget_standing(room.id))

    def _line(self, room: Room, meeting: str, line: Message | None) -> None:
        if line is None:
            return
        at = datetime.fromtimestamp(line.at, UTC)
        message = ChatMessage(line.id, room.id, meeting, line.user, line.name, line.text, at)
        self._write("a chat line", lambda: self._memory.add_message(message))

    def _write(self, what: str, work: Callable[[], Awaitable[object]]) -> None:
        try:
            self._queue.put_nowait(Write(what, work))
        except asyncio.QueueFull:
            if not self._dropped:
                log.error("the store is too slow or away: notes of meetings are being dropped")
            self._dropped += 1
            return
        if self._dropped:
            log.error("%d notes of meetings were dropped", self._dropped)
            self._dropped = 0

    async def _insist(self, write: Write) -> None:
        tries = 0
        while True:
            try:
                await write.work()
            except Unavailable:
                if tries == 0:
                    log.warning("%s could not be written yet: the store does not answer", write.what)
                await asyncio.sleep(PATIENCE[min(tries, len(PATIENCE) - 1)])
                tries += 1
            except Taken:  # written before
                return
            except Exception as error:  # it would fail again, and must not stop the others
                log.error("%s could not be written: %s", write.what, type(error).__name__)
                return
            else:
                return
