-- Refused uses --------------------------------------------------------------------------------------------------------

-- The time of a use that the provider refused with 401 and that no verification has followed. It and the next column are
-- measured by the database's clock.
ALTER TABLE connection_liveness ADD COLUMN refused_at INTEGER;
-- The time at which a process last began a verification because of such a use.
ALTER TABLE connection_liveness ADD COLUMN refusal_checked_at INTEGER;

-- The connections that are due for a verification because of such a use.
CREATE INDEX connection_liveness_refused ON connection_liveness (refused_at) WHERE refused_at IS NOT NULL;
