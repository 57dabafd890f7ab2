-- Uses ----------------------------------------------------------------------------------------------------------------

-- The record of use: each use of a connection has an entry when it begins and another one when it ends. No entry is
-- ever changed. The text of an entry can be erased, and its commitment stays.
CREATE TABLE connection_use (
    -- The number of the entry in this store.
    number        INTEGER PRIMARY KEY AUTOINCREMENT,
    use_id        BLOB    NOT NULL,
    part          TEXT    NOT NULL CHECK (part IN ('began', 'ended')),
    -- SHA-256 of the salt and the text.
    commitment    BLOB    NOT NULL,
    -- A MAC over the id, the part and the commitment.
    mark          BLOB    NOT NULL,
    -- The columns from here on are NULL after the text was erased. The salt is 16 random bytes.
    salt          BLOB,
    -- The text: canonical JSON. The other columns repeat parts of it for searches.
    entry         TEXT,
    at            INTEGER,
    owner         TEXT,
    -- The grantee: 'agent:' with an id, or 'extension:' with a name. NULL for a person or a host, and in an end.
    grantee       TEXT,
    token_id      BLOB,
    connection_id BLOB,
    rule          TEXT,
    -- NULL in a beginning.
    outcome       TEXT,
    UNIQUE (use_id, part)
) STRICT;

-- Each index is in the order in which its entries are listed. The ids of a process are in the order of its uses.
CREATE INDEX connection_use_at ON connection_use (at, use_id) WHERE at IS NOT NULL;
CREATE INDEX connection_use_owner ON connection_use (owner, at, use_id) WHERE owner IS NOT NULL;
CREATE INDEX connection_use_grantee ON connection_use (owner, grantee, at, use_id) WHERE grantee IS NOT NULL;
CREATE INDEX connection_use_token ON connection_use (token_id, at, use_id) WHERE token_id IS NOT NULL;
CREATE INDEX connection_use_connection ON connection_use (connection_id, at, use_id) WHERE connection_id IS NOT NULL;
CREATE INDEX connection_use_rule ON connection_use (owner, rule, at, use_id) WHERE rule IS NOT NULL;
CREATE INDEX connection_use_outcome ON connection_use (owner, outcome, at, use_id) WHERE outcome IS NOT NULL;
