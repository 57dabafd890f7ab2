-- Says when the keys themselves changed.
--
-- `revision` also grows when they are wrapped for another key source, which is nothing to a process that has them.

ALTER TABLE connection_keyset ADD COLUMN keys_revision INTEGER NOT NULL DEFAULT 1 CHECK (keys_revision >= 1);
