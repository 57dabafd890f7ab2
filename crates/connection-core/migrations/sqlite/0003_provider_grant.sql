-- Grants at providers ---------------------------------------------------------------------------------------------------

-- A row says to which grant at its provider the credential of a connection belongs, for a provider that can only end
-- everything that an account has granted to an application. A connection without a row was not verified since this table
-- exists, or its provider ends single credentials.
CREATE TABLE connection_provider_grant (
    connection_id BLOB  NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    -- MACs of the provider with the application, and of the provider with the account.
    application   BLOB  NOT NULL CHECK (length(application) = 32),
    account       BLOB  NOT NULL CHECK (length(account) = 32)
) STRICT;

CREATE INDEX connection_provider_grant_account ON connection_provider_grant (account, application);
