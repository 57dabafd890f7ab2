-- The tables of a database of this version: the dump of all migrations, checked by a test.

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
    updated_at      INTEGER NOT NULL, config_revision INTEGER NOT NULL DEFAULT 0 CHECK (config_revision >= 0), usable_at INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, kind, label)
) STRICT;

CREATE INDEX connection_account_default ON connection_account (owner) WHERE is_default;

CREATE INDEX connection_account_identity ON connection_account (owner, kind, account_id, id);

CREATE INDEX connection_account_kind ON connection_account (owner, kind, id);

CREATE INDEX connection_account_of_kind ON connection_account (kind, id);

CREATE INDEX connection_account_owner ON connection_account (owner, id);

CREATE INDEX connection_account_profile ON connection_account (owner, kind, profile_id, id);

CREATE INDEX connection_account_usable ON connection_account (usable_at, id);

CREATE INDEX connection_account_usable_kind ON connection_account (owner, kind, usable_at, id);

CREATE INDEX connection_account_usable_owner ON connection_account (owner, usable_at, id);

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
    created_at     INTEGER NOT NULL, replaced_at INTEGER, account_id TEXT, account_label TEXT, config TEXT, renew_at INTEGER, authorized_until INTEGER, refreshed_at INTEGER, refresh_at INTEGER, refresh_failures INTEGER NOT NULL DEFAULT 0 CHECK (refresh_failures >= 0), refresh_reason TEXT, announced_at INTEGER, mark BLOB,
    PRIMARY KEY (connection_id, generation)
) STRICT;

CREATE INDEX connection_credential_authorized ON connection_credential (authorized_until)
    WHERE state = 'current' AND announced_at IS NULL AND authorized_until IS NOT NULL;

CREATE UNIQUE INDEX connection_credential_candidate ON connection_credential (connection_id) WHERE state = 'candidate';

CREATE UNIQUE INDEX connection_credential_current ON connection_credential (connection_id) WHERE state = 'current';

CREATE INDEX connection_credential_key ON connection_credential (key_id);

CREATE UNIQUE INDEX connection_credential_previous ON connection_credential (connection_id) WHERE state = 'previous';

CREATE INDEX connection_credential_refresh ON connection_credential (refresh_at)
    WHERE state = 'current' AND refresh_at IS NOT NULL;

CREATE INDEX connection_credential_valid ON connection_credential (valid_until)
    WHERE state = 'current' AND announced_at IS NULL AND valid_until IS NOT NULL;

