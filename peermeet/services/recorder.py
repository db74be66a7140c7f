"""What is written down of meetings while they go on: who came and went, the chat, the doors.

`note` is called from the signaling path and never waits; one task writes, in order. A store that does not answer is
asked again until it does, and what then no longer fits into the queue is dropped, with a line in the log.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, Protocol

from ..core.commands import CHAT
from ..core.events import AnyEvent, MessageDeleted, MessageSent, ParticipantJoined, ParticipantLeft, RoomChanged
from ..core.model import Doors, Message, Participant, Room
from ..store import Attendance, Chat, ChatMessage, Meeting, Meetings, Taken, Unavailable

log = logging.getLogger("peermeet")

LONGEST = 5_000  # writes that wait: some minutes of a busy server; with the longest chat lines 40 MB
PATIENCE = (0.5, 1.0, 2.0, 5.0, 10.0)  # seconds until a store is asked again; the last one from then on
FAREWELL = 5.0  # seconds to write down what is left when the server stops


class Memory(Meetings, Chat, Protocol):
    """As much of the store as is written here."""


class Write(NamedTuple):
    """Something to be written; ``what`` is its name in the log."""

    what: str
    work: Callable[[], Awaitable[object]]


class Recorder:
    """``keep_doors`` writes a room's doors into its record."""

    def __init__(
        self,
        memory: Memory,
        keep_doors: Callable[[str, Doors], Awaitable[None]],
        clock: Callable[[], datetime],
    ) -> None:
        self._memory = memory
        self._keep_doors = keep_doors
        self._clock = clock
        self._meetings: dict[str, str] = {}  # the meeting that goes on, by room
        self._stays: dict[tuple[str, str], str] = {}  # by room and participant
        self._queue: asyncio.Queue[Write] = asyncio.Queue(LONGEST)
        self._dropped = 0
        self._writing: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """End on paper what a crash cut short, and write from now on. To be called before the first meeting, while no
        other server runs."""
        self._writing = asyncio.create_task(self._run())
        at = self._clock()
        self._write("the end of what was cut short", lambda: self._memory.close_unfinished(at))
        await self.settled()

    def note(self, room: Room, event: AnyEvent, invitation: str | None) -> None:
        """Have written down what has happened; ``room`` is the one after it."""
        match event:
            case ParticipantJoined(participant=p):
                self._arrival(room.id, p, invitation)
            case ParticipantLeft(id=id):
                self._departure(room, id)
            case MessageSent(topic=topic, to=None) if topic == CHAT and room.doors.chat == "forever":
                self._line(room, next((m for m in room.history if m.id == event.id), None))
            case MessageDeleted(id=None):
                self._write("the end of a chat", lambda: self._memory.delete_messages(room.id))
            case MessageDeleted(id=str(id)):
                self._write("a deleted line", lambda: self._memory.delete_message(id, room.id))
            case RoomChanged(doors=doors):
                self._write("a room's doors", lambda: self._keep_doors(room.id, doors))
                if doors.chat == "forever":
                    for line in room.history:
                        self._line(room, line)
                else:  # what is to be kept no longer is kept no longer
                    self._write("the end of a chat", lambda: self._memory.delete_messages(room.id))
            case _:
                pass

    async def _run(self) -> None:
        while True:
            write = await self._queue.get()
            try:
                await self._insist(write)
            finally:
                self._queue.task_done()

    async def settled(self, patience: float = 2.0) -> bool:
        """Wait until all that was noted so far is written; tell whether it is."""
        try:
            async with asyncio.timeout(patience):
                await self._queue.join()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """End on paper the meetings that the server's stop ends, and write what is left."""
        for meeting in self._meetings.values():
            self._write("the end of a meeting", partial(self._memory.close_meeting, meeting, self._clock()))
        self._meetings.clear()
        self._stays.clear()
        if self._writing is None:
            return
        if not await self.settled(FAREWELL):
            log.error("%d notes of meetings could not be written", self._queue.qsize() + 1)
        self._writing.cancel()
        await asyncio.gather(self._writing, return_exceptions=True)

    def _arrival(self, room: str, who: Participant, invitation: str | None) -> None:
        if (room, who.id) in self._stays:
            return
        at = self._clock()
        if room not in self._meetings:
            meeting = Meeting(secrets.token_hex(12), room, at)
            self._meetings[room] = meeting.id
            self._write("a meeting", lambda: self._memory.open_meeting(meeting))
        id = self._stays[room, who.id] = secrets.token_hex(12)
        stay = Attendance(id, self._meetings[room], room, who.user, who.name, who.guest, invitation, at)
        self._write("an arrival", lambda: self._memory.note_arrival(stay))

    def _departure(self, room: Room, id: str) -> None:
        at = self._clock()
        if (stay := self._stays.pop((room.id, id), None)) is not None:
            self._write("a departure", lambda: self._memory.note_departure(stay, at))
        if not room.roster and (meeting := self._meetings.pop(room.id, None)) is not None:
            self._write("the end of a meeting", lambda: self._memory.close_meeting(meeting, at))

    def _line(self, room: Room, line: Message | None) -> None:
        if line is None:
            return
        at, meeting = datetime.fromtimestamp(line.at, UTC), self._meetings.get(room.id, "")
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
