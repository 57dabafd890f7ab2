-- Places in lists -----------------------------------------------------------------------------------------------------

-- A row decides where the list of an owner shows a connection, so that a page of it takes as long with a million
-- connections as with ten. It repeats facts of other tables, and the triggers below keep it current.
CREATE TABLE connection_place (
    connection_id UUID   NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    owner         TEXT   NOT NULL,
    -- What connections have in common that a list shows together: the kind, the digest of the terms in hexadecimal, the
    -- liveness, and 1 if a person should look at them, whatever the time and the registered kinds are. A space follows
    -- each of the first three.
    class         TEXT   NOT NULL COLLATE "C",
    label         TEXT   NOT NULL COLLATE "C",
    -- The time at which the connection stops working unless a person acts. NULL if it has no end that the provider
    -- stated, and for the classes that a person should look at anyway.
    ends_at       BIGINT
);

-- The classes of an owner, and the connections of a class in the order of lists.
CREATE INDEX connection_place_class ON connection_place (owner, class, label, connection_id);
-- The connections of an owner that end first.
CREATE INDEX connection_place_end ON connection_place (owner, ends_at) WHERE ends_at IS NOT NULL;

-- The rows of connection_place as the other tables have them. The conditions are those of
-- ConnectionInfo::needs_attention in src/connection_info/mod.rs that depend on neither the time nor the kinds.
CREATE VIEW connection_place_now AS
SELECT connection_id, owner, kind || ' ' || terms || ' ' || liveness || ' ' || urgent AS class, label,
       CASE WHEN urgent = 0 THEN ends_at END AS ends_at
FROM (
    SELECT
        a.id AS connection_id,
        a.owner,
        a.kind,
        COALESCE(encode(a.terms, 'hex'), '') AS terms,
        CASE WHEN l.liveness IN ('live', 'offline', 'failing') THEN l.liveness ELSE 'unknown' END AS liveness,
        CASE WHEN CASE
            WHEN l.liveness = 'failing' THEN TRUE
            WHEN strpos(l.reason, '"code":"restored"') > 0 THEN TRUE
            WHEN l.liveness = 'offline' THEN strpos(l.reason, '"code":"refresh_outcome_unknown"') > 0
                                             AND strpos(l.reason, '"remedy":"') > 0
            WHEN l.reason IS NULL AND l.refused_at IS NULL THEN strpos(c.refresh_reason, '"code":"restored"') > 0
        END THEN 1 ELSE 0 END AS urgent,
        a.label,
        CASE
            WHEN c.refresh_at IS NOT NULL THEN c.authorized_until
            ELSE LEAST(c.valid_until, c.authorized_until)
        END AS ends_at
    FROM connection_account AS a
    LEFT JOIN connection_liveness AS l ON l.connection_id = a.id
    LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation
) AS now;

INSERT INTO connection_place (connection_id, owner, class, label, ends_at)
SELECT connection_id, owner, class, label, ends_at FROM connection_place_now;

-- A function keeps the plans of its queries for as long as the session lasts. A plan that was made for a few rows would
-- read whole tables when there are many, so these functions always use the indexes.
--
-- A statement sees what was committed when it began. The row is locked first, so that of two transactions that change
-- the same connection, the second one computes its place from what both have changed.

CREATE FUNCTION connection_place_of_account() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    INSERT INTO connection_place (connection_id, owner, class, label, ends_at)
    SELECT n.connection_id, n.owner, n.class, n.label, n.ends_at
    FROM added AS d JOIN connection_place_now AS n ON n.connection_id = d.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_place_of_added() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM 1 FROM added AS d JOIN connection_place AS p ON p.connection_id = d.connection_id FOR UPDATE OF p;
    UPDATE connection_place AS p SET class = n.class, ends_at = n.ends_at
    FROM added AS d JOIN connection_place_now AS n ON n.connection_id = d.connection_id
    WHERE p.connection_id = d.connection_id AND (n.class, n.ends_at) IS DISTINCT FROM (p.class, p.ends_at);
    RETURN NULL;
END
$$;

CREATE FUNCTION connection_place_of_changed() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    changed UUID;
BEGIN
    IF TG_TABLE_NAME = 'connection_account' THEN
        changed := NEW.id;
    ELSE
        changed := NEW.connection_id;
    END IF;
    PERFORM 1 FROM connection_place AS p WHERE p.connection_id = changed FOR UPDATE;
    UPDATE connection_place AS p SET owner = n.owner, class = n.class, label = n.label, ends_at = n.ends_at
    FROM connection_place_now AS n
    WHERE p.connection_id = changed AND n.connection_id = changed
    AND (n.owner, n.class, n.label, n.ends_at) IS DISTINCT FROM (p.owner, p.class, p.label, p.ends_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER connection_place_of_account AFTER INSERT ON connection_account
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION connection_place_of_account();

CREATE TRIGGER connection_place_of_changed_account
    AFTER UPDATE OF owner, kind, label, terms, generation ON connection_account
    FOR EACH ROW WHEN ((NEW.owner, NEW.kind, NEW.label, NEW.terms, NEW.generation)
        IS DISTINCT FROM (OLD.owner, OLD.kind, OLD.label, OLD.terms, OLD.generation))
    EXECUTE FUNCTION connection_place_of_changed();

CREATE TRIGGER connection_place_of_liveness AFTER INSERT ON connection_liveness
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION connection_place_of_added();

CREATE TRIGGER connection_place_of_changed_liveness
    AFTER UPDATE OF liveness, reason, refused_at ON connection_liveness
    FOR EACH ROW WHEN ((NEW.liveness, NEW.reason, NEW.refused_at)
        IS DISTINCT FROM (OLD.liveness, OLD.reason, OLD.refused_at))
    EXECUTE FUNCTION connection_place_of_changed();

CREATE TRIGGER connection_place_of_credential AFTER INSERT ON connection_credential
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION connection_place_of_added();

-- Only whether there is a time of a refresh matters, and not when it is.
CREATE TRIGGER connection_place_of_changed_credential
    AFTER UPDATE OF generation, valid_until, authorized_until, refresh_at, refresh_reason ON connection_credential
    FOR EACH ROW WHEN ((NEW.generation, NEW.valid_until, NEW.authorized_until, NEW.refresh_at IS NULL, NEW.refresh_reason)
        IS DISTINCT FROM (OLD.generation, OLD.valid_until, OLD.authorized_until, OLD.refresh_at IS NULL, OLD.refresh_reason))
    EXECUTE FUNCTION connection_place_of_changed();
