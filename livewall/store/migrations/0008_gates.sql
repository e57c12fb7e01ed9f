-- What a step waits for while it waits (JSON, as readers see it), and the decision that ended the wait.
ALTER TABLE steps ADD COLUMN waits_for TEXT;
ALTER TABLE steps ADD COLUMN decision TEXT;
