-- Lets what was spent and not clearly answered be sent again as often as needed, each time after a proof and a quarantine.

ALTER TABLE connection_exchange DROP CONSTRAINT connection_exchange_replays_check;
-- The number of attempts before the last one. It is counted before the request leaves.
ALTER TABLE connection_exchange ADD CONSTRAINT connection_exchange_replays_check CHECK (replays >= 0);

-- When the first attempt began; sent_at is when the last one did.
ALTER TABLE connection_exchange ADD COLUMN begun_at BIGINT;
-- The last sign of life of the process that sent it, while the exchange is open.
ALTER TABLE connection_exchange ADD COLUMN seen_at BIGINT;
-- Seconds that the provider asked to be left alone after the last attempt.
ALTER TABLE connection_exchange ADD COLUMN retry_after BIGINT NOT NULL DEFAULT 0 CHECK (retry_after >= 0);
UPDATE connection_exchange SET begun_at = sent_at, seen_at = sent_at;
ALTER TABLE connection_exchange ALTER COLUMN begun_at SET NOT NULL, ALTER COLUMN seen_at SET NOT NULL;

-- Serves each node's look at the attempts of its own processes.
CREATE INDEX connection_exchange_open ON connection_exchange (node_id)
    WHERE state = 'intent' AND concluded_at IS NULL;

-- When each boot of a machine first saw that an attempt is over: a quarantine is measured from then, by the time of that
-- boot, which nobody can set.
CREATE TABLE connection_exchange_look (
    key          BYTEA  NOT NULL REFERENCES connection_exchange (key) ON DELETE CASCADE,
    -- The value of connection_exchange.replays during that attempt.
    attempt      BIGINT NOT NULL CHECK (attempt >= 0),
    boot_id      TEXT   NOT NULL,
    -- Seconds since that boot.
    boot_seconds BIGINT NOT NULL CHECK (boot_seconds >= 0),
    PRIMARY KEY (key, attempt, boot_id)
);
