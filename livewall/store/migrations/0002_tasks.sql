-- Tasks that run here: the definition and the parameters they were started with, and their place in the queue.
-- `root` is the first of a chain of retries, whose working folder they share; `epoch` that of the database in which a
-- task began: in a restored one nothing of it is started again.
ALTER TABLE tasks ADD COLUMN definition TEXT;
ALTER TABLE tasks ADD COLUMN params TEXT;
ALTER TABLE tasks ADD COLUMN admitted INTEGER NOT NULL DEFAULT 1;
ALTER TABLE tasks ADD COLUMN root TEXT;
ALTER TABLE tasks ADD COLUMN epoch TEXT;
ALTER TABLE tasks ADD COLUMN eta TEXT;
CREATE INDEX tasks_by_end ON tasks (ended_at, number);
CREATE INDEX tasks_by_state ON tasks (state, number);
CREATE INDEX tasks_by_retry ON tasks (retry_of);

-- `lease`: seconds within which a foreign step has to be heard of; `lapsed`: it was not, so its end may still be told.
ALTER TABLE steps ADD COLUMN outputs TEXT NOT NULL DEFAULT '{}';
ALTER TABLE steps ADD COLUMN lease REAL;
ALTER TABLE steps ADD COLUMN lapsed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE steps ADD COLUMN eta TEXT;
ALTER TABLE steps ADD COLUMN log_base INTEGER NOT NULL DEFAULT 0;
CREATE INDEX steps_under_way ON steps (state) WHERE ended_at IS NULL;

-- How long the last successful runs of each step took, in seconds, as a JSON list.
CREATE TABLE usual (
    pipeline TEXT NOT NULL,
    step TEXT NOT NULL,
    seconds TEXT NOT NULL,
    PRIMARY KEY (pipeline, step)
) WITHOUT ROWID;
