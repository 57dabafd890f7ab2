-- Tells other processes what may have changed, so that they need not ask.
--
-- The payload names a row and holds nothing of it: account:<id>, setup:<id>, keyset. A transaction sends equal ones once.
-- Nothing counts on a signal. SQLite tells by itself (PRAGMA data_version), so this number has no file there.

CREATE FUNCTION connection_notify() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed RECORD;
BEGIN
    IF TG_OP = 'DELETE' THEN
        changed := OLD;
    ELSE
        changed := NEW;
    END IF;
    IF TG_TABLE_NAME = 'connection_account' THEN
        PERFORM pg_notify('connection_changed', 'account:' || changed.id);
    ELSIF TG_TABLE_NAME = 'connection_setup' THEN
        PERFORM pg_notify('connection_changed', 'setup:' || changed.id);
    ELSIF TG_TABLE_NAME = 'connection_setup_input' THEN
        PERFORM pg_notify('connection_changed', 'setup:' || changed.session_id);
    ELSIF TG_TABLE_NAME = 'connection_keyset' THEN
        PERFORM pg_notify('connection_changed', 'keyset');
    ELSE
        PERFORM pg_notify('connection_changed', 'account:' || changed.connection_id);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_account
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_account
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_credential
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
-- A verify writes what it learned even when that is nothing new.
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_credential
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();

-- The time of a probe is no news; what it found is.
CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_liveness
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_liveness
    FOR EACH ROW WHEN (OLD.liveness IS DISTINCT FROM NEW.liveness OR OLD.reason IS DISTINCT FROM NEW.reason)
    EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_setup
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_setup
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_setup_input
    FOR EACH ROW EXECUTE FUNCTION connection_notify();

CREATE TRIGGER connection_notify_row AFTER INSERT OR DELETE ON connection_keyset
    FOR EACH ROW EXECUTE FUNCTION connection_notify();
CREATE TRIGGER connection_notify_change AFTER UPDATE ON connection_keyset
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION connection_notify();
