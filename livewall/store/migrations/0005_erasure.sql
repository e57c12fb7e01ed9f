-- When a round was last closed, and when its ballots were erased. Of rounds that ended before this was noted, the last
-- tally tells the time.
ALTER TABLE rounds ADD COLUMN closed_at TEXT;
ALTER TABLE rounds ADD COLUMN erased_at TEXT;
UPDATE rounds SET closed_at = (
    SELECT COALESCE(
        (SELECT MAX(kept.at) FROM kept WHERE kept.stream = 'polls/' || polls.id AND kept.key = 'tally'),
        polls.created_at
    ) FROM polls WHERE polls.id = rounds.poll
) WHERE EXISTS (
    SELECT 1 FROM polls
    WHERE polls.id = rounds.poll AND (rounds.round < polls.round OR polls.phase = 'closed' OR polls.archived = 1)
);
