-- The deliveries of webhooks. A row is written with the change that it tells of, and deleted when it was delivered;
-- one with `ended_at` was given up. `webhook` is the place of the webhook in the definition of the task, `host` that of
-- its URL, and `secret` the name of a variable. `problem` is why the last try failed, `status` the answer, if any.
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    webhook INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    host TEXT NOT NULL,
    url TEXT NOT NULL,
    secret TEXT,
    state TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TEXT NOT NULL,
    due_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    status INTEGER,
    ended_at TEXT
);
CREATE INDEX deliveries_open ON deliveries (task, webhook, number) WHERE ended_at IS NULL;
CREATE INDEX deliveries_by_task ON deliveries (task, number);
