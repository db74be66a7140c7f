"""The seam: what a plugin adds, in which order it comes, and what it may not do."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import reflex as rx

from peermeet import extend
from peermeet.extend import control, controls, listen, listeners, load, panel, panels

PLUGIN = """
import reflex as rx
from peermeet.extend import control, listen, panel, send_message, set_attributes


class Poll(rx.State):
    votes: dict[str, str] = {}

    @rx.event
    def count(self, sender: str, data: dict):
        self.votes[sender] = data["choice"]


listen("poll", Poll.count)


@panel("poll", title="Poll", icon="chart-bar")
def poll():
    return rx.el.div(rx.el.button("Yes", on_click=send_message("poll", choice="yes")), rx.el.p(Poll.votes.length()))


@control(order=30)
def hand():
    return rx.el.button("Hand", on_click=set_attributes(hand=True))
"""


def nothing() -> rx.Component:
    return rx.fragment()


@pytest.mark.usefixtures("registries")
class TestRegistries:
    def test_panels_come_in_the_order_in_which_they_were_added(self) -> None:
        for name in ("people", "chat", "about"):
            panel(name, title=name.title(), icon="users")(nothing)
        assert [(p.name, p.title, p.icon, p.build) for p in panels()] == [
            ("people", "People", "users", nothing),
            ("chat", "Chat", "users", nothing),
            ("about", "About", "users", nothing),
        ]

    def test_a_panel_may_have_a_number_and_may_not_be_for_all(self) -> None:
        panel("people", title="People", icon="users")(nothing)
        panel("chat", title="Chat", icon="users", badge=3, shown=False)(nothing)
        assert [(p.badge, p.shown) for p in panels()] == [(None, True), (3, False)]

    def test_controls_come_from_left_to_right(self) -> None:
        def last() -> rx.Component:
            return rx.fragment()

        def first() -> rx.Component:
            return rx.fragment()

        def middle() -> rx.Component:
            return rx.fragment()

        def middle_too() -> rx.Component:
            return rx.fragment()

        control(order=90)(last)
        control(order=-1)(first)
        control()(middle)
        control(order=50)(middle_too)
        assert [c.name for c in controls()] == ["first", "middle", "middle_too", "last"]

    def test_a_function_stays_what_it_was(self) -> None:
        assert panel("people", title="People", icon="users")(nothing) is nothing
        assert control()(nothing) is nothing

    def test_a_name_is_taken_once(self) -> None:
        elsewhere = ModuleType("elsewhere")
        exec("def nothing():\n    return None", elsewhere.__dict__)
        panel("people", title="People", icon="users")(nothing)
        control()(nothing)
        with pytest.raises(ValueError, match=r"'people' is there already, from .*test_extend"):
            panel("people", title="Other", icon="users")(elsewhere.nothing)
        with pytest.raises(ValueError, match="'nothing' is there already"):
            control()(elsewhere.nothing)
        assert [p.title for p in panels()] == ["People"]

    def test_a_module_that_is_loaded_anew_replaces_its_own(self) -> None:
        panel("people", title="People", icon="users")(nothing)
        panel("people", title="Everybody", icon="users")(nothing)
        assert [p.title for p in panels()] == ["Everybody"]

    def test_listeners_of_a_topic_come_in_their_order_and_once(self) -> None:
        one, two = object(), object()
        for handler in (one, two, one):
            listen("poll", handler)
        listen("chat", two)
        assert listeners("poll") == (one, two)
        assert listeners("chat") == (two,)
        assert listeners("nobody waits") == ()

    def test_what_is_handed_out_is_nobody_s_to_change(self) -> None:
        assert isinstance(panels(), tuple)
        assert isinstance(controls(), tuple)
        assert isinstance(listeners("poll"), tuple)


class TestLoading:
    def test_a_module_that_is_not_there_is_named(self) -> None:
        with pytest.raises(ImportError, match="no_such_polls"):
            load("no_such_polls")

    def test_a_module_that_needs_another_says_which(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "needy_polls.py").write_text("import no_such_thing")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ImportError, match="no_such_thing"):
            load("needy_polls")

    @pytest.mark.usefixtures("registries")
    def test_a_plugin_adds_all_it_has(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "polls_of_this_test.py").write_text(PLUGIN)
        monkeypatch.syspath_prepend(tmp_path)
        load("polls_of_this_test")
        module = sys.modules["polls_of_this_test"]
        assert [p.name for p in panels()] == ["poll"]
        assert [c.name for c in controls()] == ["hand"]
        assert listeners("poll") == (module.Poll.count,)
        load("polls_of_this_test")
        assert len(listeners("poll")) == 1
        drawn = str(panels()[0].build()) + str(controls()[0].build())
        assert "sendMessage" in drawn
        assert '"choice"' in drawn
        assert "setAttributes" in drawn


class TestTheHouse:
    def test_its_own_come_through_the_same_door(self, app: ModuleType) -> None:
        assert [p.name for p in panels()] == ["people", "chat", "doors", "invite"]
        assert [(c.name, c.order) for c in controls()] == [
            ("microphone", 10),
            ("camera", 20),
            ("hand", 30),
            ("panel_buttons", 80),
            ("leave_button", 90),
        ]

    @pytest.mark.parametrize("page", ["login", "lobby", "room", "account", "meeting", "missing"])
    def test_every_page_can_be_drawn(self, app: ModuleType, page: str) -> None:
        drawn = str(getattr(app, page)())
        assert "rx_state" in drawn or page == "missing"
        assert "eval(" not in drawn

    def test_the_seam_says_what_it_offers(self) -> None:
        assert all(hasattr(extend, name) for name in extend.__all__)
