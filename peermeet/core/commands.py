"""What can be asked of a room, in the imperative.

``by`` says who asks, ``now`` when, ``stamp`` is a word by chance, another for every message: the shell sets them,
nobody can send them (see `wire.parse`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from .model import Doors, Keeping, Participant, Role, Source

# Every bound has its reason: what arrives is held in memory and told to everybody in the room.
Id = Annotated[str, Meta(min_length=1, max_length=64)]
StreamId = Annotated[str, Meta(min_length=1, max_length=64)]  # browsers use 36
Sdp = Annotated[str, Meta(max_length=48_000)]  # an offer of 16 m-lines is 30 kB; a frame holds 64 KiB
CandidateLine = Annotated[str, Meta(max_length=512)]  # the longest in RFC 8839 with all extensions is about 300
Key = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_.-]*\Z")]
MAX_CANDIDATES = 24  # in one signal: a host with six interfaces, three kinds each, and room to spare
MAX_ATTRIBUTES = 16  # keys a participant; each built-in control uses one
MAX_KNOCKING = 64  # at one door: hosts read them as a list, and each is held in memory
MAX_KNOWN = 256  # users the room remembers who are gone: a full house, sixteen times over
CHAT = "chat"  # the topic of messages that are kept for latecomers
CHAT_LINES = 200  # kept in the room; a screenful is ten, and a newcomer gets them all at once
CHAT_LENGTH = 2000  # characters a line
BAN_SECONDS = 12 * 3600.0  # for device and address of a guest: others may have them tomorrow
VALUE_BYTES = 4096  # of one attribute or message as JSON: a screenful of text


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    by: str


# From the shell: a browser can cause these, never send them.


class Join(Command, frozen=True, tag="join"):
    """A ticket was good: take this seat, or knock. Answered by `Welcomed` or `Waiting`; the others hear
    `ParticipantJoined`, or the hosts `Knocked`. ``marks`` are hashes by which a banned guest is known again."""

    participant: Participant
    marks: tuple[str, ...] = ()
    now: float = 0.0


class Resume(Command, frozen=True, tag="resume"):
    """The seat's owner is back on another socket. Answered by `Welcomed`."""


class Disconnect(Command, frozen=True, tag="disconnect"):
    """The socket was lost; the seat stays."""

    now: float


class Expire(Command, frozen=True, tag="expire"):
    """Give the seat up if its grace is over."""

    now: float


class Lift(Command, frozen=True, tag="lift"):
    """Let silences and bans end whose time is over. To be asked about once a second."""

    now: float


class SetDoors(Command, frozen=True, tag="set_doors"):
    """The room record was changed meanwhile: these are its doors now, and when it closes."""

    doors: Doors
    closes: float | None = None


class Forget(Command, frozen=True, tag="forget"):
    """An account is gone: take every seat of theirs, and out of the room what it knows of them."""

    user: str


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


class Admit(Command, frozen=True, tag="admit"):
    """Let somebody in who knocks, or with no ``id`` everybody for whom there is room."""

    id: Id | None = None


class Deny(Command, frozen=True, tag="deny"):
    """Send somebody away who knocks, or with no ``id`` everybody."""

    id: Id | None = None


class Remove(Command, frozen=True, tag="remove"):
    """Take every seat of a person. They do not come back until a host allows it."""

    id: Id


class Ban(Command, frozen=True, tag="ban"):
    """Take every seat of a person, or send them from the door, for the rest of the meeting. A guest is known again by
    device and address, for a time."""

    id: Id
    now: float = 0.0


class Allow(Command, frozen=True, tag="allow"):
    """Let somebody come back who was removed or banned."""

    user: Id


class SetRole(Command, frozen=True, tag="set_role"):
    """Make somebody a host, co-host, member or listener, for the meeting and in all their seats."""

    id: Id
    role: Role


class SetRoom(Command, frozen=True, tag="set_room"):
    """Set the doors; what is not named stays."""

    lobby: bool | None = None
    locked: bool | None = None
    wait_for_host: bool | None = None
    one_device: bool | None = None
    chat: Keeping | None = None
    relay_only: bool | None = None


class AskMute(Command, frozen=True, tag="ask_mute"):
    """Ask somebody to switch a source off. Nobody can switch another's on."""

    id: Id
    source: Source


class SilenceSource(Command, frozen=True, tag="silence"):
    """Nobody plays this source of somebody (with no ``id``, of everybody but hosts on whom I may act), in all their
    seats, until it is lifted (``on`` false) or time is over."""

    source: Source
    on: bool
    id: Id | None = None
    seconds: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    now: float = 0.0


class DeleteMessage(Command, frozen=True, tag="delete_message"):
    """Take a line out of the chat: one's own; as a host any, or with no ``id`` all."""

    id: Id | None = None


class EndMeeting(Command, frozen=True, tag="end_meeting"):
    """Everybody's seat is given up."""


class SendMessage(Command, frozen=True, tag="send_message"):
    """A moment: heard by those present (or only by ``to``). What is said to all on the topic ``chat`` is kept for
    latecomers, as the room is set."""

    topic: Key
    data: Any = None
    to: Id | None = None
    now: float = 0.0
    stamp: str = ""


FromBrowser = (
    Leave
    | Publish
    | Unpublish
    | Signal
    | SetAttributes
    | SendMessage
    | Admit
    | Deny
    | Remove
    | Ban
    | Allow
    | SetRole
    | SetRoom
    | AskMute
    | SilenceSource
    | DeleteMessage
    | EndMeeting
)
FromShell = Join | Resume | Disconnect | Expire | Lift | SetDoors | Forget | End
AnyCommand = FromShell | FromBrowser
