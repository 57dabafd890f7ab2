-- Keeps what providers send by themselves: the address of each connection, and its inbox.
--
-- An address outlives being switched off, without its hash and keys: the numbers of its inbox run on. An event stays until
-- it is acknowledged; of one that was, the digest is kept for a while, so that it is not taken for a new one.

CREATE TABLE connection_webhook_address (
    connection_id UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- NULL while it is switched off, as what is sealed is.
    token_hash    BYTEA  UNIQUE CHECK (length(token_hash) = 32),
    sealed        BYTEA,
    -- Grows with every change of what is sealed; whoever changes it names the one that was read.
    revision      BIGINT NOT NULL CHECK (revision >= 1),
    next_number   BIGINT NOT NULL DEFAULT 1 CHECK (next_number >= 1),
    -- Events that are not acknowledged.
    waiting       BIGINT NOT NULL DEFAULT 0 CHECK (waiting >= 0),
    CHECK ((token_hash IS NULL) = (sealed IS NULL))
);

CREATE INDEX connection_webhook_address_waiting ON connection_webhook_address (connection_id) WHERE waiting > 0;

CREATE TABLE connection_webhook (
    id              UUID   NOT NULL PRIMARY KEY,
    connection_id   UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- In the order in which they were stored, for each connection.
    number          BIGINT NOT NULL CHECK (number >= 1),
    -- A MAC of what the signature covers: the same twice is one event.
    digest          BYTEA  NOT NULL CHECK (length(digest) = 32),
    received_at     BIGINT NOT NULL,
    -- Until then somebody has it.
    claimed_until   BIGINT,
    acknowledged_at BIGINT,
    sealed          BYTEA,
    UNIQUE (connection_id, digest),
    UNIQUE (connection_id, number),
    CHECK ((acknowledged_at IS NULL) = (sealed IS NOT NULL))
);

CREATE INDEX connection_webhook_waiting ON connection_webhook (connection_id, number) WHERE acknowledged_at IS NULL;
CREATE INDEX connection_webhook_done ON connection_webhook (connection_id, acknowledged_at)
    WHERE acknowledged_at IS NOT NULL;

CREATE FUNCTION connection_notify_webhook() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('connection_changed', 'webhook:' || NEW.connection_id);
    RETURN NULL;
END
$$;

-- An event is news; so is that the next one's turn has come.
CREATE TRIGGER connection_notify_row AFTER INSERT ON connection_webhook
    FOR EACH ROW EXECUTE FUNCTION connection_notify_webhook();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_webhook
    FOR EACH ROW WHEN (OLD.acknowledged_at IS NULL AND NEW.acknowledged_at IS NOT NULL)
    EXECUTE FUNCTION connection_notify_webhook();
