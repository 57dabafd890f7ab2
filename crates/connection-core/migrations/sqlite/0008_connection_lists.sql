-- Serves lists: those of one kind, the defaults of an owner, and what happened to all of an owner's connections.

CREATE INDEX connection_account_kind ON connection_account (owner, kind, id);
CREATE INDEX connection_account_default ON connection_account (owner) WHERE is_default;
CREATE INDEX connection_event_owner ON connection_event (owner, id);
