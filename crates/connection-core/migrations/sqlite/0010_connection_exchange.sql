-- Records requests that spend something, so that nothing is spent twice and no answer is lost.
--
-- A row is committed before the request leaves; the answer is put into it before a plugin sees it.

CREATE TABLE connection_exchange (
    -- An HMAC of what is spent and of whom it belongs to; never of the request.
    key           BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    -- One of the two.
    connection_id BLOB    REFERENCES connection_account (id) ON DELETE CASCADE,
    session_id    BLOB    REFERENCES connection_setup (id) ON DELETE CASCADE,
    -- On which machine and in which process it was sent; without a node nobody can prove that the process is gone.
    node_id       TEXT,
    process_id    TEXT    NOT NULL,
    sent_at       INTEGER NOT NULL,
    -- Since when it is known that nobody sends it any more, while there is no answer: then its bytes die, too.
    concluded_at  INTEGER,
    -- The variants of ExchangeState in src/store/rows/exchange.rs.
    state         TEXT    NOT NULL CHECK (state IN ('intent', 'answered')),
    -- Counted before it is sent again.
    replays       INTEGER NOT NULL DEFAULT 0 CHECK (replays IN (0, 1)),
    sealed        BLOB,
    CHECK ((connection_id IS NULL) <> (session_id IS NULL)),
    CHECK ((state = 'answered') = (sealed IS NOT NULL))
) STRICT;

CREATE INDEX connection_exchange_connection ON connection_exchange (connection_id) WHERE connection_id IS NOT NULL;
CREATE INDEX connection_exchange_session ON connection_exchange (session_id) WHERE session_id IS NOT NULL;
