"""Who may send which command, written out once more: what the core answers is compared with this table."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from msgspec.structs import replace

from peermeet.core import permissions
from peermeet.core.commands import (
    Admit,
    Allow,
    AnyCommand,
    AskMute,
    Ban,
    Candidate,
    Command,
    DeleteMessage,
    Deny,
    Disconnect,
    EndMeeting,
    Expire,
    FromBrowser,
    Leave,
    Publish,
    Remove,
    Resume,
    SendMessage,
    SetAttributes,
    SetRole,
    SetRoom,
    Signal,
    SilenceSource,
    Unpublish,
)
from peermeet.core.errors import Refusal
from peermeet.core.model import Exile, Message, Role
from tests.core.meeting import Meeting, governed

YES, NO, OUT = "granted", "not_allowed", "not_joined"
# Asked of a room in which Mia sits, Kim knocks and Dan is out. The columns: a host, a co-host, a member, a listener,
# who knocks, who has no seat.
TABLE: dict[str, tuple[Any, str, str, str, str, str, str]] = {
    "leave": (Leave, YES, YES, YES, YES, YES, OUT),
    "publish": (lambda by: Publish(by, "camera", "s"), YES, YES, YES, NO, OUT, OUT),
    "unpublish": (lambda by: Unpublish(by, "camera"), YES, YES, YES, YES, OUT, OUT),
    "signal": (lambda by: Signal(by, "mia", None, (Candidate("c"),)), YES, YES, YES, YES, OUT, OUT),
    "set_attributes": (lambda by: SetAttributes(by, {"hand": 1}), YES, YES, YES, YES, OUT, OUT),
    "send_message": (lambda by: SendMessage(by, "chat", {"text": "hi"}), YES, YES, YES, YES, OUT, OUT),
    "delete_message": (lambda by: DeleteMessage(by, f"of-{by}"), YES, YES, YES, YES, OUT, OUT),
    "delete_message of another": (lambda by: DeleteMessage(by, "of-mia"), YES, NO, NO, NO, OUT, OUT),
    "delete_message, all": (DeleteMessage, YES, NO, NO, NO, OUT, OUT),
    "admit": (lambda by: Admit(by, "kim"), YES, YES, NO, NO, OUT, OUT),
    "admit, all": (Admit, YES, YES, NO, NO, OUT, OUT),
    "deny": (lambda by: Deny(by, "kim"), YES, YES, NO, NO, OUT, OUT),
    "deny, all": (Deny, YES, YES, NO, NO, OUT, OUT),
    "remove": (lambda by: Remove(by, "mia"), YES, YES, NO, NO, OUT, OUT),
    "ban": (lambda by: Ban(by, "mia"), YES, NO, NO, NO, OUT, OUT),
    "ban from the door": (lambda by: Ban(by, "kim"), YES, NO, NO, NO, OUT, OUT),
    "allow": (lambda by: Allow(by, "u-dan"), YES, NO, NO, NO, OUT, OUT),
    "set_role": (lambda by: SetRole(by, "mia", "cohost"), YES, NO, NO, NO, OUT, OUT),
    "set_room": (lambda by: SetRoom(by, lobby=False), YES, NO, NO, NO, OUT, OUT),
    "ask_mute": (lambda by: AskMute(by, "mia", "camera"), YES, YES, NO, NO, OUT, OUT),
    "silence": (lambda by: SilenceSource(by, "camera", True, "mia"), YES, YES, NO, NO, OUT, OUT),
    "silence, all": (lambda by: SilenceSource(by, "camera", True), YES, YES, NO, NO, OUT, OUT),
    "end_meeting": (EndMeeting, YES, NO, NO, NO, OUT, OUT),
}
ASKERS = ("hal", "cora", "gus", "lou", "kim", "eve")


def house() -> Meeting:
    """One of each, a line of the chat by each of them, and somebody who is out."""
    den = governed(lobby=True)
    den.knock("kim")
    lines = tuple(Message(f"of-{p.id}", p.id, p.user, p.name, "hi", 1.0) for p in den.room.roster)
    den.room = replace(den.room, history=lines, out=(Exile("u-dan", "Dan"),))
    return den


def answer(den: Meeting, command: AnyCommand) -> str:
    try:
        den.do(command)
    except Refusal as refusal:
        return refusal.code
    return YES


@pytest.mark.parametrize("what", TABLE)
@pytest.mark.parametrize("column", range(len(ASKERS)), ids=ASKERS)
def test_who_may_what(what: str, column: int) -> None:
    command, *answers = TABLE[what]
    assert answer(house(), command(ASKERS[column])) == answers[column]


def test_the_table_here_has_every_command_of_a_browser() -> None:
    assert {type(command("ada")) for command, *_ in TABLE.values()} == set(FromBrowser.__args__)


@pytest.mark.parametrize(("role", "by"), [("host", 1), ("cohost", 2), ("member", 3), ("listener", 4)])
def test_the_table_there_says_the_same(role: Role, by: int) -> None:
    """Whether one may ask at all; of one's own, or of whom, is told by the room."""
    granted = {type(row[0]("ada")) for row in TABLE.values() if row[by] == YES}
    assert permissions.ALLOWED[role] == granted


