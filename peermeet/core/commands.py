"""What can be asked of a room, in the imperative. ``by`` says who asks; nobody can send it (see `wire.parse`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .model import Participant, Source

# Every bound has its reason: what arrives is held in memory and told to everybody in the room.
Id = Annotated[str, Meta(min_length=1, max_length=64)]
StreamId = Annotated[str, Meta(min_length=1, max_length=64)]  # browsers use 36
Sdp = Annotated[str, Meta(max_length=48_000)]  # an offer of 16 m-lines is 30 kB; a frame holds 64 KiB
CandidateLine = Annotated[str, Meta(max_length=512)]  # the longest in RFC 8839 with all extensions is about 300
Key = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_.-]*\Z")]
MAX_CANDIDATES = 24  # in one signal: a host with six interfaces, three kinds each, and room to spare
MAX_ATTRIBUTES = 16  # keys a participant; each built-in control uses one
VALUE_BYTES = 4096  # of one attribute or message as JSON: a screenful of text


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    by: str


# From the shell: a browser can cause these, never send them.


class Join(Command, frozen=True, tag="join"):
    """A ticket was good: take this seat. Answered by `Welcomed`; the others hear `ParticipantJoined`."""

    participant: Participant


class Resume(Command, frozen=True, tag="resume"):
    """The seat's owner is back on another socket. Answered by `Welcomed`."""


class Disconnect(Command, frozen=True, tag="disconnect"):
    """The socket was lost; the seat stays."""

    now: float


class Expire(Command, frozen=True, tag="expire"):
    """Give the seat up if its grace is over."""

    now: float


class End(Command, frozen=True, tag="end"):
    """The room record is gone: everybody is told, every seat is given up."""


# From a browser.


class Leave(Command, frozen=True, tag="leave"):
    """I go, and mean it."""


class Publish(Command, frozen=True, tag="publish"):
    """I promise a source on a stream, or say that it is muted now. A track is announced before it arrives."""

    source: Source
    stream_id: StreamId
    muted: bool = False


class Unpublish(Command, frozen=True, tag="unpublish"):
    """This source comes no more."""

    source: Source


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """RTCSessionDescriptionInit of the W3C WebRTC specification."""

    type: Literal["offer", "answer", "pranswer", "rollback"]
    sdp: Sdp = ""


class Candidate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """RTCIceCandidateInit; an empty line ends the candidates of that generation."""

    candidate: CandidateLine
    sdp_mid: Annotated[str, Meta(max_length=64)] | None = None
    sdp_m_line_index: Annotated[int, Meta(ge=0, le=255)] | None = msgspec.field(default=None, name="sdpMLineIndex")
    username_fragment: Annotated[str, Meta(max_length=256)] | None = None


class Signal(Command, frozen=True, tag="signal"):
    """A description, candidates, or both, for one other participant. Relayed, never remembered."""

    to: Id
    description: Description | None = None
    candidates: Annotated[tuple[Candidate, ...], Meta(max_length=MAX_CANDIDATES)] = ()


class SetAttributes(Command, frozen=True, tag="set_attributes"):
    """State about myself that latecomers see too; null takes a key away."""

    attributes: Annotated[dict[Key, Any], Meta(min_length=1, max_length=MAX_ATTRIBUTES)]


class SendMessage(Command, frozen=True, tag="send_message"):
    """A moment: heard by those present (or only by ``to``), remembered by nobody."""

    topic: Key
    data: Any = None
    to: Id | None = None


FromBrowser = Leave | Publish | Unpublish | Signal | SetAttributes | SendMessage
FromShell = Join | Resume | Disconnect | Expire | End
AnyCommand = FromShell | FromBrowser
