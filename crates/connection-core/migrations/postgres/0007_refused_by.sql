-- The answer to the use of refused_at: the provider's host and the status, such as "api.github.com answered 401
-- Unauthorized". It counts only with refused_at, and is NULL if no answer was the reason.
ALTER TABLE connection_liveness ADD COLUMN refused_by TEXT;
