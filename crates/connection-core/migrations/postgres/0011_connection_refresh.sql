-- Records when a credential is to be renewed, and how renewing it went.
--
-- The plan belongs to one credential: the one that takes its place brings a plan of its own.

-- What the plugin said: when to renew it, and until when the user's authorization lasts.
ALTER TABLE connection_credential ADD COLUMN renew_at BIGINT;
ALTER TABLE connection_credential ADD COLUMN authorized_until BIGINT;
-- When a refresh made it; a setup or an import did otherwise.
ALTER TABLE connection_credential ADD COLUMN refreshed_at BIGINT;
-- When to renew it next; NULL when no time makes it due, or its provider will not renew it any more.
ALTER TABLE connection_credential ADD COLUMN refresh_at BIGINT;
-- Tries that failed since, and why the last one did.
ALTER TABLE connection_credential ADD COLUMN refresh_failures BIGINT NOT NULL DEFAULT 0 CHECK (refresh_failures >= 0);
ALTER TABLE connection_credential ADD COLUMN refresh_reason TEXT;
-- When it was told that it ends soon.
ALTER TABLE connection_credential ADD COLUMN announced_at BIGINT;

CREATE INDEX connection_credential_refresh ON connection_credential (refresh_at)
    WHERE state = 'current' AND refresh_at IS NOT NULL;
CREATE INDEX connection_credential_valid ON connection_credential (valid_until)
    WHERE state = 'current' AND announced_at IS NULL AND valid_until IS NOT NULL;
CREATE INDEX connection_credential_authorized ON connection_credential (authorized_until)
    WHERE state = 'current' AND announced_at IS NULL AND authorized_until IS NOT NULL;
