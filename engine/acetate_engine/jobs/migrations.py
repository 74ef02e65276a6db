"""The tables of the job store, version by version; `PRAGMA user_version` says which steps a file has behind it."""

from __future__ import annotations

import sqlite3

from acetate.protocol.errors import FileError

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of acceptance
        id TEXT NOT NULL UNIQUE,
        key TEXT UNIQUE,                           -- Idempotency-Key of the sender
        request TEXT NOT NULL,
        state TEXT NOT NULL,
        created REAL NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,        -- how often it was started
        deaths INTEGER NOT NULL DEFAULT 0,         -- how many workers died on it
        step INTEGER NOT NULL DEFAULT 0,
        steps INTEGER NOT NULL DEFAULT 0,
        cancelling INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX jobs_by_state ON jobs (state, number);
    CREATE TABLE events (
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        seq INTEGER NOT NULL,
        name TEXT NOT NULL,
        data TEXT NOT NULL,
        PRIMARY KEY (job, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE images (
        job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        PRIMARY KEY (job, digest)
    ) STRICT, WITHOUT ROWID;
    """,
)


def migrate(database: sqlite3.Connection) -> None:
    """Brings the file up to date, each step whole or not at all. Raises FileError on a newer release's file."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise FileError(
            f"the job store is of a newer Acetate (its version is {version}, this one knows {len(MIGRATIONS)})",
            "Update Acetate, or move the data directory away.",
        )
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
