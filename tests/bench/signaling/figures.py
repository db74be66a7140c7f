"""Numbers of a run, and how they are told: medians with their range, straight lines, tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """A straight line through points, by least squares. ``fit`` is R²: 1 if they lie on it."""

    slope: float
    start: float
    fit: float

    def at(self, x: float) -> float:
        return self.start + self.slope * x


def line(xs: Sequence[float], ys: Sequence[float]) -> Line:
    slope, start = statistics.linear_regression(xs, ys)
    mean = statistics.fmean(ys)
    spread = sum((y - mean) ** 2 for y in ys)
    missed = sum((y - start - slope * x) ** 2 for x, y in zip(xs, ys, strict=True))
    return Line(slope, start, 1 - missed / spread if spread else 1.0)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that so great a share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def told(values: Sequence[float], digits: int = 1) -> str:
    """Return the median, and the range if there was more than one run."""
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratio(values: Sequence[float], others: Sequence[float]) -> str:
    """Return the median of the ratios, run by run: what slowed a whole run slowed both."""
    return f"{statistics.median(a / b for a, b in zip(values, others, strict=True)):.2f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as the README has them, its columns aligned for a terminal too."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in lines
    )
