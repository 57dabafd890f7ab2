-- Orders lists by when connections became usable, so that one whose setup was begun early and ended late is not before
-- those that were listed already.

-- Microseconds, and always more than those of every connection that was stored before.
ALTER TABLE connection_account ADD COLUMN usable_at BIGINT NOT NULL DEFAULT 0;
UPDATE connection_account SET usable_at = created_at * 1000000 WHERE created_at BETWEEN 0 AND 9000000000000;

CREATE INDEX connection_account_usable ON connection_account (usable_at, id);
CREATE INDEX connection_account_usable_owner ON connection_account (owner, usable_at, id);
CREATE INDEX connection_account_usable_kind ON connection_account (owner, kind, usable_at, id);
