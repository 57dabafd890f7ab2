-- Agents --------------------------------------------------------------------------------------------------------------

-- A row is an agent: a program without a manifest that an owner lets use connections. It stays when the agent is removed,
-- so that its id is never used again.
CREATE TABLE connection_agent (
    id         UUID   NOT NULL PRIMARY KEY,
    owner      TEXT   NOT NULL,
    name       TEXT   NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    made_at    BIGINT NOT NULL,
    -- NULL while the agent exists.
    removed_at BIGINT,
    mark       BYTEA  NOT NULL
);

-- The agents of an owner by name, with those that were removed.
CREATE INDEX connection_agent_owner ON connection_agent (owner, name, id);
-- Of several agents of an owner with the same name, all but one were removed.
CREATE UNIQUE INDEX connection_agent_name ON connection_agent (owner, name) WHERE removed_at IS NULL;

-- A row says what an agent may do with a connection, or might do before the grant was revoked or ended.
CREATE TABLE connection_agent_grant (
    owner         TEXT   NOT NULL,
    agent_id      UUID   NOT NULL REFERENCES connection_agent (id),
    connection_id UUID   NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- The rules with the budget, as JSON; see connection-rules.
    rules         TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    -- The end. A grant to an agent always has one.
    expires_at    BIGINT NOT NULL,
    revoked_at    BIGINT,
    mark          BYTEA  NOT NULL,
    PRIMARY KEY (owner, agent_id, connection_id)
);

-- The agents that may use a connection.
CREATE INDEX connection_agent_grant_connection ON connection_agent_grant (connection_id, agent_id);
-- The grants of an agent, when its row is deleted by hand.
CREATE INDEX connection_agent_grant_agent ON connection_agent_grant (agent_id);

-- The agent for which alone the token is. NULL for the tokens of others.
ALTER TABLE connection_access_token ADD COLUMN agent_id UUID;
-- The use of the token of an agent: the variants of Audience in src/access_token/record.rs. NULL for the tokens of others.
ALTER TABLE connection_access_token ADD COLUMN audience TEXT;

-- The tokens of an agent.
CREATE INDEX connection_access_token_agent ON connection_access_token (agent_id, id) WHERE agent_id IS NOT NULL;
