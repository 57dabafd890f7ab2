-- Records what happened to each connection, in the transaction in which it happened.
--
-- Rows outlive their connection and are never changed: each one's chain is a MAC over the one before and its own
-- fields, which an edit made past the triggers breaks.

CREATE TABLE connection_event (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner         TEXT    NOT NULL,
    connection_id BLOB    NOT NULL CHECK (length(connection_id) = 16),
    seq           INTEGER NOT NULL CHECK (seq >= 1),
    at            INTEGER NOT NULL,
    kind          TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    chain         BLOB    NOT NULL CHECK (length(chain) = 32),
    UNIQUE (connection_id, seq)
) STRICT;

CREATE TRIGGER connection_event_no_update BEFORE UPDATE ON connection_event
BEGIN
    SELECT RAISE(ABORT, 'connection_event is append-only');
END;

CREATE TRIGGER connection_event_no_delete BEFORE DELETE ON connection_event
BEGIN
    SELECT RAISE(ABORT, 'connection_event is append-only');
END;