CREATE TABLE connection_endpoint (
    token_hash BLOB    NOT NULL PRIMARY KEY CHECK (length(token_hash) = 32),
    owner      TEXT    NOT NULL,
    session_id BLOB    NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    used_at    INTEGER,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX connection_endpoint_session ON connection_endpoint (session_id);

CREATE TABLE connection_event (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner         TEXT    NOT NULL,
    connection_id BLOB    NOT NULL CHECK (length(connection_id) = 16),
    seq           INTEGER NOT NULL CHECK (seq >= 1),
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    chain         BLOB    NOT NULL CHECK (length(chain) = 32), generation INTEGER, facts BLOB,
    UNIQUE (connection_id, seq)
) STRICT;

CREATE INDEX connection_event_owner ON connection_event (owner, id);

CREATE TRIGGER connection_event_no_delete BEFORE DELETE ON connection_event
BEGIN
    SELECT RAISE(ABORT, 'connection_event is append-only');
END;

CREATE TRIGGER connection_event_no_update BEFORE UPDATE ON connection_event
BEGIN
    SELECT RAISE(ABORT, 'connection_event is append-only');
END;

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

CREATE INDEX connection_exchange_connection ON connection_exchange (connection_id) WHERE connection_id IS NOT NULL;

CREATE INDEX connection_exchange_open ON connection_exchange (node_id)
    WHERE state = 'intent' AND concluded_at IS NULL;

CREATE INDEX connection_exchange_session ON connection_exchange (session_id) WHERE session_id IS NOT NULL;

CREATE TABLE connection_exchange_look (
    key          BLOB    NOT NULL REFERENCES connection_exchange (key) ON DELETE CASCADE,
    -- The value of connection_exchange.replays during that attempt.
    attempt      INTEGER NOT NULL CHECK (attempt >= 0),
    boot_id      TEXT    NOT NULL,
    -- Seconds since that boot.
    boot_seconds INTEGER NOT NULL CHECK (boot_seconds >= 0),
    PRIMARY KEY (key, attempt, boot_id)
) STRICT;

CREATE TABLE connection_extension (
    owner       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    -- The provider that its requirement names.
    provider    TEXT    NOT NULL,
    -- The declaration, as the host gave it.
    source      TEXT    NOT NULL,
    -- Of the requirement that was checked: a setup that was begun for another one is refused.
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    added_at    INTEGER NOT NULL, mark BLOB,
    PRIMARY KEY (owner, name)
) STRICT;

CREATE TABLE connection_extension_choice (
    owner         TEXT NOT NULL,
    extension     TEXT NOT NULL,
    connection_id BLOB NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- As in 0018: it decides whose secret an extension is given.
    mark          BLOB NOT NULL,
    PRIMARY KEY (owner, extension)
) STRICT;

CREATE INDEX connection_extension_choice_connection ON connection_extension_choice (connection_id);

CREATE TABLE connection_extension_grant (
    owner         TEXT    NOT NULL,
    extension     TEXT    NOT NULL,
    connection_id BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- JSON: the names of the secrets.
    names         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER, mark BLOB,
    PRIMARY KEY (owner, extension, connection_id)
) STRICT;

CREATE INDEX connection_extension_grant_connection ON connection_extension_grant (connection_id);

CREATE TABLE connection_extension_preference (
    owner           TEXT    NOT NULL,
    extension       TEXT    NOT NULL,
    -- Empty for what all of the extension is set to.
    command         TEXT    NOT NULL,
    -- JSON: an object of name to value; empty once the extension was removed.
    body            TEXT    NOT NULL,
    -- Grows with every write.
    revision        INTEGER NOT NULL CHECK (revision >= 1),
    -- Grows with a write that changes what is public of the connection.
    public_revision INTEGER NOT NULL DEFAULT 0 CHECK (public_revision >= 0), mark BLOB,
    PRIMARY KEY (owner, extension, command)
) STRICT;

CREATE TABLE connection_extension_state (
    owner           TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    -- Of the requirement that was declared last, in any process; NULL once it was removed.
    fingerprint     BLOB    CHECK (length(fingerprint) = 32),
    -- As in connection_extension; NULL while it is not added.
    provider        TEXT,
    -- JSON: the public preferences of the declaration that was added last, with their defaults.
    public          TEXT,
    -- Grows when what those are to others becomes something else without a write of a preference.
    public_revision INTEGER NOT NULL DEFAULT 0 CHECK (public_revision >= 0), mark BLOB,
    PRIMARY KEY (owner, name)
) STRICT;

CREATE TABLE connection_extension_ticket (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner      TEXT    NOT NULL,
    extension  TEXT    NOT NULL,
    command    TEXT    NOT NULL,
    -- The setup that was begun for it, which may be gone.
    session_id BLOB    CHECK (length(session_id) = 16),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX connection_extension_ticket_age ON connection_extension_ticket (created_at);

CREATE INDEX connection_extension_ticket_extension ON connection_extension_ticket (owner, extension);

CREATE TABLE connection_keyset (
    -- There is one keyset: two first starts that insert at once agree on the first.
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    store_id BLOB    NOT NULL CHECK (length(store_id) = 16),
    revision INTEGER NOT NULL CHECK (revision >= 1),
    slot_a   BLOB,
    slot_b   BLOB, keys_revision INTEGER NOT NULL DEFAULT 1 CHECK (keys_revision >= 1),
    CHECK (slot_a IS NOT NULL OR slot_b IS NOT NULL)
) STRICT;

CREATE TABLE connection_kv (
    owner     TEXT NOT NULL,
    namespace TEXT NOT NULL,
    key       TEXT NOT NULL,
    value     TEXT,
    sealed    BLOB,
    PRIMARY KEY (owner, namespace, key),
    CHECK ((value IS NULL) <> (sealed IS NULL))
) STRICT;

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

CREATE TABLE connection_profile (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner       TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    -- Absolute and normalised.
    directory   TEXT    NOT NULL,
    is_default  INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)),
    -- Whether the directory was the one that the tool uses by itself, when it was written.
    is_implicit INTEGER NOT NULL DEFAULT 0 CHECK (is_implicit IN (0, 1)),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL, mark BLOB,
    UNIQUE (owner, kind, label),
    UNIQUE (owner, kind, directory),
    -- What a slot names is of its owner and kind.
    UNIQUE (owner, kind, id)
) STRICT;

CREATE UNIQUE INDEX connection_profile_default ON connection_profile (owner, kind) WHERE is_default;

CREATE UNIQUE INDEX connection_profile_implicit ON connection_profile (owner, kind) WHERE is_implicit;

CREATE TABLE connection_profile_slot (
    owner      TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    slot       TEXT    NOT NULL,
    -- It cannot go while a place names it: another identity would be used there without a word.
    profile_id BLOB    NOT NULL,
    updated_at INTEGER NOT NULL, mark BLOB,
    PRIMARY KEY (owner, kind, slot),
    FOREIGN KEY (owner, kind, profile_id) REFERENCES connection_profile (owner, kind, id)
) STRICT;

