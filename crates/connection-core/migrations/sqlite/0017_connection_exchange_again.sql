-- Lets what was spent and not clearly answered be sent again as often as needed, each time after a proof and a quarantine.
--
-- SQLite cannot change a CHECK, so the table is made anew. No other table refers to it yet.

DROP INDEX connection_exchange_connection;
DROP INDEX connection_exchange_session;
ALTER TABLE connection_exchange RENAME TO connection_exchange_before;

CREATE TABLE connection_exchange (
    -- An HMAC of what is spent and of whom it belongs to; never of the request.
    key           BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    -- One of the two.
    connection_id BLOB    REFERENCES connection_account (id) ON DELETE CASCADE,
    session_id    BLOB    REFERENCES connection_setup (id) ON DELETE CASCADE,
    -- The machine and the process that sent it last; without a node nobody can prove that the process is gone.
    node_id       TEXT,
    process_id    TEXT    NOT NULL,
    -- When the first attempt began, and the last one.
    begun_at      INTEGER NOT NULL,
    sent_at       INTEGER NOT NULL,
    -- The last sign of life of the process that sent it, while the exchange is open.
    seen_at       INTEGER NOT NULL,
    -- Since when it is known that nobody sends it any more, while there is no clear answer.
    concluded_at  INTEGER,
    -- Seconds that the provider asked to be left alone after the last attempt.
    retry_after   INTEGER NOT NULL DEFAULT 0 CHECK (retry_after >= 0),
    -- The variants of ExchangeState in src/store/rows/exchange.rs.
    state         TEXT    NOT NULL CHECK (state IN ('intent', 'answered')),
    -- The number of attempts before the last one. It is counted before the request leaves.
    replays       INTEGER NOT NULL DEFAULT 0 CHECK (replays >= 0),
    sealed        BLOB,
    CHECK ((connection_id IS NULL) <> (session_id IS NULL)),
    CHECK ((state = 'answered') = (sealed IS NOT NULL))
) STRICT;

INSERT INTO connection_exchange
    (key, connection_id, session_id, node_id, process_id, begun_at, sent_at, seen_at, concluded_at, state, replays, sealed)
    SELECT key, connection_id, session_id, node_id, process_id, sent_at, sent_at, sent_at, concluded_at, state, replays,
        sealed
    FROM connection_exchange_before;

DROP TABLE connection_exchange_before;

CREATE INDEX connection_exchange_connection ON connection_exchange (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX connection_exchange_session ON connection_exchange (session_id) WHERE session_id IS NOT NULL;
-- Serves each node's look at the attempts of its own processes.
CREATE INDEX connection_exchange_open ON connection_exchange (node_id)
    WHERE state = 'intent' AND concluded_at IS NULL;

-- When each boot of a machine first saw that an attempt is over: a quarantine is measured from then, by the time of that
-- boot, which nobody can set.
CREATE TABLE connection_exchange_look (
    key          BLOB    NOT NULL REFERENCES connection_exchange (key) ON DELETE CASCADE,
    -- The value of connection_exchange.replays during that attempt.
    attempt      INTEGER NOT NULL CHECK (attempt >= 0),
    boot_id      TEXT    NOT NULL,
    -- Seconds since that boot.
    boot_seconds INTEGER NOT NULL CHECK (boot_seconds >= 0),
    PRIMARY KEY (key, attempt, boot_id)
) STRICT;
