-- Records setup sessions: where each stands, what it did, and what has reached it from outside.
--
-- The number of an effect is the fence: of two runs of one session, one inserts it and the other stops.

CREATE TABLE connection_setup (
    id            UUID   NOT NULL PRIMARY KEY,
    owner         TEXT   NOT NULL,
    kind          TEXT   NOT NULL,
    -- Of the connection that comes of it; there is none before the session is done.
    connection_id UUID   NOT NULL,
    -- The variants of SetupState in src/store/rows/setup.rs.
    state         TEXT   NOT NULL CHECK (state IN ('running', 'waiting', 'done', 'failed', 'cancelled')),
    step_seq      BIGINT NOT NULL DEFAULT 0 CHECK (step_seq >= 0),
    sealed_header BYTEA,
    sealed_step   BYTEA,
    lease_owner   TEXT,
    lease_until   BIGINT,
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE INDEX connection_setup_expiry ON connection_setup (expires_at);
CREATE INDEX connection_setup_open ON connection_setup (owner, id) WHERE state IN ('running', 'waiting');

CREATE TABLE connection_setup_effect (
    session_id UUID   NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    seq        BIGINT NOT NULL CHECK (seq >= 0),
    sealed     BYTEA  NOT NULL,
    PRIMARY KEY (session_id, seq)
);

CREATE TABLE connection_setup_input (
    session_id UUID  NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    id         UUID  NOT NULL,
    sealed     BYTEA NOT NULL,
    PRIMARY KEY (session_id, id)
);

-- Where a callback finds its session: only the hash of its token is kept, and it works once.
CREATE TABLE connection_endpoint (
    token_hash BYTEA  NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    owner      TEXT   NOT NULL,
    session_id UUID   NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    used_at    BIGINT,
    expires_at BIGINT NOT NULL
);

CREATE INDEX connection_endpoint_session ON connection_endpoint (session_id);
