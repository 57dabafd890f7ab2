-- Keeps what extensions are: who was added, what a person lets each one use, what it is set to, and what it waits for.
--
-- Nothing here is a secret. A grant goes with its connection; what was revoked is kept, so that a person sees it.

-- Grows when the public configuration of a connection becomes another one.
ALTER TABLE connection_account ADD COLUMN config_revision INTEGER NOT NULL DEFAULT 0 CHECK (config_revision >= 0);

CREATE TABLE connection_extension (
    owner       TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    -- The provider that its requirement names.
    provider    TEXT    NOT NULL,
    -- The declaration, as the host gave it.
    source      TEXT    NOT NULL,
    -- Of the requirement that was checked: a setup that was begun for another one is refused.
    fingerprint BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    added_at    INTEGER NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT;

-- What is known of every extension that was added or connected for; it stays when one is removed, so that what counts its
-- changes never begins again.
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
    public_revision INTEGER NOT NULL DEFAULT 0 CHECK (public_revision >= 0),
    PRIMARY KEY (owner, name)
) STRICT;

CREATE TABLE connection_extension_grant (
    owner         TEXT    NOT NULL,
    extension     TEXT    NOT NULL,
    connection_id BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- JSON: the names of the secrets.
    names         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    revoked_at    INTEGER,
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
    public_revision INTEGER NOT NULL DEFAULT 0 CHECK (public_revision >= 0),
    PRIMARY KEY (owner, extension, command)
) STRICT;

-- Where an extension goes on once a person has dealt with what it was handed off for.
CREATE TABLE connection_extension_ticket (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner      TEXT    NOT NULL,
    extension  TEXT    NOT NULL,
    command    TEXT    NOT NULL,
    -- The setup that was begun for it, which may be gone.
    session_id BLOB    CHECK (length(session_id) = 16),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX connection_extension_ticket_extension ON connection_extension_ticket (owner, extension);
CREATE INDEX connection_extension_ticket_age ON connection_extension_ticket (created_at);
