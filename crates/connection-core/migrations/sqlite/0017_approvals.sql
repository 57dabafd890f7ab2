-- Approvals -----------------------------------------------------------------------------------------------------------

-- A row is one request of an agent about which a rule says that a person is asked. The mark covers all columns but the
-- sealed ones and the lease. A row may be there for longer than its connection.
CREATE TABLE connection_approval (
    id             BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    owner          TEXT    NOT NULL,
    agent_id       BLOB    NOT NULL REFERENCES connection_agent (id),
    connection_id  BLOB    NOT NULL,
    kind           TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN
                       ('waiting', 'approved', 'executing', 'answered', 'refused', 'lapsed', 'unknown')),
    -- A MAC over what makes two requests of an agent equal.
    same           BLOB    NOT NULL CHECK (length(same) = 32),
    -- What is asked, who answered and how it ended, as JSON; see Facts in src/approval/facts.rs.
    facts          TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    -- The end of the time in which the request may be sent.
    ends_at        INTEGER NOT NULL,
    -- The time of the last change of the state.
    changed_at     INTEGER NOT NULL,
    -- The time at which the agent got the result.
    fetched_at     INTEGER,
    -- While the request is executed: the time until which its process has said that it lives.
    lease_until    INTEGER,
    -- The whole request, sealed. NULL after it can no longer be sent or compared.
    sealed_request BLOB,
    -- The answer of the provider, sealed.
    sealed_answer  BLOB,
    mark           BLOB    NOT NULL
) STRICT;

-- The approvals of an owner, the newest first.
CREATE INDEX connection_approval_owner ON connection_approval (owner, state, id);
-- The request of an agent that is equal to another one.
CREATE INDEX connection_approval_same ON connection_approval (agent_id, same, id);
-- The approvals of an agent that wait.
CREATE INDEX connection_approval_agent ON connection_approval (agent_id, state, id);
-- The approvals of a connection.
CREATE INDEX connection_approval_connection ON connection_approval (connection_id, state, id);
-- The approvals whose time ends, and may have ended.
CREATE INDEX connection_approval_ends ON connection_approval (ends_at, id) WHERE state IN ('waiting', 'approved');
-- The approvals whose last change is long ago, when they are erased.
CREATE INDEX connection_approval_changed ON connection_approval (changed_at, id);

-- A row widens a grant for a while: a rule that asks lets requests with this method and path pass.
CREATE TABLE connection_widening (
    owner         TEXT    NOT NULL,
    agent_id      BLOB    NOT NULL REFERENCES connection_agent (id),
    connection_id BLOB    NOT NULL REFERENCES connection_account (id) ON DELETE CASCADE,
    -- A MAC over the rule, the method, the place and the path.
    matched       BLOB    NOT NULL CHECK (length(matched) = 32),
    -- The revision of the grant in its mark. A widening ends with every change of the grant.
    revision      INTEGER NOT NULL,
    -- The rule, the method, the place and the path, as JSON.
    facts         TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    ends_at       INTEGER NOT NULL,
    -- The number of requests that may be sent.
    requests      INTEGER NOT NULL,
    -- The number that was sent. It is not covered by the mark.
    taken         INTEGER NOT NULL,
    mark          BLOB    NOT NULL,
    PRIMARY KEY (owner, agent_id, connection_id, matched)
) STRICT;

-- The widenings of an agent, when its row is deleted by hand, and those of a connection, when it is removed.
CREATE INDEX connection_widening_agent ON connection_widening (agent_id);
CREATE INDEX connection_widening_connection ON connection_widening (connection_id);

-- The events about which src/outbox/message.rs makes messages: those before, and those of approvals.
DROP TRIGGER connection_event_is_due;
CREATE TRIGGER connection_event_is_due AFTER INSERT ON connection_event
WHEN NEW.kind IN ('approval_decided', 'approval_ended', 'approval_lapsed', 'approval_requested', 'connected',
                  'credential_rotated', 'expiring', 'imported', 'liveness_changed', 'reauthorized', 'removed',
                  'rolled_back')
BEGIN
    INSERT INTO connection_event_due (event_id)
    SELECT NEW.id FROM connection_event_receiver WHERE only_row = 1 AND collected_at > unixepoch() - 30 * 86400;
END;
