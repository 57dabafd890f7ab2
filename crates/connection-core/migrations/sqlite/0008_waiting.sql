-- The connections that wait for an application.
--
-- The last word of a class is now 2 for the connections of which a person should look at the application and not at each of
-- them: those that are failing because the provider refuses the application (is_application_refused in the contract). The
-- conditions of the other classes are the same. An older program shows these connections after those that need attention.

DROP VIEW connection_place_now;

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
        CASE WHEN l.liveness = 'failing' AND (instr(l.reason, 'client_refused","message":') > 0
                                              OR instr(l.reason, 'client_expired","message":') > 0) THEN 2
        ELSE CASE
            WHEN l.liveness = 'failing' THEN 1
            WHEN instr(l.reason, '"code":"restored"') > 0 THEN 1
            WHEN l.liveness = 'offline' THEN instr(l.reason, '"code":"refresh_outcome_unknown"') > 0
                                             AND instr(l.reason, '"remedy":"') > 0
            WHEN l.reason IS NULL AND l.refused_at IS NULL THEN instr(c.refresh_reason, '"code":"restored"') > 0
        END IS TRUE END AS urgent,
        a.label,
        CASE
            WHEN c.refresh_at IS NOT NULL THEN c.authorized_until
            ELSE COALESCE(min(c.valid_until, c.authorized_until), c.valid_until, c.authorized_until)
        END AS ends_at
    FROM connection_account AS a
    LEFT JOIN connection_liveness AS l ON l.connection_id = a.id
    LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation
);

UPDATE connection_place SET class = (SELECT n.class FROM connection_place_now AS n
    WHERE n.connection_id = connection_place.connection_id)
WHERE connection_id IN (SELECT l.connection_id FROM connection_liveness AS l WHERE l.liveness = 'failing');
