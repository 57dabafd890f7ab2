-- Budgets ------------------------------------------------------------------------------------------------------------

-- A row counts the requests of a grant with a budget. An editor of the database can refill a budget, and cannot raise it,
-- because the number of requests is in the rules of the grant, which its mark covers.
CREATE TABLE connection_budget (
    owner         TEXT    NOT NULL,
    -- The grantee: 'agent:' with an id, or 'extension:' with a name.
    grantee       TEXT    NOT NULL,
    connection_id BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The revision of the grant in its mark. A grant that was replaced takes from no later row.
    revision      INTEGER NOT NULL,
    -- The number of the window since the grant was given. It never becomes smaller.
    number        INTEGER NOT NULL,
    -- The requests in this window that were sent, or that a process may still send.
    taken         INTEGER NOT NULL,
    -- The requests that the last process took at once.
    lease         INTEGER NOT NULL,
    PRIMARY KEY (owner, grantee, connection_id)
) STRICT;

-- The budgets of a connection, when it is deleted.
CREATE INDEX connection_budget_connection ON connection_budget (connection_id);

-- Rules about the requests of an extension -----------------------------------------------------------------------------

-- The rules with the budget, as JSON; see connection-rules. NULL permits every request.
ALTER TABLE connection_extension_grant ADD COLUMN rules TEXT;
