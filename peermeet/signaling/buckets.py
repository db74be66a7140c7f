"""Token buckets: whose commands are too many. Pure: the clock is handed in, and nothing of a connection is known.

A command is paid for by the socket, the account and the address that it comes from, each with a token of its class's
bucket (the table is `limits.COMMANDS`). If one of them has none left, nobody pays and the command is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.permissions import HOST, MEMBER
from .limits import COMMANDS, Kind, Payer, Rate

Payers = Mapping[Payer, str]
Table = Mapping[str, Mapping[Payer, Rate]]
Key = tuple[str, Payer, str]

# What hosts and co-hosts decide about others and about the room: whatever no member may send.
GOVERN = {command.__struct_config__.tag for command in HOST - MEMBER}
# What is told to everybody in the room, however small.
SAY = {"send_message", "set_attributes", "delete_message"}


def kind_of(said: Sequence[object]) -> Kind:
    """Return the class of what a browser sent, whatever it is."""
    message = said[0] if said else None
    name = message.get("type") if isinstance(message, dict) else None
    if not isinstance(name, str):
        return "rest"
    if name == "signal":
        return "signal"
    return "say" if name in SAY else "govern" if name in GOVERN else "rest"


class Buckets:
    """All buckets of one process.

    A bucket that is full says nothing that a new one would not, so those that nobody has touched for as long as the
    slowest takes to fill are forgotten: memory is bounded by who was busy in the last minute.
    """

    def __init__(self, table: Table = COMMANDS) -> None:
        self._table = table
        self._idle = max(rate.burst / rate.a_second for row in table.values() for rate in row.values())
        self._touched: dict[Key, tuple[float, float]] = {}  # tokens, and when they were counted
        self._untouched: dict[Key, tuple[float, float]] = {}  # since the two were last exchanged
        self._exchanged = 0.0

    def take(self, kind: str, payers: Payers, now: float) -> bool:
        """Take a token from every bucket that the table has for this class; tell whether none of them was empty."""
        self._forget(now)
        row = self._table[kind]
        left = {payer: self._left((kind, payer, payers[payer]), rate, now) for payer, rate in row.items()}
        paid = all(tokens >= 1 for tokens in left.values())
        for payer, tokens in left.items():
            self._touched[kind, payer, payers[payer]] = (tokens - paid, now)
        return paid

    def __len__(self) -> int:
        return len(self._touched) + len(self._untouched)

    def _left(self, key: Key, rate: Rate, now: float) -> float:
        known = self._untouched.pop(key, None) or self._touched.get(key)
        if known is None:
            return rate.burst
        tokens, counted = known
        return min(rate.burst, tokens + max(0.0, now - counted) * rate.a_second)

    def _forget(self, now: float) -> None:
        if now - self._exchanged >= self._idle:
            self._untouched, self._touched, self._exchanged = self._touched, {}, now
