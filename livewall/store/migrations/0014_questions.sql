-- Questions from the audience of a wall, with those who vote them up. `asker` and `voter` are HMACs of wall and person;
-- `said_by` and `name` are what is shown of the asker, and are empty for an anonymous question. `published` is the
-- number of votes in the newest event of the question.
CREATE TABLE questions (
    wall TEXT NOT NULL,
    number INTEGER NOT NULL,
    asker BLOB NOT NULL,
    given TEXT NOT NULL,
    said_by TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    answer TEXT,
    votes INTEGER NOT NULL DEFAULT 0,
    published INTEGER NOT NULL DEFAULT 0,
    asked_at TEXT NOT NULL,
    PRIMARY KEY (wall, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX questions_given ON questions (wall, asker, given);
CREATE INDEX questions_of_state ON questions (wall, state);
CREATE INDEX questions_moved ON questions (wall) WHERE votes != published;
CREATE TABLE question_votes (
    wall TEXT NOT NULL,
    voter BLOB NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (wall, voter, number)
) WITHOUT ROWID;
ALTER TABLE walls ADD COLUMN questions TEXT NOT NULL DEFAULT 'off';
ALTER TABLE walls ADD COLUMN reactions INTEGER NOT NULL DEFAULT 0;

-- For the erasure of messages that are old enough.
CREATE INDEX messages_standing ON messages (said_at) WHERE withdrawn IS NULL;

-- What is searched: the text in one case, where it is another than `lower(text)`. NULL otherwise, for a withdrawn message,
-- and for what was said before this schema.
ALTER TABLE messages ADD COLUMN folded TEXT;

-- The room that is told what becomes of a task.
ALTER TABLE tasks ADD COLUMN room TEXT;
