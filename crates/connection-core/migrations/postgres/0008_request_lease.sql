-- Requests that are sent again ----------------------------------------------------------------------------------------

-- The attempt that carries the request out, and until when. NULL if no process does.
ALTER TABLE connection_access_token_request ADD COLUMN lease_owner TEXT;

ALTER TABLE connection_access_token_request ADD COLUMN lease_until BIGINT;

-- Whether the request has made everything. Otherwise, `made` holds what it has made so far, separated by commas.
ALTER TABLE connection_access_token_request ADD COLUMN is_whole BOOLEAN NOT NULL DEFAULT FALSE;

UPDATE connection_access_token_request SET is_whole = TRUE WHERE made IS NOT NULL;

-- The former version did not note what an interrupted request had made, so these are not carried out again.
UPDATE connection_access_token_request SET made = '' WHERE made IS NULL;
