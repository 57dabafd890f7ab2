-- The provider's own words about the reasons of a connection, which are for the person whose connection it is alone.
-- They are sealed for the generation of their row. A statement that stores another reason erases them.

-- The words about the reason in the same row.
ALTER TABLE connection_liveness ADD COLUMN sealed_words BLOB;

-- The words about refresh_reason.
ALTER TABLE connection_credential ADD COLUMN sealed_refresh_words BLOB;
