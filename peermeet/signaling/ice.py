"""What a seat is given for its peer connections: STUN and TURN servers, the relays with credentials of its own.

The credentials are those of coturn's ``use-auth-secret`` (draft-uberti-behave-turn-rest-00, section 2.2): the user
name is ``expiry:participant`` and the password its HMAC-SHA1 under a secret that PeerMeet and the relay share.
Nothing is kept, so nothing can be revoked: a credential opens relays until its time is over, and a relay that is open
stays open after that. The life is therefore short, and whoever is seated asks for the next one in time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..core.errors import Refusal


@dataclass(frozen=True, repr=False)
class Turn:
    """The relays, the secret shared with them, and for how many seconds a credential is good. Not printable."""

    urls: tuple[str, ...]
    secret: str
    ttl: int


class RefreshIce(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="refresh_ice"):
    """Asks for fresh credentials. No command of the core's: it changes nothing in the room."""


def is_refresh(message: object) -> bool:
    """Tell whether this asks for fresh credentials; raise `Refusal` if it does so in the wrong shape."""
    if not isinstance(message, dict) or message.get("type") != "refresh_ice":
        return False
    try:
        msgspec.convert(message, RefreshIce)
    except msgspec.ValidationError:
        raise Refusal("bad_message") from None
    return True


def ice_servers(
    fixed: Sequence[dict[str, Any]], turn: Turn | None, participant: str, now: float
) -> list[dict[str, Any]]:
    """Return the list of RTCIceServer for one seat: the fixed ones first, then the relays, good from ``now`` (Unix
    seconds) for ``turn.ttl`` seconds. coturn counts its quotas by what stands behind the colon of the user name, so a
    fresh credential brings no fresh quota."""
    servers = [dict(server) for server in fixed]
    if turn is not None:
        username = f"{int(now) + turn.ttl}:{participant}"
        digest = hmac.new(turn.secret.encode(), username.encode(), hashlib.sha1).digest()
        servers.append({
            "urls": list(turn.urls),
            "username": username,
            "credential": base64.b64encode(digest).decode(),
        })  # fmt: skip
    return servers
