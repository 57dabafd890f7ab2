-- Due events ----------------------------------------------------------------------------------------------------------

-- The only row says that the operator gets messages about events.
CREATE TABLE connection_event_receiver (
    only_row     BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- The time at which a process last collected due events, by the database's clock and at most an hour too early.
    collected_at BIGINT NOT NULL
);

-- A row is an event whose message is not in connection_outbox yet. The transaction that records the event adds the row,
-- so an event that is committed late or by a process with a wrong clock is not overlooked.
CREATE TABLE connection_event_due (
    -- The id of the event in connection_event.
    event_id UUID NOT NULL PRIMARY KEY
);

-- Without a collection for 30 days, no more rows are added. The row of the receiver is read without a lock.
CREATE FUNCTION connection_event_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO connection_event_due (event_id)
    SELECT NEW.id FROM connection_event_receiver
    WHERE only_row = 1 AND collected_at > CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) - 30 * 86400;
    RETURN NULL;
END
$$;

-- The events about which src/outbox/message.rs makes messages.
CREATE TRIGGER connection_event_is_due AFTER INSERT ON connection_event
    FOR EACH ROW WHEN (NEW.kind IN ('connected', 'credential_rotated', 'expiring', 'imported', 'liveness_changed',
                                    'reauthorized', 'removed'))
    EXECUTE FUNCTION connection_event_is_due();

INSERT INTO connection_event_receiver (only_row, collected_at)
SELECT 1, CAST(floor(extract(epoch FROM clock_timestamp())) AS BIGINT) FROM connection_outbox_position;

-- Earlier versions remembered a position among the ids of events, which begin with a time in milliseconds. The events
-- from five minutes before the position on, or before now if the position is later, may lack a message.
INSERT INTO connection_event_due (event_id)
SELECT e.id FROM connection_event AS e
WHERE e.id > (
    SELECT CAST(rpad(lpad(to_hex(GREATEST(0, LEAST(
        CAST(CAST('x' || substr(replace(CAST(p.event_id AS TEXT), '-', ''), 1, 12) AS BIT(48)) AS BIGINT),
        CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)
    ) - 300000)), 12, '0'), 32, '0') AS UUID) FROM connection_outbox_position AS p
)
AND e.kind IN ('connected', 'credential_rotated', 'expiring', 'imported', 'liveness_changed', 'reauthorized', 'removed')
AND NOT EXISTS (SELECT 1 FROM connection_outbox AS o WHERE o.id = e.id);

DROP TABLE connection_outbox_position;

-- A message is now deleted when the receiver has accepted it.
DELETE FROM connection_outbox WHERE state = 'delivered';
