-- Places in lists -----------------------------------------------------------------------------------------------------

-- A row decides where the list of an owner shows a connection, so that a page of it takes as long with a million
-- connections as with ten. It repeats facts of other tables, and the triggers below keep it current.
CREATE TABLE connection_place (
    connection_id BLOB    NOT NULL PRIMARY KEY REFERENCES connection_account (id) ON DELETE CASCADE,
    owner         TEXT    NOT NULL,
    -- What connections have in common that a list shows together: the kind, the digest of the terms in hexadecimal, the
    -- liveness, and 1 if a person should look at them, whatever the time and the registered kinds are. A space follows
    -- each of the first three.
    class         TEXT    NOT NULL,
    label         TEXT    NOT NULL,
    -- The time at which the connection stops working unless a person acts. NULL if it has no end that the provider
    -- stated, and for the classes that a person should look at anyway.
    ends_at       INTEGER
) STRICT;

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
        COALESCE(lower(hex(a.terms)), '') AS terms,
        CASE WHEN l.liveness IN ('live', 'offline', 'failing') THEN l.liveness ELSE 'unknown' END AS liveness,
        CASE
            WHEN l.liveness = 'failing' THEN 1
            WHEN instr(l.reason, '"code":"restored"') > 0 THEN 1
            WHEN l.liveness = 'offline' THEN instr(l.reason, '"code":"refresh_outcome_unknown"') > 0
                                             AND instr(l.reason, '"remedy":"') > 0
            WHEN l.reason IS NULL AND l.refused_at IS NULL THEN instr(c.refresh_reason, '"code":"restored"') > 0
        END IS TRUE AS urgent,
        a.label,
        CASE
            WHEN c.refresh_at IS NOT NULL THEN c.authorized_until
            ELSE COALESCE(min(c.valid_until, c.authorized_until), c.valid_until, c.authorized_until)
        END AS ends_at
    FROM connection_account AS a
    LEFT JOIN connection_liveness AS l ON l.connection_id = a.id
    LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation
);

INSERT INTO connection_place (connection_id, owner, class, label, ends_at)
SELECT connection_id, owner, class, label, ends_at FROM connection_place_now;

CREATE TRIGGER connection_place_of_account AFTER INSERT ON connection_account
BEGIN
    INSERT INTO connection_place (connection_id, owner, class, label, ends_at)
    SELECT connection_id, owner, class, label, ends_at FROM connection_place_now WHERE connection_id = NEW.id;
END;

CREATE TRIGGER connection_place_of_changed_account
AFTER UPDATE OF owner, kind, label, terms, generation ON connection_account
WHEN (NEW.owner, NEW.kind, NEW.label, NEW.terms, NEW.generation)
    IS NOT (OLD.owner, OLD.kind, OLD.label, OLD.terms, OLD.generation)
BEGIN
    UPDATE connection_place SET (owner, class, label, ends_at) =
        (SELECT owner, class, label, ends_at FROM connection_place_now WHERE connection_id = NEW.id)
    WHERE connection_id = NEW.id;
END;

CREATE TRIGGER connection_place_of_liveness AFTER INSERT ON connection_liveness
BEGIN
    UPDATE connection_place SET (class, ends_at) =
        (SELECT class, ends_at FROM connection_place_now WHERE connection_id = NEW.connection_id)
    WHERE connection_id = NEW.connection_id;
END;

CREATE TRIGGER connection_place_of_changed_liveness
AFTER UPDATE OF liveness, reason, refused_at ON connection_liveness
WHEN (NEW.liveness, NEW.reason, NEW.refused_at) IS NOT (OLD.liveness, OLD.reason, OLD.refused_at)
BEGIN
    UPDATE connection_place SET (class, ends_at) =
        (SELECT class, ends_at FROM connection_place_now WHERE connection_id = NEW.connection_id)
    WHERE connection_id = NEW.connection_id;
END;

CREATE TRIGGER connection_place_of_credential AFTER INSERT ON connection_credential
BEGIN
    UPDATE connection_place SET (class, ends_at) =
        (SELECT class, ends_at FROM connection_place_now WHERE connection_id = NEW.connection_id)
    WHERE connection_id = NEW.connection_id
    AND NEW.generation = (SELECT generation FROM connection_account WHERE id = NEW.connection_id);
END;

-- Only whether there is a time of a refresh matters, and not when it is.
CREATE TRIGGER connection_place_of_changed_credential
AFTER UPDATE OF generation, valid_until, authorized_until, refresh_at, refresh_reason ON connection_credential
WHEN (NEW.generation, NEW.valid_until, NEW.authorized_until, NEW.refresh_at IS NULL, NEW.refresh_reason)
    IS NOT (OLD.generation, OLD.valid_until, OLD.authorized_until, OLD.refresh_at IS NULL, OLD.refresh_reason)
BEGIN
    UPDATE connection_place SET (class, ends_at) =
        (SELECT class, ends_at FROM connection_place_now WHERE connection_id = NEW.connection_id)
    WHERE connection_id = NEW.connection_id;
END;
