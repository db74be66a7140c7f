"""What the server sends when one more joins, as a function of how many are there then: counted by all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .client import Client
from .figures import Line, line
from .joins import Make
from .meeting import Meeting, Script

QUIET = 0.5  # seconds without a message: then all that a join leads to has arrived
FROM = 2  # people in the smallest room that is counted


class Growth(NamedTuple):
    """One kind of join: what the server sent for the join that made the room as large as ``sizes`` says."""

    name: str
    sizes: list[int]
    messages: list[float]
    bytes: list[float]

    @property
    def lines(self) -> tuple[Line, Line]:
        return line(self.sizes, self.messages), line(self.sizes, self.bytes)


async def measure(name: str, room: str, size: int, make: Make, script: Script) -> Growth:
    """Fill one room person by person."""
    meeting, clients = Meeting(script), list[Client]()
    found = Growth(name, [], [], [])
    before = (0, 0)
    for n in range(size):
        clients.append(make(room, n))
        await meeting.joins(clients[-1])
        now = await _quiet(clients)
        if n + 1 >= FROM:
            found.sizes.append(n + 1)
            found.messages.append(now[0] - before[0])
            found.bytes.append(now[1] - before[1])
        before = now
    await meeting.leaves()
    return found


async def _quiet(clients: Sequence[Client]) -> tuple[int, int]:
    before, now = None, _sums(clients)
    while now != before:
        await asyncio.sleep(QUIET)
        before, now = now, _sums(clients)
    return now


def _sums(clients: Sequence[Client]) -> tuple[int, int]:
    return sum(client.messages for client in clients), sum(client.bytes for client in clients)


def draw(kinds: Sequence[Growth], file: Path) -> None:
    """Draw points and lines: messages on the left, kB on the right."""
    import matplotlib  # not needed to count; see tests/bench/requirements.txt

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for panel, of, scale, title in zip(panels, (0, 1), (1, 1000), ("messages", "kB"), strict=True):
        for kind in kinds:
            ys = [value / scale for value in (kind.messages, kind.bytes)[of]]
            (points,) = panel.plot(kind.sizes, ys, ".", markersize=5)
            fit = kind.lines[of]
            ends = [kind.sizes[0], kind.sizes[-1]]
            label = f"{kind.name}: {fit.slope / scale:.3g} for each person there"
            panel.plot(ends, [fit.at(x) / scale for x in ends], linewidth=1, color=points.get_color(), label=label)
        panel.set_title(f"{title} that the server sends for one join", fontsize=10)
        panel.set_xlabel("people in the room with the one who joins", fontsize=9)
        panel.set_xlim(left=0)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=80)
    pyplot.close(figure)
