-- Lacking scopes ------------------------------------------------------------------------------------------------------

-- A row holds the scopes that a provider named when it refused a request of an extension for lack of them, since the
-- connection was authorized last.
CREATE TABLE connection_lacking_scope (
    owner         TEXT NOT NULL,
    extension     TEXT NOT NULL,
    connection_id BLOB NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The scopes, as JSON.
    scopes        TEXT NOT NULL,
    PRIMARY KEY (owner, extension, connection_id)
) STRICT;

CREATE INDEX connection_lacking_scope_connection ON connection_lacking_scope (connection_id);
