-- Serves what goes through all connections of a kind, whoever has them.

CREATE INDEX connection_account_of_kind ON connection_account (kind, id);