CREATE INDEX connection_profile_slot_profile ON connection_profile_slot (profile_id);

CREATE TABLE connection_row_event (
    owner   TEXT    NOT NULL,
    seq     INTEGER NOT NULL CHECK (seq >= 1),
    -- A MAC of the table and the primary key.
    subject BLOB    NOT NULL CHECK (length(subject) = 32),
    at      INTEGER NOT NULL,
    chain   BLOB    NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (owner, seq)
) STRICT;

CREATE INDEX connection_row_event_subject ON connection_row_event (owner, subject, seq);

CREATE TRIGGER connection_row_event_no_delete BEFORE DELETE ON connection_row_event
BEGIN
    SELECT RAISE(ABORT, 'connection_row_event is append-only');
END;

CREATE TRIGGER connection_row_event_no_update BEFORE UPDATE ON connection_row_event
BEGIN
    SELECT RAISE(ABORT, 'connection_row_event is append-only');
END;

CREATE TABLE connection_setup (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner         TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    -- Of the connection that comes of it; there is none before the session is done.
    connection_id BLOB    NOT NULL CHECK (length(connection_id) = 16),
    -- The variants of SetupState in src/store/rows/setup.rs.
    state         TEXT    NOT NULL CHECK (state IN ('running', 'waiting', 'done', 'failed', 'cancelled')),
    step_seq      INTEGER NOT NULL DEFAULT 0 CHECK (step_seq >= 0),
    sealed_header BLOB,
    sealed_step   BLOB,
    lease_owner   TEXT,
    lease_until   INTEGER,
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX connection_setup_connection ON connection_setup (connection_id) WHERE state IN ('running', 'waiting');

CREATE INDEX connection_setup_expiry ON connection_setup (expires_at);

CREATE INDEX connection_setup_lease ON connection_setup (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE INDEX connection_setup_open ON connection_setup (owner, id) WHERE state IN ('running', 'waiting');

CREATE INDEX connection_setup_unended ON connection_setup (id) WHERE state IN ('running', 'waiting');

CREATE TRIGGER connection_setup_end AFTER UPDATE OF state ON connection_setup
WHEN NEW.state IN ('done', 'failed', 'cancelled')
BEGIN
    DELETE FROM connection_setup_effect WHERE session_id = NEW.id;
    DELETE FROM connection_setup_input WHERE session_id = NEW.id;
    DELETE FROM connection_exchange WHERE session_id = NEW.id;
END;

CREATE TABLE connection_setup_effect (
    session_id BLOB    NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    seq        INTEGER NOT NULL CHECK (seq >= 0),
    sealed     BLOB    NOT NULL,
    PRIMARY KEY (session_id, seq)
) STRICT;

CREATE TABLE connection_setup_input (
    session_id BLOB NOT NULL REFERENCES connection_setup (id) ON DELETE CASCADE,
    id         BLOB NOT NULL CHECK (length(id) = 16),
    sealed     BLOB NOT NULL,
    PRIMARY KEY (session_id, id)
) STRICT;

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

CREATE INDEX connection_webhook_done ON connection_webhook (connection_id, acknowledged_at)
    WHERE acknowledged_at IS NOT NULL;

CREATE INDEX connection_webhook_waiting ON connection_webhook (connection_id, number) WHERE acknowledged_at IS NULL;

CREATE TABLE connection_webhook_address (
    connection_id BLOB    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- NULL while it is switched off, as what is sealed is.
    token_hash    BLOB    UNIQUE CHECK (length(token_hash) = 32),
    sealed        BLOB,
    -- Grows with every change of what is sealed; whoever changes it names the one that was read.
    revision      INTEGER NOT NULL CHECK (revision >= 1),
    next_number   INTEGER NOT NULL DEFAULT 1 CHECK (next_number >= 1),
    -- Events that are not acknowledged.
    waiting       INTEGER NOT NULL DEFAULT 0 CHECK (waiting >= 0), tested_at INTEGER, tested_url TEXT
    CHECK ((tested_url IS NULL) = (tested_at IS NULL)), tested_generation INTEGER
    CHECK (tested_generation IS NULL OR tested_at IS NOT NULL), test_failure TEXT
    CHECK (test_failure IS NULL OR tested_at IS NOT NULL), waiting_bytes INTEGER NOT NULL DEFAULT 0 CHECK (waiting_bytes >= 0),
    CHECK ((token_hash IS NULL) = (sealed IS NULL))
) STRICT;

CREATE INDEX connection_webhook_address_waiting ON connection_webhook_address (connection_id) WHERE waiting > 0;
