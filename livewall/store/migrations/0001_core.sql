-- Streams: the sequencer, the newest event of each key by view (0: seen by rules only), and what is kept of the past.
CREATE TABLE streams (
    name TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    full_head INTEGER NOT NULL,
    masked_head INTEGER NOT NULL,
    floor INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE latest (
    stream TEXT NOT NULL,
    view INTEGER NOT NULL,
    key TEXT NOT NULL,
    seq INTEGER NOT NULL,
    data TEXT,
    PRIMARY KEY (stream, view, key)
) WITHOUT ROWID;
CREATE TABLE kept (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    view INTEGER NOT NULL,
    key TEXT,
    data TEXT,
    at TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

CREATE TABLE walls (
    code TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    items TEXT NOT NULL,
    active TEXT,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

-- `detail` is for what is particular to a kind of poll.
CREATE TABLE polls (
    id TEXT NOT NULL PRIMARY KEY,
    wall TEXT,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    options TEXT NOT NULL,
    phase TEXT NOT NULL,
    round INTEGER NOT NULL,
    results TEXT NOT NULL,
    published INTEGER NOT NULL,
    assurance TEXT NOT NULL,
    allow_change INTEGER NOT NULL,
    max_choices INTEGER NOT NULL,
    closes_in INTEGER,
    closes_at TEXT,
    opened_at TEXT,
    opened INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE INDEX polls_by_age ON polls (created_at, id);
CREATE INDEX polls_by_wall ON polls (wall);

-- `changed` counts writes to the ballots of a round, `told` those that a published tally has in it.
CREATE TABLE rounds (
    poll TEXT NOT NULL,
    round INTEGER NOT NULL,
    ballots INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    told INTEGER NOT NULL,
    PRIMARY KEY (poll, round)
) WITHOUT ROWID;
CREATE TABLE counts (
    poll TEXT NOT NULL,
    round INTEGER NOT NULL,
    choice TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (poll, round, choice)
) WITHOUT ROWID;
-- No rowid and no time: nothing here tells the order in which people voted.
CREATE TABLE ballots (
    poll TEXT NOT NULL,
    round INTEGER NOT NULL,
    voter BLOB NOT NULL,
    receipt TEXT NOT NULL UNIQUE,
    PRIMARY KEY (poll, round, voter)
) WITHOUT ROWID;
CREATE TABLE choices (
    receipt TEXT NOT NULL,
    choice TEXT NOT NULL,
    PRIMARY KEY (receipt, choice)
) WITHOUT ROWID;

CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    pipeline TEXT,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    retry_of TEXT,
    owner TEXT NOT NULL,
    started_by TEXT NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT
) WITHOUT ROWID;
CREATE TABLE steps (
    task TEXT NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    needs TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    progress REAL,
    message TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    PRIMARY KEY (task, name)
) WITHOUT ROWID;

-- Tokens of programs and sign-ins of browsers; only hashes are kept.
CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
) WITHOUT ROWID;
CREATE TABLE logins (
    hash BLOB NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    expires_at TEXT NOT NULL
) WITHOUT ROWID;
