-- Serves what a new connection looks for: an account that is connected already, the connection of a profile, and the open
-- setups of a connection. With the id in the index, the first of several is found without walking the others.

DROP INDEX connection_account_identity;
CREATE INDEX connection_account_identity ON connection_account (owner, kind, account_id, id);
DROP INDEX connection_account_profile;
CREATE INDEX connection_account_profile ON connection_account (owner, kind, profile_id, id);

-- Serves who looks for setups that have not ended, of all owners, and who gives back what a process has leased: neither
-- walks those that have ended.
CREATE INDEX connection_setup_unended ON connection_setup (id) WHERE state IN ('running', 'waiting');
CREATE INDEX connection_setup_lease ON connection_setup (lease_owner) WHERE lease_owner IS NOT NULL;
CREATE INDEX connection_setup_connection ON connection_setup (connection_id) WHERE state IN ('running', 'waiting');
