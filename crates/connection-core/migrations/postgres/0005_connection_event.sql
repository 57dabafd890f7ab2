-- Records what happened to each connection, in the transaction in which it happened.
--
-- Rows outlive their connection and are never changed: each one's chain is a MAC over the one before and its own
-- fields, which an edit made past the triggers breaks.

CREATE TABLE connection_event (
    id            UUID   NOT NULL PRIMARY KEY,
    owner         TEXT   NOT NULL,
    connection_id UUID   NOT NULL,
    seq           BIGINT NOT NULL CHECK (seq >= 1),
    at            BIGINT NOT NULL,
    kind          TEXT   NOT NULL,
    body          TEXT   NOT NULL,
    chain         BYTEA  NOT NULL CHECK (length(chain) = 32),
    UNIQUE (connection_id, seq)
);

CREATE FUNCTION connection_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'connection_event is append-only';
END
$$;

CREATE TRIGGER connection_event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON connection_event
FOR EACH STATEMENT EXECUTE FUNCTION connection_event_is_append_only();
