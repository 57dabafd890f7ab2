-- The client for which the agent was created, as JSON: ClientOfAgent in src/access_token/client.rs. NULL for an agent that
-- a person created otherwise.
ALTER TABLE connection_agent ADD COLUMN client TEXT;

-- The client that got the token of an agent for a code, or that may exchange the code, as JSON: ClientOfRow in
-- src/access_token/client.rs. NULL for the tokens that a person made.
ALTER TABLE connection_access_token ADD COLUMN client TEXT;
