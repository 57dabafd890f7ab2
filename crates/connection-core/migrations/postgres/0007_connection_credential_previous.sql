-- Keeps with a credential that another took the place of what the connection was by it, so that going back to it is whole.
--
-- All four are set when the credential becomes the previous one, and only then.

ALTER TABLE connection_credential ADD COLUMN replaced_at BIGINT;
ALTER TABLE connection_credential ADD COLUMN account_id TEXT;
ALTER TABLE connection_credential ADD COLUMN account_label TEXT;
ALTER TABLE connection_credential ADD COLUMN config TEXT;
