-- Messages to the operator that are due at the same time are sent in the order of their ids.

DROP INDEX connection_outbox_due;
-- The events that are due.
CREATE INDEX connection_outbox_due ON connection_outbox (next_at, id) WHERE next_at IS NOT NULL;
