-- Usage that a session reported ---------------------------------------------------------------------------------------

-- A row is a time window that a running session of a local tool reported of its account, until the window ends or a
-- fetch measures it. The rows of an account that the connection no longer has are not read.
CREATE TABLE connection_usage_window (
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    metric        TEXT   NOT NULL,
    -- The id of the account at the provider.
    account       TEXT   NOT NULL,
    reported_at   BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    -- The metric, in the JSON of docs/spec/usage.md.
    body          TEXT   NOT NULL,
    PRIMARY KEY (connection_id, metric)
);

CREATE TRIGGER connection_notify_change AFTER INSERT OR UPDATE ON connection_usage_window
    FOR EACH ROW EXECUTE FUNCTION connection_notify_usage();
