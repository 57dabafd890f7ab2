-- Which programs may write, so that processes of two versions of the program can run beside one another.
--
-- A version of the program has a number for each part of the store, its schema generation. A migration only adds tables
-- and columns that may be NULL, so that an older program continues to work beside it. `connections upgrade finish` raises
-- the numbers of a part when no older program is needed any longer.
CREATE TABLE connection_part (
    -- The part of the store. All tables of today are one part, `core`.
    name    TEXT    NOT NULL PRIMARY KEY,
    -- The schema generation of the oldest program that may write.
    oldest  BIGINT  NOT NULL CHECK (oldest >= 1),
    -- The schema generation in whose form marks are written. Each program that may write knows this form.
    written BIGINT  NOT NULL CHECK (written >= 1 AND written <= oldest),
    -- Always 0. Each transaction of a program first sets 1 where `oldest` is above the program's number: this finds no row
    -- while the program may write, and otherwise fails, so that no other statement is needed for the check.
    refused BIGINT  NOT NULL DEFAULT 0 CONSTRAINT connection_program_too_old CHECK (refused = 0)
);

INSERT INTO connection_part (name, oldest, written) VALUES ('core', 1, 1);
