-- Lets the program tell a row that it wrote from one that somebody edited or put back without the key.
--
-- An event of a connection says how its row stands from then on. A row of the other tables carries a mark: 32 bytes that
-- name it, the number of its newest row event, and a MAC over both and the columns that decide something. Rows from before
-- have none, and are refused until they are written again: no rule adopts them, since an editor could take a mark away.

-- The current credential from this event on; 0 once the connection is removed.
ALTER TABLE connection_event ADD COLUMN generation BIGINT;
-- A MAC over what the row of the connection says otherwise; empty once it is removed.
ALTER TABLE connection_event ADD COLUMN facts BYTEA;

ALTER TABLE connection_credential ADD COLUMN mark BYTEA;
ALTER TABLE connection_extension ADD COLUMN mark BYTEA;
ALTER TABLE connection_extension_grant ADD COLUMN mark BYTEA;
ALTER TABLE connection_extension_preference ADD COLUMN mark BYTEA;
ALTER TABLE connection_extension_state ADD COLUMN mark BYTEA;
ALTER TABLE connection_profile ADD COLUMN mark BYTEA;
ALTER TABLE connection_profile_slot ADD COLUMN mark BYTEA;

-- That a row was written or deleted; never changed, and chained for each owner.
CREATE TABLE connection_row_event (
    owner   TEXT   NOT NULL,
    seq     BIGINT NOT NULL CHECK (seq >= 1),
    -- A MAC of the table and the primary key.
    subject BYTEA  NOT NULL CHECK (length(subject) = 32),
    at      BIGINT NOT NULL,
    chain   BYTEA  NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (owner, seq)
);

CREATE INDEX connection_row_event_subject ON connection_row_event (owner, subject, seq);

CREATE FUNCTION connection_row_event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'connection_row_event is append-only';
END
$$;

CREATE TRIGGER connection_row_event_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON connection_row_event
FOR EACH STATEMENT EXECUTE FUNCTION connection_row_event_is_append_only();
