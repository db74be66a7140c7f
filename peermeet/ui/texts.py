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
}
