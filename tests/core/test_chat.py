"""What people say to each other, and what of it those read who come later."""

from __future__ import annotations

from typing import Any

import pytest

from peermeet.core.commands import CHAT_LENGTH, CHAT_LINES, DeleteMessage, Leave, SendMessage, SetRoom
from peermeet.core.events import MessageDeleted, MessageSent, Welcomed
from peermeet.core.model import Message
from tests.core.meeting import Heard, Meeting, governed


def say(den: Meeting, by: str, text: str, id: str, to: str | None = None) -> Heard:
    return den.do(SendMessage(by, "chat", {"text": text}, to, now=7.0, stamp=id))


NO_LINES: list[Any] = [None, "hello", 7, [], {}, {"text": 7}, {"text": ""}, {"text": " \n"}, {"txt": "hi"}]
NO_LINES += [{"text": "hi", "html": "<b>"}]


class TestHistory:
    def test_who_comes_later_reads_what_was_said(self) -> None:
        den = governed()
        say(den, "mia", "hello", "m1")
        (welcomed,) = den.join("eve")["eve"]
        assert isinstance(welcomed, Welcomed)
        assert welcomed.room.history == (Message("m1", "mia", "u-mia", "Mia", "hello", 7.0),)

    def test_what_somebody_said_who_is_gone_stays(self) -> None:
        den = governed()
        say(den, "mia", "hello", "m1")
        den.do(Leave("mia"))
        assert [line.name for line in den.room.history] == ["Mia"]

    def test_so_many_lines_are_kept(self) -> None:
        den = Meeting("ada")
        for i in range(CHAT_LINES + 5):
            say(den, "ada", str(i), f"m{i}")
        assert [line.text for line in den.room.history] == [str(i) for i in range(5, CHAT_LINES + 5)]

    def test_a_private_message_is_not(self) -> None:
        den = governed()
        sent = MessageSent("mia", "chat", {"text": "psst"}, "gus", "m1", 7.0)
        assert say(den, "mia", "psst", "m1", to="gus") == {"mia": [sent], "gus": [sent]}
        assert say(den, "mia", "note to myself", "m2", to="mia").keys() == {"mia"}
        assert den.room.history == ()

    def test_other_topics_are_not(self) -> None:
        den = governed()
        den.do(SendMessage("mia", "poll", {"text": "hello"}, stamp="m1"))
        assert den.room.history == ()

    @pytest.mark.parametrize(("chat", "kept"), [("off", 0), ("meeting", 1), ("forever", 1)])
    def test_as_the_room_is_set(self, chat: Any, kept: int) -> None:
        den = governed(chat=chat)
        assert set(say(den, "mia", "hello", "m1")) == set(den.roster)
        assert len(den.room.history) == kept

    def test_a_room_that_is_set_to_keep_nothing_forgets(self) -> None:
        den = governed()
        say(den, "mia", "hello", "m1")
        den.do(SetRoom("hal", chat="off"))
        den.do(SetRoom("hal", chat="meeting"))
        assert den.room.history == ()

    def test_who_knocks_reads_nothing(self) -> None:
        den = governed(lobby=True)
        den.knock("kim")
        assert "kim" not in say(den, "mia", "hello", "m1")
        assert den.view("kim").history == ()


class TestShape:
    @pytest.mark.parametrize("to", [None, "mia"])
    @pytest.mark.parametrize("data", NO_LINES, ids=str)
    def test_a_line_is_a_text_and_nothing_else(self, data: Any, to: str | None) -> None:
        assert governed().refused(SendMessage("gus", "chat", data, to)) == "bad_message"

    def test_and_has_a_bound(self) -> None:
        den = governed()
        say(den, "gus", "x" * CHAT_LENGTH, "m1")
        assert den.refused(SendMessage("gus", "chat", {"text": "x" * (CHAT_LENGTH + 1)})) == "too_large"
        assert den.refused(SendMessage("gus", "chat", {"text": "€" * CHAT_LENGTH})) == "too_large"  # 3 bytes each


class TestDeleting:
    def meeting(self) -> Meeting:
        den = governed()
        say(den, "mia", "hello", "m1")
        say(den, "gus", "hi", "m2")
        return den

    def test_ones_own_line(self) -> None:
        den = self.meeting()
        assert den.do(DeleteMessage("mia", "m1")) == {id: [MessageDeleted("m1")] for id in den.roster}
        assert [line.id for line in den.room.history] == ["m2"]

    def test_ones_own_line_from_another_tab(self) -> None:
        den = self.meeting()
        den.join("mia2", user="u-mia")
        den.do(DeleteMessage("mia2", "m1"))

    @pytest.mark.parametrize("by", ["gus", "cora", "lou"])
    def test_not_anothers(self, by: str) -> None:
        assert self.meeting().refused(DeleteMessage(by, "m1")) == "not_allowed"
        assert self.meeting().refused(DeleteMessage(by)) == "not_allowed"

    def test_a_host_any_and_all(self) -> None:
        den = self.meeting()
        den.do(DeleteMessage("hal", "m1"))
        assert [line.id for line in den.room.history] == ["m2"]
        assert den.do(DeleteMessage("hal"))["gus"] == [MessageDeleted()]
        assert den.room.history == ()

    @pytest.mark.parametrize("by", ["mia", "hal"])
    def test_not_what_is_not_there(self, by: str) -> None:
        den = self.meeting()
        den.do(DeleteMessage("mia", "m1"))
        assert den.refused(DeleteMessage(by, "m1")) == "no_such_message"
