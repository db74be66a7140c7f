"""The chat as its panel shows it: whose lines they are, and which of their words are links."""

from __future__ import annotations

import pytest

from peermeet.ui.talk import APART, Said, lines, parts


def pieces(text: str) -> list[str]:
    """Text in pieces, links in angle brackets."""
    return [f"<{part['link']}>" if part["link"] else part["text"] for part in parts(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plain", ["plain"]),
        ("see https://example.org.", ["see ", "<https://example.org>", "."]),
        ("https://example.org/a?b=c&d=e#f next", ["<https://example.org/a?b=c&d=e#f>", " next"]),
        ("HTTPS://Example.org", ["<HTTPS://Example.org>"]),
        ("(http://a.example/x_(y))", ["(", "<http://a.example/x_(y)>", ")"]),
        ("http://a.example, http://b.example!", ["<http://a.example>", ", ", "<http://b.example>", "!"]),
        ("<http://a.example>", ["<", "<http://a.example>", ">"]),
        ('say "http://a.example"', ['say "', "<http://a.example>", '"']),
        ("two\nhttp://a.example\nlines", ["two\n", "<http://a.example>", "\nlines"]),
        ("https://[2001:db8::1]/x", ["<https://[2001:db8::1]/x>"]),
        ("https://example.org/\u202egpj.exe", ["<https://example.org/>", "\u202egpj.exe"]),
    ],
)
def test_addresses_of_the_web_are_links(text: str, found: list[str]) -> None:
    assert pieces(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.org",
        "mailto:a@example.org",
        "//example.org",
        "www.example.org",
        "http://",
        "https://...",
        "https://[",
        "https://bank.example@evil.example/",
        "https:example.org",
        "<b>bold</b> &amp; <a href=x>y</a>",
    ],
)
def test_nothing_else_is(text: str) -> None:
    assert [part["link"] for part in parts(text) if part["link"]] == []
    assert "".join(part["text"] for part in parts(text)) == text


def test_nothing_of_a_text_is_lost() -> None:
    text = "a http://b.example/c. d\n" * 50
    assert "".join(part["text"] for part in parts(text)) == text


def one(id: str, by: str = "p-bob", at: float = 0.0, **more: object) -> Said:
    return Said(id, by, by.replace("p-", "u-"), by, "x", at, **more)  # type: ignore[arg-type]


def test_lines_in_a_row_are_named_once() -> None:
    said = [one("1"), one("2", at=1), one("3", "p-ada", 2), one("4", at=3), one("5", at=3 + APART)]
    said += [one("6", at=4 + APART, to="p-ada")]
    assert [line["first"] for line in lines(said, you="p-ada", user="u-ada", host=False)] == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]


def test_what_one_wrote_in_another_tab_is_one_s_own() -> None:
    said = [one("1", "p-ada-before")._replace(user="u-ada"), one("2")._replace(user="")]
    assert [line["mine"] for line in lines(said, you="p-ada", user="u-ada", host=False)] == [True, False]
    assert [line["mine"] for line in lines(said, you="p-ada", user="", host=False)] == [False, False]
