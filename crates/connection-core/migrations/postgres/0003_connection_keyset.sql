-- Keeps the keys that seal the other tables, themselves sealed by the key source.
--
-- Two slots, so that a new key source is written and read back before the old one's slot is cleared.

CREATE TABLE connection_keyset (
    -- There is one keyset: two first starts that insert at once agree on the first.
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    store_id UUID   NOT NULL,
    revision BIGINT NOT NULL CHECK (revision >= 1),
    slot_a   BYTEA,
    slot_b   BYTEA,
    CHECK (slot_a IS NOT NULL OR slot_b IS NOT NULL)
);
