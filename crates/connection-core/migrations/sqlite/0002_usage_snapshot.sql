-- Usage snapshots -----------------------------------------------------------------------------------------------------

-- A row is the usage of an account that any process fetched last, so that each process can show it. The row of an
-- account that the connection no longer has stays until the next fetch, and is not read.
CREATE TABLE connection_usage_snapshot (
    connection_id BLOB    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The id of the account at the provider.
    account       TEXT    NOT NULL,
    fetched_at    INTEGER NOT NULL,
    -- The metrics and the time at which the provider measured them, in the JSON of docs/spec/usage.md. The provider's
    -- raw answer is left out.
    snapshot      TEXT    NOT NULL
) STRICT;
