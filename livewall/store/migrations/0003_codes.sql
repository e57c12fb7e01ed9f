-- Codes of walls: each has a holder, who is the voter and whose number stays when the code is replaced. Only hashes are
-- kept: of the code, and of the browser or program the holder is bound to (NULL: nobody yet), made for this wall alone
-- so that its ballots elsewhere cannot be joined. `replaced` counts the codes that came before this one.
CREATE TABLE codes (
    wall TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    voter BLOB,
    revoked INTEGER NOT NULL DEFAULT 0,
    replaced INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (wall, number)
) WITHOUT ROWID;
CREATE UNIQUE INDEX codes_by_voter ON codes (wall, voter) WHERE voter IS NOT NULL;
