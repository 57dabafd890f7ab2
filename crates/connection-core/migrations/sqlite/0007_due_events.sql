-- Due events ----------------------------------------------------------------------------------------------------------

-- The only row says that the operator gets messages about events.
CREATE TABLE connection_event_receiver (
    only_row     INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- The time at which a process last collected due events, by the database's clock and at most an hour too early.
    collected_at INTEGER NOT NULL
) STRICT;

-- A row is an event whose message is not in connection_outbox yet. The transaction that records the event adds the row,
-- so an event that is committed late or by a process with a wrong clock is not overlooked.
CREATE TABLE connection_event_due (
    -- The id of the event in connection_event.
    event_id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The events about which src/outbox/message.rs makes messages. Without a collection for 30 days, no more rows are
-- added.
CREATE TRIGGER connection_event_is_due AFTER INSERT ON connection_event
WHEN NEW.kind IN ('connected', 'credential_rotated', 'expiring', 'imported', 'liveness_changed', 'reauthorized',
                  'removed')
BEGIN
    INSERT INTO connection_event_due (event_id)
    SELECT NEW.id FROM connection_event_receiver WHERE only_row = 1 AND collected_at > unixepoch() - 30 * 86400;
END;

INSERT INTO connection_event_receiver (only_row, collected_at)
SELECT 1, unixepoch() FROM connection_outbox_position;

-- Earlier versions remembered a position among the ids of events, which begin with a time in milliseconds. The events
-- from five minutes before the position on, or before now if the position is later, may lack a message.
INSERT INTO connection_event_due (event_id)
WITH RECURSIVE digits (count, milliseconds) AS (
    SELECT 0, 0
    UNION ALL
    SELECT count + 1, milliseconds * 16 + instr('123456789ABCDEF', substr(hex(p.event_id), count + 1, 1))
    FROM digits, connection_outbox_position AS p WHERE count < 12
)
SELECT e.id FROM connection_event AS e
WHERE e.id > (
    SELECT unhex(printf('%012x', max(0, min(milliseconds, unixepoch() * 1000) - 300000)) || printf('%020d', 0))
    FROM digits WHERE count = 12
)
AND e.kind IN ('connected', 'credential_rotated', 'expiring', 'imported', 'liveness_changed', 'reauthorized', 'removed')
AND NOT EXISTS (SELECT 1 FROM connection_outbox AS o WHERE o.id = e.id);

DROP TABLE connection_outbox_position;

-- A message is now deleted when the receiver has accepted it.
DELETE FROM connection_outbox WHERE state = 'delivered';
