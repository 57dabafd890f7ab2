-- Deletes what only a run needs when a session ends: its journal, the inputs that were not taken, and what it spent.
--
-- The journal holds sealed secrets. The trigger is part of the statement that ends the session, so a session that has
-- ended has no journal.

CREATE TRIGGER connection_setup_end AFTER UPDATE OF state ON connection_setup
WHEN NEW.state IN ('done', 'failed', 'cancelled')
BEGIN
    DELETE FROM connection_setup_effect WHERE session_id = NEW.id;
    DELETE FROM connection_setup_input WHERE session_id = NEW.id;
    DELETE FROM connection_exchange WHERE session_id = NEW.id;
END;