def test_every_role_has_its_row() -> None:
    assert set(permissions.ALLOWED) == set(permissions.RANK) == set(get_args(Role))


FROM_SHELL = [Resume("eve"), Disconnect("eve", now=1.0), Expire("eve", now=1.0)]


@pytest.mark.parametrize("command", FROM_SHELL, ids=lambda command: type(command).__name__)
def test_who_has_no_seat_can_lose_none(command: Any) -> None:
    assert house().refused(command) == "not_joined"


def test_the_shell_asks_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    den = Meeting("ada", "eve")
    monkeypatch.setitem(permissions.ALLOWED, "member", frozenset())
    for command in FROM_SHELL:
        den.do(command)
    assert den.roster == ["ada", "eve"]
    assert den.refused(Leave("eve")) == "not_allowed"


def test_what_is_allowed_and_yet_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    class Dance(Command, frozen=True, tag="dance"):
        pass

    monkeypatch.setitem(permissions.ALLOWED, "member", frozenset({Dance}))
    assert Meeting("ada").refused(Dance("ada")) == "unknown_command"  # type: ignore[arg-type]


# Rows act on columns. Ada owns the room, Hal is host, Cora co-host, Mia and Gus members, Lou a listener.
TARGETS = ("ada", "hal", "cora", "mia", "gus", "lou")
OVER = {
    "ada": (NO, YES, YES, YES, YES, YES),
    "hal": (NO, NO, YES, YES, YES, YES),
    "cora": (NO, NO, NO, YES, YES, YES),
}
ACTS = [
    Remove,
    Ban,
    lambda by, id: AskMute(by, id, "microphone"),
    lambda by, id: SilenceSource(by, "microphone", True, id),
]


@pytest.mark.parametrize("act", ACTS, ids=["remove", "ban", "ask_mute", "silence"])
@pytest.mark.parametrize("by", OVER)
def test_on_whom_one_may_act(by: str, act: Any) -> None:
    may = OVER[by] if act is not Ban or by != "cora" else (NO,) * 6  # no co-host bans
    assert tuple(answer(house(), act(by, id)) for id in TARGETS) == may


@pytest.mark.parametrize("act", ACTS, ids=["remove", "ban", "ask_mute", "silence"])
def test_nobody_acts_on_themselves_in_another_tab(act: Any) -> None:
    den = house()
    den.join("hal2", user="u-hal", role="host")
    assert den.refused(act("hal", "hal2")) == NO


@pytest.mark.parametrize("act", [ACTS[0], *ACTS[2:]], ids=["remove", "ask_mute", "silence"])
@pytest.mark.parametrize("id", ["kim", "nobody"])
def test_who_does_not_sit_here_is_nobody(act: Any, id: str) -> None:
    assert house().refused(act("hal", id)) == "no_such_participant"


def test_nobody_can_be_banned_who_is_not_here() -> None:
    assert house().refused(Ban("hal", "nobody")) == "no_such_participant"
