-- Tags ----------------------------------------------------------------------------------------------------------------

-- The tags that a host has set on the connection, as a JSON object of texts. NULL for none.
ALTER TABLE connection_account ADD COLUMN tags TEXT;

-- The same tags, one in each row, so that the connections with a tag are found and listed in the order of lists.
CREATE TABLE connection_tag (
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    name          TEXT   NOT NULL,
    value         TEXT   NOT NULL,
    owner         TEXT   NOT NULL,
    -- The position of the connection in lists, which never changes.
    usable_at     BIGINT NOT NULL,
    PRIMARY KEY (connection_id, name)
);

CREATE INDEX connection_tag_value ON connection_tag (owner, name, value, usable_at, connection_id);

-- Attention -----------------------------------------------------------------------------------------------------------

-- A row says whether the operator was last told that the connection needs a person.
CREATE TABLE connection_attention (
    connection_id UUID    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The number of the last event that was considered.
    number        BIGINT  NOT NULL,
    is_needed     BOOLEAN NOT NULL
);

-- The operator was told of these by the former version.
INSERT INTO connection_attention (connection_id, number, is_needed)
SELECT l.connection_id, 0, TRUE FROM connection_liveness AS l
WHERE l.liveness = 'failing' AND EXISTS (SELECT 1 FROM connection_event_receiver);

-- A rollback may make a connection work again, so it becomes due as well.
DROP TRIGGER connection_event_is_due ON connection_event;

-- The events about which src/outbox/message.rs makes messages.
CREATE TRIGGER connection_event_is_due AFTER INSERT ON connection_event
    FOR EACH ROW WHEN (NEW.kind IN ('connected', 'credential_rotated', 'expiring', 'imported', 'liveness_changed',
                                    'reauthorized', 'removed', 'rolled_back'))
    EXECUTE FUNCTION connection_event_is_due();
