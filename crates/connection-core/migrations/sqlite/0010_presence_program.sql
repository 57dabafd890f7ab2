-- The version of the program of a process that uses connections, for a person who replaces processes one by one.

-- The schema generation, as in connection_part. NULL for a program that does not tell it.
ALTER TABLE connection_presence ADD COLUMN program INTEGER;
