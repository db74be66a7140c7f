"""What people may call themselves and their rooms: one line of visible text."""

from __future__ import annotations

import re
import unicodedata

from .errors import Refusal

NAME_LENGTH = 64  # as long as the longest full names in use; a tile shows about 20 and hides the rest
TITLE_LENGTH = 120  # a line and a half of a lobby card
# Marks that pile up on one letter ("zalgo") climb over neighbouring lines; scripts in use stack at most four.
_STACKED_MARKS = 5
# Overrides, embeddings, isolates and marks of direction make a name read as another (Trojan Source, CVE-2021-42574).
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# The joiners are control characters by category, yet Hindi, Persian and most emoji cannot be written without.
_JOINERS = frozenset("\u200c\u200d")

# Letters and symbols by category that are drawn as nothing: Hangul fillers, the empty Braille cell, a null notehead.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")


def clean_name(text: object, field: str = "name") -> str:
    """Return a participant's name, trimmed and composed (NFC), or refuse with ``bad_name``."""
    return _clean(text, NAME_LENGTH, "bad_name", field)


def clean_title(text: object, field: str = "title") -> str:
    """Return a room's title, trimmed and composed (NFC), or refuse with ``bad_title``."""
    return _clean(text, TITLE_LENGTH, "bad_title", field)


def _clean(text: object, longest: int, code: str, field: str) -> str:
    if not isinstance(text, str) or len(text) > 4 * longest:
        raise Refusal(code, field)
    line = re.sub(r" +", " ", unicodedata.normalize("NFC", text)).strip()
    if not 1 <= len(line) <= longest or not any(_visible(c) for c in line):
        raise Refusal(code, field)
    if any(_forbidden(c) for c in line) or _piled(line):
        raise Refusal(code, field)
    return line


def _visible(char: str) -> bool:
    return (unicodedata.category(char)[0] in "LNPS" or _new_emoji(char)) and char not in _BLANK


def _new_emoji(char: str) -> bool:
    """Tell whether a character was unassigned when this Python was made, where emoji are added every year."""
    return unicodedata.category(char) == "Cn" and 0x1F000 <= ord(char) <= 0x1FAFF


def _forbidden(char: str) -> bool:
    if char in "<>" or char in _DIRECTION:
        return True
    category = unicodedata.category(char)
    if category == "Cf":  # tags that build flags (U+E0020 and on) stay; all else invisible goes
        return char not in _JOINERS and not 0xE0020 <= ord(char) <= 0xE007F
    return category in {"Cc", "Cs", "Cn", "Zl", "Zp"} and not _new_emoji(char)


def _piled(line: str) -> bool:
    run = 0
    for char in line:
        run = run + 1 if unicodedata.category(char) in {"Mn", "Me"} else 0
        if run >= _STACKED_MARKS:
            return True
    return False
