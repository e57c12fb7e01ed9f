-- The hosts of a step, one row each. `log_base` is where the log of its present attempt begins; `host_key` is the key
-- that the host showed and somebody has to confirm (JSON), `accepted_key` the fingerprint of one that was confirmed; `skipped_by` who asked to leave it out while it ran.
CREATE TABLE targets (
    task TEXT NOT NULL,
    step TEXT NOT NULL,
    host TEXT NOT NULL,
    place INTEGER NOT NULL,
    wave INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    progress REAL,
    message TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    log_base INTEGER NOT NULL DEFAULT 0,
    retry_at TEXT,
    host_key TEXT,
    accepted_key TEXT,
    skipped_by TEXT,
    PRIMARY KEY (task, step, host)
) WITHOUT ROWID;

-- Who paused a step with hosts, and who ended it early; NULL while nobody did.
ALTER TABLE steps ADD COLUMN paused_by TEXT;
ALTER TABLE steps ADD COLUMN aborted_by TEXT;

-- The poll that a gate has asked, also after its end.
ALTER TABLE steps ADD COLUMN asked TEXT;
