"""How many sit in each room now, for lobbies to show."""

from __future__ import annotations

import asyncio


class Attendance:
    """How many sit in each room now. Signaling notes it, lobbies wait for it to change."""

    def __init__(self) -> None:
        self._present: dict[str, int] = {}
        self._changed = asyncio.Event()

    def note(self, code: str, present: int) -> None:
        if self._present.get(code, 0) == present:
            return
        if present:
            self._present[code] = present
        else:
            self._present.pop(code, None)
        self.wake()

    def present(self, code: str) -> int:
        return self._present.get(code, 0)

    def wake(self) -> None:
        """Let every lobby look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, patience: float) -> None:
        """Wait until something changes, or until ``patience`` seconds are over."""
        try:
            async with asyncio.timeout(patience):
                await self._changed.wait()
        except TimeoutError:
            pass
