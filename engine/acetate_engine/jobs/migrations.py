"""The tables of the job store, version by version; `PRAGMA user_version` says which steps a file has behind it."""

from __future__ import annotations

import sqlite3

from acetate.protocol.errors import FileError

_FILING = {  # protocol.filing
    "document": "TEXT NOT NULL DEFAULT ''",
    "priority": "INTEGER NOT NULL DEFAULT 0",
    "listed": "INTEGER NOT NULL DEFAULT 1",
    "starred": "INTEGER NOT NULL DEFAULT 0",  # alternatives, a bit each
    "discarded": "INTEGER NOT NULL DEFAULT 0",
}
_KEEPING = {  # what the sweep goes by
    "applied": "INTEGER NOT NULL DEFAULT 0",  # alternatives, a bit each
    "clock_shift": "REAL NOT NULL DEFAULT 0",  # seconds by which the clock was wrong when it was accepted (jobs.clock)
}
_ADD = "ALTER TABLE jobs ADD COLUMN {} {}"

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
    ";".join(_ADD.format(name, kind) for name, kind in _FILING.items())
    + "; CREATE INDEX jobs_by_turn ON jobs (state, priority DESC, number)",
    ";".join(_ADD.format(name, kind) for name, kind in _KEEPING.items()),
)


_RESULTS = """
    CREATE TABLE IF NOT EXISTS results (           -- beside what every release has: it may be missing
        job INTEGER PRIMARY KEY REFERENCES jobs (number) ON DELETE CASCADE,
        made_as TEXT NOT NULL                      -- reuse.Reuse.identity
    ) STRICT;
    CREATE INDEX IF NOT EXISTS results_by_identity ON results (made_as, job);
"""

_COLUMNS = {
    "jobs": {
        *("number", "id", "key", "request", "state", "created", "attempt", "deaths", "step", "steps", "cancelling"),
        *_FILING,
        *_KEEPING,
    },
    "events": {"job", "seq", "name", "data"},
    "images": {"job", "digest"},
}


def migrate(database: sqlite3.Connection, *, takes_newer: bool = False) -> None:
    """Brings the file up to date, each step whole or not at all.

    Raises FileError on a newer release's file, and on one that is none of ours.

    With `takes_newer`, such a file is used where it has all that this release needs, or can get it.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS) and takes_newer:
        _add_filing(database)
    if version > len(MIGRATIONS) and not (takes_newer and _is_usable(database)):
        raise FileError(
            f"the job store is of a newer Acetate (its version is {version}, this one knows {len(MIGRATIONS)})",
            "Update Acetate, or move the data directory away.",
        )
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version <= 0 < tables:
        raise _foreign(database)
    for number, script in enumerate(MIGRATIONS[max(version, 0) :], start=max(version, 0) + 1):
        database.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
    if not _is_usable(database):
        raise _foreign(database)
    database.executescript(f"BEGIN IMMEDIATE; {_RESULTS} COMMIT;")


def _foreign(database: sqlite3.Connection) -> FileError:
    (_, _, path) = database.execute("PRAGMA database_list").fetchone()
    return FileError(f"{path} has other tables than the job store", "Move it away; jobs in it are lost.")


def _add_filing(database: sqlite3.Connection) -> None:
    """To a file of a release that went another way. All of it has defaults, and so disturbs nobody."""
    there = {column["name"] for column in database.execute("PRAGMA table_info(jobs)")}
    needed = {**_FILING, **_KEEPING}
    for name in needed.keys() - there if there else ():
        database.execute(_ADD.format(name, needed[name]))


def _is_usable(database: sqlite3.Connection) -> bool:
    """Whether every table has the columns that this release writes, and no other that has to be written, too."""
    return all(_fits(database.execute(f"PRAGMA table_info({table})").fetchall(), _COLUMNS[table]) for table in _COLUMNS)


def _fits(found: list[sqlite3.Row], needed: set[str]) -> bool:
    required = {column["name"] for column in found if column["notnull"] and column["dflt_value"] is None}
    return needed <= {column["name"] for column in found} and required <= needed
