-- Asked origins -------------------------------------------------------------------------------------------------------

-- The origin that the last verification asked, and the time from which an answer of it makes the connection due for
-- another one. The time is NULL if none does.
ALTER TABLE connection_liveness ADD COLUMN probe_origin TEXT;

ALTER TABLE connection_liveness ADD COLUMN probe_from BIGINT;

-- The end of a pause that the provider asked for at the last verification.
ALTER TABLE connection_liveness ADD COLUMN paused_until BIGINT;

-- The same origin and time for the last refresh.
ALTER TABLE connection_liveness ADD COLUMN refresh_origin TEXT;

ALTER TABLE connection_liveness ADD COLUMN refresh_from BIGINT;

-- The connections that wait for an answer of an origin.
CREATE INDEX connection_liveness_probe ON connection_liveness (probe_origin, connection_id)
    WHERE probe_from IS NOT NULL;

CREATE INDEX connection_liveness_refresh ON connection_liveness (refresh_origin, connection_id)
    WHERE refresh_from IS NOT NULL;
