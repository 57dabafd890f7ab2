-- Records what is connected, as whom, and with which credential.
--
-- Each life cycle has its own table: the connection as people know it, the credentials that it had, and what was last
-- seen of it. Losing a row of connection_liveness costs one probe and nothing else.

CREATE TABLE connection_account (
    id              UUID    NOT NULL PRIMARY KEY,
    owner           TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    profile_id      TEXT,
    label           TEXT    NOT NULL,
    account_id      TEXT    NOT NULL,
    account_label   TEXT    NOT NULL,
    is_default      BOOLEAN NOT NULL DEFAULT FALSE,
    config          TEXT    NOT NULL,
    -- Grows with every change of the row; guards nothing.
    revision        BIGINT  NOT NULL DEFAULT 1 CHECK (revision >= 1),
    -- The current credential's generation; 0 before there is one.
    generation      BIGINT  NOT NULL DEFAULT 0 CHECK (generation >= 0),
    -- Numbers below it are used up, also by credentials that never became current.
    next_generation BIGINT  NOT NULL DEFAULT 1 CHECK (next_generation > generation),
    -- The variants of AccountState in src/store/rows/account.rs.
    state           TEXT    NOT NULL CHECK (state IN ('active', 'removing')),
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL,
    UNIQUE (owner, kind, label)
);

CREATE INDEX connection_account_owner ON connection_account (owner, id);
CREATE INDEX connection_account_identity ON connection_account (owner, kind, account_id);

CREATE TABLE connection_credential (
    connection_id  UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    generation     BIGINT NOT NULL CHECK (generation >= 1),
    -- The variants of CredentialState in src/store/rows/credential.rs.
    state          TEXT   NOT NULL CHECK (state IN ('candidate', 'current', 'previous')),
    sealed         BYTEA  NOT NULL,
    key_id         BYTEA  NOT NULL CHECK (length(key_id) = 8),
    secret_names   TEXT   NOT NULL,
    granted_scopes TEXT,
    valid_until    BIGINT,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (connection_id, generation)
);

CREATE UNIQUE INDEX connection_credential_candidate ON connection_credential (connection_id) WHERE state = 'candidate';
CREATE UNIQUE INDEX connection_credential_current ON connection_credential (connection_id) WHERE state = 'current';
CREATE UNIQUE INDEX connection_credential_previous ON connection_credential (connection_id) WHERE state = 'previous';
CREATE INDEX connection_credential_key ON connection_credential (key_id);

CREATE TABLE connection_liveness (
    connection_id UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    liveness      TEXT   NOT NULL,
    reason        TEXT,
    -- The credential with which this was measured.
    generation    BIGINT NOT NULL CHECK (generation >= 0),
    checked_at    BIGINT,
    next_check_at BIGINT,
    failures      BIGINT NOT NULL DEFAULT 0 CHECK (failures >= 0),
    lease_owner   TEXT,
    lease_until   BIGINT,
    fence         BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX connection_liveness_due ON connection_liveness (next_check_at) WHERE next_check_at IS NOT NULL;
