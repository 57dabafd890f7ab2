-- What a process that died in a refresh leaves for others.

-- The name of the machine that sent the last attempt, for the message about a machine that gives no sign of life.
ALTER TABLE connection_exchange ADD COLUMN machine TEXT;

-- The processes that hold a lease of a refresh. Their lock files stay, so that others see that they have ended.
CREATE INDEX connection_liveness_leased ON connection_liveness (lease_owner) WHERE lease_owner IS NOT NULL;
