-- Restored stores -----------------------------------------------------------------------------------------------------

-- Set when the credential came from a backup and its refresh token may be used up since: 'used' if the replaced store
-- shows that, 'unknown' if nothing does. The credential is then refreshed only after a person asks for it, which clears
-- this column. NULL for all other credentials.
ALTER TABLE connection_credential ADD COLUMN restored TEXT CHECK (restored IN ('used', 'unknown'));
