-- Usage that a session reported ---------------------------------------------------------------------------------------

-- A row is a time window that a running session of a local tool reported of its account, until the window ends or a
-- fetch measures it. The rows of an account that the connection no longer has are not read.
CREATE TABLE connection_usage_window (
    connection_id BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    metric        TEXT    NOT NULL,
    -- The id of the account at the provider.
    account       TEXT    NOT NULL,
    reported_at   INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL,
    -- The metric, in the JSON of docs/spec/usage.md.
    body          TEXT    NOT NULL,
    PRIMARY KEY (connection_id, metric)
) STRICT;
