-- Where a store was moved, or from where it came. A store that was never moved has no row.
--
-- A move copies every other table of a database in a file to a server. Of the two stores, at most one opens at any time:
-- the row of the copy says that it opens only after that of the source has said for good that the source does not.

CREATE TABLE connection_move (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    -- The variants of MoveState in src/store/rows/moves.rs.
    state    TEXT   NOT NULL CHECK (state IN ('moving', 'moved', 'arriving', 'arrived', 'opened', 'withdrawn')),
    -- The id of the attempt to copy, which the row of the other store has, too. Each attempt has another one.
    move_id  UUID   NOT NULL,
    -- The other store: a path, or the address of a server without a user or password.
    other    TEXT   NOT NULL
);
