-- Private messages. `people.inbox` is the stream of a person's own, sealed with the keys of the server, so that the ids
-- of one person in two rooms cannot be joined with the database alone; `given_name` and `role` are what a person has
-- who chose no name. They are NULL for people who were last there before this schema.
ALTER TABLE people ADD COLUMN inbox BLOB;
ALTER TABLE people ADD COLUMN given_name TEXT;
ALTER TABLE people ADD COLUMN role TEXT;

-- The conversation of two persons of a room. `messages` is the number of the last message.
CREATE TABLE conversations (
    id TEXT NOT NULL PRIMARY KEY,
    room TEXT NOT NULL,
    first TEXT NOT NULL,
    second TEXT NOT NULL,
    messages INTEGER NOT NULL,
    UNIQUE (room, first, second)
) WITHOUT ROWID;
-- One of the two, with the stream of its own. `last_read` is the number up to which it has read; `activity` orders its
-- conversations; `wrote` says whether it ever wrote in this one.
CREATE TABLE sides (
    conversation TEXT NOT NULL,
    person TEXT NOT NULL,
    inbox TEXT NOT NULL,
    last_read INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0,
    blocked INTEGER NOT NULL DEFAULT 0,
    wrote INTEGER NOT NULL DEFAULT 0,
    activity INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, person)
) WITHOUT ROWID;
CREATE UNIQUE INDEX sides_of_inboxes ON sides (inbox, activity, conversation);

-- `unanswered` is 1 until the other person writes in the conversation. A message that was erased keeps its number and
-- loses its text, its author and its id.
CREATE TABLE private_messages (
    conversation TEXT NOT NULL,
    number INTEGER NOT NULL,
    said_by TEXT,
    given TEXT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    said_at TEXT NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    unanswered INTEGER NOT NULL,
    withdrawn TEXT,
    PRIMARY KEY (conversation, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX private_messages_given ON private_messages (conversation, said_by, given) WHERE given IS NOT NULL;
CREATE INDEX private_messages_standing ON private_messages (said_at) WHERE withdrawn IS NULL;
CREATE INDEX private_messages_sent ON private_messages (sender, said_at) WHERE unanswered = 1;
CREATE INDEX private_messages_received ON private_messages (recipient, said_at) WHERE unanswered = 1;
