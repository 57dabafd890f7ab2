-- Counts the bytes of the events that wait in an inbox, which is bounded in bytes as well as in events.

ALTER TABLE connection_webhook_address ADD COLUMN waiting_bytes BIGINT NOT NULL DEFAULT 0 CHECK (waiting_bytes >= 0);

-- An event that was set aside has a claim without an end, and does not wait.
UPDATE connection_webhook_address SET waiting_bytes = COALESCE((
    SELECT SUM(LENGTH(w.sealed)) FROM connection_webhook AS w
    WHERE w.connection_id = connection_webhook_address.connection_id AND w.acknowledged_at IS NULL
    AND (w.claimed_until IS NULL OR w.claimed_until < 9223372036854775807)), 0);
