-- Keeps which connection an extension uses where a person chose one for it alone. It goes with its connection.

CREATE TABLE connection_extension_choice (
    owner         TEXT NOT NULL,
    extension     TEXT NOT NULL,
    connection_id BLOB NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- As in 0018: it decides whose secret an extension is given.
    mark          BLOB NOT NULL,
    PRIMARY KEY (owner, extension)
) STRICT;

CREATE INDEX connection_extension_choice_connection ON connection_extension_choice (connection_id);
