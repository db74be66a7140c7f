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
