-- Keeps how the last test of a webhook address ended.
--
-- It is of the address and the key that there are: who puts others in their place takes it away.

-- NULL while they were not tested.
ALTER TABLE connection_webhook_address ADD COLUMN tested_at INTEGER;
-- The address that was tested, up to its secret part.
ALTER TABLE connection_webhook_address ADD COLUMN tested_url TEXT
    CHECK ((tested_url IS NULL) = (tested_at IS NULL));
-- The generation of the credential that signed; NULL where a key of the address did.
ALTER TABLE connection_webhook_address ADD COLUMN tested_generation INTEGER
    CHECK (tested_generation IS NULL OR tested_at IS NOT NULL);
-- Why it did not arrive, as a code; NULL when it did.
ALTER TABLE connection_webhook_address ADD COLUMN test_failure TEXT
    CHECK (test_failure IS NULL OR tested_at IS NOT NULL);
