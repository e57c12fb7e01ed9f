-- What a failed task asks, and what came of it (JSON, as readers see it); NULL where it asks nothing.
ALTER TABLE tasks ADD COLUMN on_failure TEXT;
CREATE INDEX tasks_on_failure ON tasks (json_extract(on_failure, '$.state')) WHERE on_failure IS NOT NULL;
