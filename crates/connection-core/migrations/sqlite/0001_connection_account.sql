-- Records what is connected, as whom, and with which credential.
--
-- Each life cycle has its own table: the connection as people know it, the credentials that it had, and what was last
-- seen of it. Losing a row of connection_liveness costs one probe and nothing else.

CREATE TABLE connection_account (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner           TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    profile_id      TEXT,
    label           TEXT    NOT NULL,
    account_id      TEXT    NOT NULL,
    account_label   TEXT    NOT NULL,
    is_default      INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
    config          TEXT    NOT NULL,
    -- Grows with every change of the row; guards nothing.
    revision        INTEGER NOT NULL DEFAULT 1 CHECK (revision >= 1),
    -- The current credential's generation; 0 before there is one.
    generation      INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
    -- Numbers below it are used up, also by credentials that never became current.
    next_generation INTEGER NOT NULL DEFAULT 1 CHECK (next_generation > generation),
    -- The variants of AccountState in src/store/rows/account.rs.
    state           TEXT    NOT NULL CHECK (state IN ('active', 'removing')),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (owner, kind, label)
) STRICT;

CREATE INDEX connection_account_owner ON connection_account (owner, id);
CREATE INDEX connection_account_identity ON connection_account (owner, kind, account_id);

CREATE TABLE connection_credential (
    connection_id  BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    generation     INTEGER NOT NULL CHECK (generation >= 1),
    -- The variants of CredentialState in src/store/rows/credential.rs.
    state          TEXT    NOT NULL CHECK (state IN ('candidate', 'current', 'previous')),
    sealed         BLOB    NOT NULL,
    key_id         BLOB    NOT NULL CHECK (length(key_id) = 8),
    secret_names   TEXT    NOT NULL,
    granted_scopes TEXT,
    valid_until    INTEGER,
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (connection_id, generation)
) STRICT;

CREATE UNIQUE INDEX connection_credential_candidate ON connection_credential (connection_id) WHERE state = 'candidate';
CREATE UNIQUE INDEX connection_credential_current ON connection_credential (connection_id) WHERE state = 'current';
CREATE UNIQUE INDEX connection_credential_previous ON connection_credential (connection_id) WHERE state = 'previous';
CREATE INDEX connection_credential_key ON connection_credential (key_id);

CREATE TABLE connection_liveness (
    connection_id BLOB    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    liveness      TEXT    NOT NULL,
    reason        TEXT,
    -- The credential with which this was measured.
    generation    INTEGER NOT NULL CHECK (generation >= 0),
    checked_at    INTEGER,
    next_check_at INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0),
    lease_owner   TEXT,
    lease_until   INTEGER,
    fence         INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX connection_liveness_due ON connection_liveness (next_check_at) WHERE next_check_at IS NOT NULL;
