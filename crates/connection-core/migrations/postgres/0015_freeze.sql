-- Freezes -------------------------------------------------------------------------------------------------------------

-- The only row names what is frozen: connections, agents, owners and kinds whose credentials are neither used nor handed
-- out. A store in which this row is missing, edited or an earlier one is frozen as a whole.
CREATE TABLE connection_freeze (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The names of what is frozen, as JSON; see Frozen in src/frozen/what.rs.
    frozen TEXT   NOT NULL,
    -- Who froze and thawed what and when, as JSON: all that is frozen, and the last changes.
    notes  TEXT   NOT NULL,
    -- NULL until a program with the keys opens the store for the first time.
    mark   BYTEA
);

INSERT INTO connection_freeze (id, frozen, notes, mark) VALUES (1, '[]', '[]', NULL);

-- The payload of the notification is freeze.
CREATE FUNCTION connection_notify_freeze() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connection_changed', 'freeze');
    RETURN NULL;
END
$$;

CREATE TRIGGER connection_notify_freeze AFTER INSERT OR UPDATE OR DELETE ON connection_freeze
    FOR EACH STATEMENT EXECUTE FUNCTION connection_notify_freeze();
