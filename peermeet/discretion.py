"""What the log of the server leaves out: whatever a client has sent.

Libraries log what they did not understand, word for word: Reflex an event with its headers, and with them the session
cookie; Python's errors the value that was wrong. `install` makes every record tell less, whoever logs it and to whom.
Our own lines are written so that they need not: they pass as they are, but for the words of an error.
"""

from __future__ import annotations

import logging
import re
import traceback
from types import TracebackType

OURS = "peermeet"
# Where a library's own words end: it goes on with a value, or on another line.
VALUE = re.compile(r"['\"`\[{(<:=\n]")
# Their words are about the machine or about the code, not about what somebody sent.
HARMLESS = (OSError, ImportError, NameError, AttributeError)
# uvicorn adds a stack trace of its own where a text frame is not UTF-8: the sender's fault, not ours.
SENDERS_FAULT = ("Invalid UTF-8",)

Error = tuple[type[BaseException], BaseException, TracebackType | None]


def install() -> None:
    """Let every record that is made from now on tell no more than it may."""
    inner = logging.getLogRecordFactory()

    def make(*args: object, **more: object) -> logging.LogRecord:
        record: logging.LogRecord = inner(*args, **more)
        tell_less(record)
        return record

    logging.setLogRecordFactory(make)


def tell_less(record: logging.LogRecord) -> None:
    """Cut a library's message where a value begins, and the words out of a stack trace."""
    if record.name.partition(".")[0] != OURS:
        whole = record.getMessage()
        said = VALUE.split(whole, maxsplit=1)[0].strip()
        record.msg, record.args = said if said == whole.strip() else f"{said} …".strip(), None
        if said.startswith(SENDERS_FAULT):
            record.exc_info = None
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text, record.exc_info = trace(record.exc_info[1]), None


def trace(error: BaseException) -> str:
    """Return where an error came from and what kind it is, without its words unless they are harmless."""
    lines = []
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        lines += [trace(before), "", "and then", ""]
    lines.append("Traceback (most recent call last):")
    lines.append("".join(traceback.format_tb(error.__traceback__)).rstrip("\n"))
    words = f": {error}" if isinstance(error, HARMLESS) else ""
    return "\n".join([*lines, f"{type(error).__module__}.{type(error).__qualname__}{words}"])
