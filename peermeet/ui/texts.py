"""The texts of the pages that are looked up by a code; all else stands where it is shown."""

from __future__ import annotations

# What went wrong with a device, and what to do. The code comes from assets/peermeet/capture.js.
DEVICES: dict[str, str] = {
    "camera_blocked": "The camera is blocked for this page. Allow it in the browser's address bar, then switch it on. "
    "You can join without it.",
    "microphone_blocked": "The microphone is blocked for this page. Allow it in the browser's address bar, then switch "
    "it on. You can join without it and listen.",
    "no_camera": "No camera was found. Connect one and switch it on, or join without it.",
    "no_microphone": "No microphone was found. Connect one and switch it on, or join without it and listen.",
    "camera_in_use": "The camera is in use by another program. Close that program and switch the camera on again, "
    "or join without it.",
    "microphone_in_use": "The microphone is in use by another program. Close that program and switch the microphone "
    "on again, or join without it.",
    "insecure_page": "Browsers give camera and microphone only to secure pages. Open this page by https, or on the "
    "machine itself as http://localhost. You can join without them, to watch and listen.",
    "camera_lost": "The camera is gone. Connect it again and switch it on.",
    "microphone_lost": "The microphone is gone. Connect it again and switch it on.",
}

STAGE: dict[str, str] = {
    "you": "You",
    "away": "reconnecting",
    "microphone_on": "Microphone on",
    "microphone_off": "Microphone off",
    "silenced": "silenced",
    "hand": "Hand raised",
}

# Why there is no ticket: by the code of the refusal. ``when`` is followed by a time, if there is one.
DOOR: dict[str, dict[str, str]] = {
    "bad_invitation": {
        "title": "This invitation is not valid any more.",
        "text": "It was used up, has ended or was taken back. Ask for a new one, or try without.",
    },
    "not_open_yet": {
        "title": "This room is not open yet.",
        "when": "It opens",
        "text": "Come back then and try again.",
    },
    "closed": {
        "title": "This room has closed.",
        "when": "It closed",
        "text": "Ask its owner whether it opens again.",
    },
    "too_many_attempts": {
        "title": "There were too many wrong attempts from here.",
        "text": "Wait ten minutes, then try again.",
    },
    "no_such_room": {
        "title": "There is no such room.",
        "text": "The link may be mistyped, or the room was deleted. Ask for the link again.",
    },
}

# Why a meeting is over for somebody: by the reason of their `participant_left`, or the code that refused them.
ENDINGS: dict[str, dict[str, str]] = {
    "left": {"title": "You have left the meeting", "text": "", "again": "Join again"},
    "ended": {"title": "The meeting has ended", "text": "It is over for everybody who was in it.", "again": ""},
    "lost": {
        "title": "You were away for too long",
        "text": "Your seat was given up. It takes a moment to get another.",
        "again": "Join again",
    },
    "denied": {
        "title": "You were not let in",
        "text": "A host has seen your knock and said no.",
        "again": "Knock again",
    },
    "removed": {
        "title": "You were removed from this meeting",
        "text": "A host took your seat. You can come back as soon as a host allows it.",
        "again": "Try again",
    },
    "banned": {
        "title": "You were banned from this meeting",
        "text": "You may not come back to it, unless a host changes their mind.",
        "again": "",
    },
    "replaced": {
        "title": "You are in this meeting in another tab",
        "text": "This room has one seat a person, and the tab or device where you joined last has yours.",
        "again": "Join here instead",
    },
    "room_locked": {
        "title": "The room is locked",
        "text": "Nobody new can come in at the moment. Ask a host to open it.",
        "again": "Try again",
    },
    "room_full": {
        "title": "The room is full",
        "text": "Every seat is taken. Try again when somebody has left.",
        "again": "Try again",
    },
    "not_signed_in": {
        "title": "You have signed out",
        "text": "This browser's session has ended, and its seat with it.",
        "again": "Join again",
    },
    "no_such_room": {"title": "There is no such room", "text": "It was deleted meanwhile.", "again": ""},
    "wrong_passcode": {"title": "The room has another passcode now", "text": "", "again": "Say it"},
    "closed": {"title": "The room has closed", "text": "Ask its owner whether it opens again.", "again": "Try again"},
    "refused": {"title": "You could not come in", "text": "", "again": "Try again"},
}

# After a host's name.
ASKED: dict[str, str] = {
    "microphone": "asks you to switch your microphone off.",
    "camera": "asks you to switch your camera off.",
}

SILENCED: dict[str, str] = {
    "microphone": "A host has silenced you: nobody hears you until a host lifts it.",
    "camera": "A host has hidden your camera: nobody sees you until a host lifts it.",
}

# Of invitations. In braces stand what is counted and the names of other texts.
INVITATIONS: dict[str, str] = {
    "invite": "Make a link",
    "role": "Comes as",
    "member": "Member",
    "listener": "Listener",
    "cohost": "Co-host",
    "host": "Host",
    "life": "Good for",
    "hour": "An hour",
    "day": "A day",
    "week": "A week",
    "month": "30 days",
    "ever": "No end",
    "uses": "For how many",
    "any": "Any number",
    "made": "Copy this link now. It is shown this once.",
    "copy": "Copy",
    "copied": "Copied",
    "none": "No invitations yet.",
    "number": "No. {number} · {role}",
    "ends": "until",
    "endless": "no end",
    "over": "ended",
    "used_up": "used up",
    "revoked": "revoked",
    "used": "{used} came",
    "used_of": "{used} of {uses} came",
    "by": "by",
    "somebody": "somebody whose account is deleted",
    "revoke": "Revoke",
    "revoke_ask": "Nobody comes in by this link any more, not even who came by it before. Who is in the meeting stays.",
    "keep": "Keep",
}
