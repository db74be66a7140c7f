"""What people may call themselves and their rooms. Whatever cannot be seen is written as an escape."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peermeet.core.errors import Refusal
from peermeet.core.names import NAME_LENGTH, TITLE_LENGTH, clean_name, clean_title

GOOD = {
    "plain": "Ada Lovelace",
    "one letter": "A",
    "digits": "007",
    "accents": "Zoë Núñez",
    "apostrophe": "Siobhán O’Brien-Søndergård",
    "ampersand and quotes": 'Bob & "Carol"',
    "Vietnamese": "Nguyễn Thị Hồng",
    "Hindi": "नमस्ते",
    "Hindi with joiner": "क\u094d\u200dष",
    "Persian with non-joiner": "می\u200cخواهم",
    "Arabic": "محمد",
    "Arabic with vowels": "مُحَمَّد",
    "Hebrew with points": "שָׁלוֹם",
    "Thai": "สมชาย ก็",
    "Japanese": "山田\u3000太郎",
    "Korean": "김철수",
    "Tamil": "தமிழ்",
    "emoji": "Ada 👋",
    "emoji alone": "👋",
    "emoji with selector": "❤\ufe0f",
    "emoji with skin": "👍🏽",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "flag": "🇩🇪",
    "flag built from tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "64 characters": "x" * 64,
    "64 emoji": "👋" * 64,
    "four marks": "a\u0335\u0336\u0337\u0338",
}

BAD = {
    "empty": "",
    "spaces": "   ",
    "whitespace": "\t \n\u00a0\u2003\u3000",
    "zero-width space": "\u200b",
    "joiners": "\u200d\u200c\u200d",
    "byte order mark": "\ufeff",
    "word joiner": "\u2060",
    "marks without a letter": "\u0301\u0301",
    "selector": "\ufe0f",
    "tags": "\U000e0061\U000e0062",
    "Hangul filler": "\u3164",
    "Hangul fillers": "\u115f\u1160\uffa0",
    "empty Braille": "\u2800\u2800",
    "markup": "<b>Ada</b>",
    "less": "a<b",
    "greater": "a>b",
    "nul": "Ada\0",
    "bell": "A\x07da",
    "escape": "\x1b[31mAda",
    "delete": "A\x7f",
    "C1 control": "A\x9b31m",
    "two lines": "Ada\nLovelace",
    "carriage return": "Ada\rBob",
    "tab inside": "Ada\tBob",
    "line separator": "Ada\u2028Bob",
    "paragraph separator": "Ada\u2029Bob",
    "zero-width inside": "A\u200bda",
    "soft hyphen": "A\u00adda",
    "override": "\u202egnp.exe",
    "embedding": "\u202aAda\u202c",
    "isolate": "\u2066Ada\u2069",
    "left-to-right mark": "Ada\u200e",
    "right-to-left mark": "\u200fAda",
    "Arabic letter mark": "\u061cAda",
    "zalgo": "Z" + "\u0335\u0336\u0337\u0338\u0321",
    "much zalgo": "".join(c + "\u0335\u0315\u031b" * 7 for c in "HE"),
    "surrogate": "Ada\ud83d",
    "noncharacter": "Ada\uffff",
    "private use alone": "\ue000",
    "65 characters": "x" * 65,
    "65 emoji": "👋" * 65,
    "a novel": "x" * 1_000_000,
}

NOT_TEXT = [None, True, 7, 1.5, b"Ada", ["Ada"], {"name": "Ada"}, ("Ada",), object()]


@pytest.mark.parametrize("name", GOOD.values(), ids=GOOD)
def test_people_have_names(name: str) -> None:
    assert clean_name(name) == unicodedata.normalize("NFC", name)
    assert clean_title(name) == clean_name(name)


@pytest.mark.parametrize("name", BAD.values(), ids=BAD)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(Refusal) as refusal:
        clean_name(name)
    assert (refusal.value.code, refusal.value.field) == ("bad_name", "name")


@pytest.mark.parametrize("name", NOT_TEXT, ids=lambda name: type(name).__name__)
@pytest.mark.parametrize(("clean", "code"), [(clean_name, "bad_name"), (clean_title, "bad_title")])
def test_what_is_no_text(clean: Callable[[object], str], code: str, name: object) -> None:
    with pytest.raises(Refusal) as refusal:
        clean(name)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada  ", "Ada"),
        ("\tAda\n", "Ada"),
        ("\u00a0Ada\u3000", "Ada"),
        ("Ada    Lovelace", "Ada Lovelace"),
        ("Zoe\u0308", "Zoë"),
        ("a\u0300" * 64, "à" * 64),
        (" " * 99 + "x" * 64 + " " * 9, "x" * 64),
    ],
)
def test_a_name_is_trimmed_and_composed(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


def test_a_title_is_longer() -> None:
    assert clean_title("x" * 120) == "x" * 120
    with pytest.raises(Refusal) as refusal:
        clean_title("x" * 121)
    assert (refusal.value.code, refusal.value.field) == ("bad_title", "title")


def test_the_field_is_named_as_the_form_names_it() -> None:
    with pytest.raises(Refusal) as refusal:
        clean_name("", field="display_name")
    assert refusal.value.field == "display_name"


@given(st.text(st.characters(), max_size=80))
def test_whatever_is_typed(text: str) -> None:
    for clean, longest in (clean_name, NAME_LENGTH), (clean_title, TITLE_LENGTH):
        try:
            kept = clean(text)
        except Refusal:
            continue
        assert clean(kept) == kept
        assert 1 <= len(kept) <= longest
        assert len(kept.splitlines()) == 1
        assert kept.strip() == kept
        assert not {"<", ">"} & set(kept)
        kept.encode()
