-- The processes that use connections now, and the number of the last withdrawal.
--
-- A withdrawal takes something back: a grant, a token, an agent, a connection, or what is frozen. The process that
-- makes one waits until each process that is present has confirmed its number. The clock of the database decides
-- whether a process is present.

-- The only row has the number of the last withdrawal. Without it, none was made.
CREATE TABLE connection_withdrawal (
    id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    number BIGINT NOT NULL
);

-- A row is a process that uses connections, or did a moment ago.
CREATE TABLE connection_presence (
    -- The random name of the process, which its leases have, too.
    id        TEXT   NOT NULL PRIMARY KEY,
    -- The name of the process for people.
    name      TEXT   NOT NULL,
    -- The time at which the process was seen last, by the clock of the database.
    seen_at   BIGINT NOT NULL,
    -- The number of the last withdrawal that the process has taken in: it decides no use by what was read before, and
    -- has ended the uses that depended on what was withdrawn.
    confirmed BIGINT NOT NULL
);
