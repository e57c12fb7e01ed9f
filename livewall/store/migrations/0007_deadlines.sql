-- Who reports on a task from elsewhere, how soon it promised to be heard of again, and when it was heard of last; for a
-- step `holder` is whoever promised its lease. `resumed_at`: the lease ran out while no server was there to hear anybody,
-- and began once more. While the server runs the monotonic clock decides; these count at a start.
ALTER TABLE tasks ADD COLUMN holder TEXT;
ALTER TABLE tasks ADD COLUMN lease REAL;
ALTER TABLE tasks ADD COLUMN heard_at TEXT;
ALTER TABLE tasks ADD COLUMN resumed_at TEXT;
ALTER TABLE steps ADD COLUMN holder TEXT;
ALTER TABLE steps ADD COLUMN heard_at TEXT;
ALTER TABLE steps ADD COLUMN resumed_at TEXT;

-- `retry_at`: when the delay before another attempt is over. `because`: the step because of which this one was skipped,
-- which is taken back where that one turns out not to be lost.
ALTER TABLE steps ADD COLUMN retry_at TEXT;
ALTER TABLE steps ADD COLUMN because TEXT;
UPDATE steps SET because = substr(reason, 1, length(reason) - 5)
WHERE state = 'skipped' AND substr(reason, -5) = ' lost' AND EXISTS (
    SELECT 1 FROM steps AS lost
    WHERE lost.task = steps.task AND lost.name = substr(steps.reason, 1, length(steps.reason) - 5) AND lost.lapsed = 1
);
