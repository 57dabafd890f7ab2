-- Keeps what providers send by themselves: the address of each connection, and its inbox.
--
-- An address outlives being switched off, without its hash and keys: the numbers of its inbox run on. An event stays until
-- it is acknowledged; of one that was, the digest is kept for a while, so that it is not taken for a new one.

CREATE TABLE connection_webhook_address (
    connection_id BLOB    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- NULL while it is switched off, as what is sealed is.
    token_hash    BLOB    UNIQUE CHECK (length(token_hash) = 32),
    sealed        BLOB,
    -- Grows with every change of what is sealed; whoever changes it names the one that was read.
    revision      INTEGER NOT NULL CHECK (revision >= 1),
    next_number   INTEGER NOT NULL DEFAULT 1 CHECK (next_number >= 1),
    -- Events that are not acknowledged.
    waiting       INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    CHECK ((token_hash IS NULL) = (sealed IS NULL))
) STRICT;

CREATE INDEX connection_webhook_address_waiting ON connection_webhook_address (connection_id) WHERE waiting > 0;

CREATE TABLE connection_webhook (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    connection_id   BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- In the order in which they were stored, for each connection.
    number          INTEGER NOT NULL CHECK (number >= 1),
    -- A MAC of what the signature covers: the same twice is one event.
    digest          BLOB    NOT NULL CHECK (length(digest) = 32),
    received_at     INTEGER NOT NULL,
    -- Until then somebody has it.
    claimed_until   INTEGER,
    acknowledged_at INTEGER,
    sealed          BLOB,
    UNIQUE (connection_id, digest),
    UNIQUE (connection_id, number),
    CHECK ((acknowledged_at IS NULL) = (sealed IS NOT NULL))
) STRICT;

CREATE INDEX connection_webhook_waiting ON connection_webhook (connection_id, number) WHERE acknowledged_at IS NULL;
CREATE INDEX connection_webhook_done ON connection_webhook (connection_id, acknowledged_at)
    WHERE acknowledged_at IS NOT NULL;
