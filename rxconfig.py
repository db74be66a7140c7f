"""Reflex's configuration. What a host may set stands in peermeet/config.py and is read by peermeet/app.py."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # granian and pytest do not add the project's root

# No question to anybody's server, neither at build time nor at run time.
os.environ.setdefault("REFLEX_TELEMETRY_ENABLED", "false")
os.environ.setdefault("REFLEX_CHECK_LATEST_VERSION", "false")
# Reflex's own socket: by default a lost tab is noticed after two minutes, and until then its return counts as a
# second tab with an empty state.
os.environ.setdefault("REFLEX_SOCKET_INTERVAL", "10s")
os.environ.setdefault("REFLEX_SOCKET_TIMEOUT", "10s")

import reflex as rx
from dotenv import load_dotenv

from peermeet.browser.build import PreloadMeeting, SameOrigin, SteadyLock, bun

load_dotenv(Path(__file__).parent / ".env")
REDIS = os.environ.get("PEERMEET_REDIS_URL") or None
VITE = f"http://localhost:{os.environ.get('REFLEX_FRONTEND_PORT', '3000')}"

config = rx.Config(
    app_name="peermeet",
    app_module_import="peermeet.app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    # State in memory, or where the rooms are. A page's state lives twelve hours without an event (the default is one).
    state_manager_mode="redis" if REDIS else "memory",
    redis_url=REDIS,
    redis_token_expiration=12 * 3600,
    # Reflex's default answers every site, with credentials. Here nobody but the page itself is answered (and
    # peermeet.gate looks at Origin); in development the page comes from Vite's port.
    cors_allowed_origins=[VITE] if os.environ.get("REFLEX_ENV_MODE") == "dev" else [],
    frontend_compression_formats=["gzip"],
    plugins=[SameOrigin(), PreloadMeeting(), SteadyLock()],
    disable_plugins=[rx.plugins.SitemapPlugin],
    **bun(),
)
