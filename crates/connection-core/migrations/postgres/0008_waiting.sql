-- The connections that wait for an application.
--
-- The last word of a class is now 2 for the connections of which a person should look at the application and not at each of
-- them: those that are failing because the provider refuses the application (is_application_refused in the contract). The
-- conditions of the other classes are the same. An older program shows these connections after those that need attention.

CREATE OR REPLACE VIEW connection_place_now AS
SELECT connection_id, owner, kind || ' ' || terms || ' ' || liveness || ' ' || urgent AS class, label,
       CASE WHEN urgent = 0 THEN ends_at END AS ends_at
FROM (
    SELECT
        a.id AS connection_id,
        a.owner,
        a.kind,
        COALESCE(encode(a.terms, 'hex'), '') AS terms,
        CASE WHEN l.liveness IN ('live', 'offline', 'failing') THEN l.liveness ELSE 'unknown' END AS liveness,
        CASE WHEN l.liveness = 'failing' AND (strpos(l.reason, 'client_refused","message":') > 0
                                              OR strpos(l.reason, 'client_expired","message":') > 0) THEN 2
        WHEN CASE
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

UPDATE connection_place AS p SET class = n.class FROM connection_place_now AS n
WHERE n.connection_id = p.connection_id AND n.class IS DISTINCT FROM p.class;
