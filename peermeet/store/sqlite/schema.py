"""The tables, as the steps that lead to them.

``MIGRATIONS[n]`` leads from schema version n to n + 1. They are added, never changed: files out there have run
them. A table that hangs on a room or an account says so by its foreign key and goes with it; ``user`` columns
without one outlive the guest whom ``delete_guests`` forgets.
"""

from __future__ import annotations

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE users (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, created INTEGER NOT NULL,
            email TEXT, email_lc TEXT UNIQUE, password_hash BLOB
        ) STRICT""",
        "CREATE INDEX guests ON users (created) WHERE email_lc IS NULL",
        """CREATE TABLE rooms (
            code TEXT PRIMARY KEY, title TEXT NOT NULL, owner TEXT NOT NULL, created INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX rooms_of ON rooms (owner, created)",
        """CREATE TABLE visits (
            user TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            code TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
            at INTEGER NOT NULL,
            PRIMARY KEY (user, code)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX visits_by_time ON visits (user, at)",
        "CREATE INDEX visits_by_room ON visits (code)",
        "CREATE TABLE revoked_sessions (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE INDEX revoked_until ON revoked_sessions (until)",
        "CREATE TABLE used_tickets (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE INDEX used_until ON used_tickets (until)",
    ),
    (
        "ALTER TABLE rooms ADD COLUMN lobby INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN locked INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN capacity INTEGER",
        "ALTER TABLE rooms ADD COLUMN passcode_hash BLOB",
        "ALTER TABLE rooms ADD COLUMN opens INTEGER",
        "ALTER TABLE rooms ADD COLUMN closes INTEGER",
        "ALTER TABLE rooms ADD COLUMN wait_for_host INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN one_device INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE rooms ADD COLUMN chat TEXT NOT NULL DEFAULT 'meeting'",
        "ALTER TABLE rooms ADD COLUMN relay_only INTEGER NOT NULL DEFAULT 0",
        """CREATE TABLE invitations (
            id TEXT PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE,
            room TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
            role TEXT NOT NULL, made_by TEXT NOT NULL, created INTEGER NOT NULL,
            expires INTEGER, uses INTEGER, used INTEGER NOT NULL, revoked INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX invitations_of ON invitations (room, created DESC, id)",
        "CREATE INDEX invitations_by_maker ON invitations (made_by)",
        """CREATE TABLE invitation_uses (
            invitation TEXT NOT NULL REFERENCES invitations (id) ON DELETE CASCADE,
            user TEXT NOT NULL, first INTEGER NOT NULL,
            PRIMARY KEY (invitation, user)
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX invitation_uses_by_user ON invitation_uses (user)",
        # makes letting somebody in and counting them one statement
        """CREATE TRIGGER invitation_used AFTER INSERT ON invitation_uses BEGIN
            UPDATE invitations SET used = used + 1 WHERE id = new.invitation;
        END""",
        """CREATE TABLE meetings (
            id TEXT PRIMARY KEY, room TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
            started INTEGER NOT NULL, ended INTEGER
        ) STRICT""",
        "CREATE INDEX meetings_of ON meetings (room, started DESC, id)",
        "CREATE INDEX meetings_unfinished ON meetings (ended) WHERE ended IS NULL",
        """CREATE TABLE attendance (
            id TEXT PRIMARY KEY, meeting TEXT NOT NULL,
            room TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
            user TEXT NOT NULL, name TEXT NOT NULL, guest INTEGER NOT NULL, invitation TEXT,
            came INTEGER NOT NULL, "left" INTEGER
        ) STRICT""",
        "CREATE INDEX attendance_of ON attendance (meeting, came, id)",
        "CREATE INDEX attendance_by_room ON attendance (room)",
        "CREATE INDEX attendance_by_user ON attendance (user)",
        'CREATE INDEX attendance_unfinished ON attendance ("left") WHERE "left" IS NULL',
        """CREATE TABLE messages (
            id TEXT PRIMARY KEY, room TEXT NOT NULL REFERENCES rooms (code) ON DELETE CASCADE,
            meeting TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, at INTEGER NOT NULL
        ) STRICT""",
        "CREATE INDEX messages_of ON messages (room, at, id)",
        "CREATE INDEX messages_of_meeting ON messages (room, meeting, at, id)",
        "CREATE INDEX messages_by_user ON messages (user)",
        "CREATE TABLE attempts (key TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL) STRICT",
        "CREATE INDEX attempts_of ON attempts (key, at)",
        "CREATE INDEX attempts_until ON attempts (until)",
    ),
    (
        """CREATE TABLE standings (
            room TEXT PRIMARY KEY REFERENCES rooms (code) ON DELETE CASCADE,
            value BLOB NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX standings_until ON standings (until)",
    ),
)
