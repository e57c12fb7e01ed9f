-- Rooms: places to talk. `messages` is the number of the last message; a person is known by an HMAC of room and person.
CREATE TABLE rooms (
    name TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    write_right TEXT NOT NULL,
    read_right TEXT NOT NULL,
    slow INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at TEXT NOT NULL
) WITHOUT ROWID;

-- A withdrawn message keeps its number and loses its text, its author and its id. `said_by` is its author, or NULL for
-- the system; `given` is the id that its author gave it.
CREATE TABLE messages (
    room TEXT NOT NULL,
    number INTEGER NOT NULL,
    said_by TEXT,
    given TEXT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    reply_to INTEGER,
    said_at TEXT NOT NULL,
    edited_at TEXT,
    withdrawn TEXT,
    PRIMARY KEY (room, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX messages_given ON messages (room, said_by, given) WHERE given IS NOT NULL;

-- Who spoke in a room, chose a name there or was muted. `name` is NULL for one who never chose one.
CREATE TABLE people (
    room TEXT NOT NULL,
    person TEXT NOT NULL,
    name TEXT,
    muted INTEGER NOT NULL DEFAULT 0,
    said_at TEXT,
    here_at TEXT NOT NULL,
    PRIMARY KEY (room, person)
) WITHOUT ROWID;
-- What a name looks like, once in a room.
CREATE TABLE looks (
    room TEXT NOT NULL,
    look TEXT NOT NULL,
    person TEXT NOT NULL,
    PRIMARY KEY (room, look)
) WITHOUT ROWID;
CREATE INDEX looks_of_people ON looks (room, person);
