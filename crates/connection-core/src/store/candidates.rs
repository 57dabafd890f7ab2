//! Queries for the connections that can satisfy a requirement of an extension.

use uuid::Uuid;

use super::{
    Reader, StoreError,
    columns::Found,
    engine::{all, optional},
    row_events::newest,
    rows::{CandidateRow, NearCandidate, NearRow, PublicSettings},
};
use crate::ids::ConnectionId;

/// The maximum number of kinds in one query for the first candidates.
pub(crate) const KINDS_AT_ONCE: usize = 4;

/// The first candidates for a requirement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Near {
    /// At most two connections of the kinds, with the default among them, the chosen one, and at most two that are
    /// granted, each once.
    pub(crate) candidates: Vec<NearCandidate>,
    /// `true` if there may be more connections of these kinds.
    pub(crate) is_full: bool,
    /// `true` if there may be more connections of these kinds that are granted.
    pub(crate) has_more_grants: bool,
    /// The public settings of the extension and of its provider's own extension.
    pub(crate) settings: PublicSettings,
}

/// Selects two connections of the kinds; the owner's defaults of these kinds, if there is more than one connection;
/// the connection that was chosen for the extension; two connections that are granted to it; and the settings, in a
/// row without an id.
///
/// It is one statement, since each statement needs a round trip to another thread. It sorts nothing and looks up
/// only keys.
macro_rules! near {
    ($kinds:literal) => {
        concat!(
            "SELECT a.state, CASE WHEN m.id IS NULL THEN (SELECT p.body FROM connection_extension_preference AS p \
             WHERE p.owner = $1 AND p.extension = $2 AND p.command = '') END AS own, \
             CASE WHEN m.id IS NULL THEN (SELECT p.body FROM connection_extension_preference AS p \
             WHERE p.owner = $1 AND p.extension = $3 AND p.command = '') END AS of_provider, \
             CASE WHEN m.id IS NULL THEN (SELECT CASE WHEN s.provider = s.name THEN s.public END \
             FROM connection_extension_state AS s WHERE s.owner = $1 AND s.name = $3) END AS declared, \
             a.id, a.kind, a.is_default, a.config, a.terms, l.liveness, l.reason, c.secret_names, c.granted_scopes, \
             y.scopes AS lacking_scopes, x.mark AS declared_mark, ",
            newest!("x.owner", "x.mark"),
            " AS declared_newest, g.names AS granted, g.rules AS granted_rules, g.created_at AS granted_at, \
             g.mark AS granted_mark, ",
            newest!("g.owner", "g.mark"),
            " AS granted_newest, h.mark AS chosen_mark, ",
            newest!("h.owner", "h.mark"),
            " AS chosen_newest FROM (SELECT id FROM (SELECT n.id FROM connection_account AS n WHERE n.owner = $1 AND n.kind ",
            $kinds,
            " LIMIT 2) AS first_two UNION ALL SELECT d.id FROM (SELECT n.id FROM connection_account AS n \
             WHERE n.owner = $1 AND n.kind ",
            $kinds,
            // If the plain column were compared, a database would walk all connections of the kinds instead of the
            // defaults, or of those that are granted.
            " LIMIT 1 OFFSET 1) AS another CROSS JOIN connection_account AS d \
             WHERE d.owner = $1 AND d.is_default AND d.kind || '' ",
            $kinds,
            " UNION ALL SELECT o.id FROM connection_extension_choice AS w JOIN connection_account AS o \
             ON o.id = w.connection_id WHERE w.owner = $1 AND w.extension = $2 AND o.kind ",
            $kinds,
            " UNION ALL SELECT id FROM (SELECT o.id FROM connection_extension_grant AS v \
             CROSS JOIN connection_account AS o WHERE v.owner = $1 AND v.extension = $2 AND v.revoked_at IS NULL \
             AND o.id = v.connection_id AND o.kind || '' ",
            $kinds,
            " LIMIT 2) AS granted_two UNION ALL SELECT NULL) AS m \
             LEFT JOIN connection_account AS a ON a.id = m.id \
             LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
             LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
             LEFT JOIN connection_extension AS x ON x.owner = a.owner AND x.name = $2 \
             LEFT JOIN connection_extension_grant AS g ON g.owner = a.owner AND g.extension = $2 \
             AND g.connection_id = a.id AND g.revoked_at IS NULL \
             LEFT JOIN connection_extension_choice AS h ON h.owner = a.owner AND h.extension = $2 \
             AND h.connection_id = a.id \
             LEFT JOIN connection_lacking_scope AS y ON y.owner = a.owner AND y.extension = $2 \
             AND y.connection_id = a.id"
        )
    };
}

pub(super) const NEAR_OF_ONE: &str = near!("= $4");
pub(super) const NEAR_OF_SOME: &str = near!("IN ($4, $5, $6, $7)");

/// Selects candidates, with the grants of the extension that `$grantee` names.
macro_rules! candidates {
    ($grantee:literal, $rest:literal) => {
        concat!(
            "SELECT a.id, a.owner, a.kind, a.profile_id, a.label, a.account_id, a.account_label, a.is_default, \
             a.config, a.terms, a.revision, a.generation, a.next_generation, a.state, a.created_at, a.updated_at, \
             l.liveness, l.reason, l.checked_at, l.next_check_at, l.paused_until, l.refused_at, l.refused_by, l.failures, c.granted_scopes, c.valid_until, \
             c.authorized_until, c.refresh_reason, a.tags, a.usable_at, c.secret_names, y.scopes AS lacking_scopes, \
             g.names AS granted, g.rules AS granted_rules, g.created_at AS granted_at, \
             g.mark AS granted_mark, ",
            newest!("g.owner", "g.mark"),
            " AS granted_newest FROM connection_account AS a \
             LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
             LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
             LEFT JOIN connection_extension_grant AS g ON g.owner = a.owner AND g.extension = ",
            $grantee,
            " AND g.connection_id = a.id AND g.revoked_at IS NULL \
             LEFT JOIN connection_lacking_scope AS y ON y.owner = a.owner AND y.extension = ",
            $grantee,
            " AND y.connection_id = a.id WHERE ",
            $rest
        )
    };
}

pub(super) const OF_KIND: &str = candidates!("$3", "a.owner = $1 AND a.kind = $2 AND a.id > $4 ORDER BY a.id LIMIT $5");
pub(super) const OF_OWNER: &str = candidates!("NULL", "a.owner = $1 AND a.id > $2 ORDER BY a.id LIMIT $3");

impl Reader {
    /// Returns the first candidates of these kinds. At most [`KINDS_AT_ONCE`] of them are queried.
    pub(crate) async fn near(
        &mut self,
        owner: &str,
        extension: &str,
        provider: &str,
        kinds: &[&str],
    ) -> Result<Near, StoreError> {
        let kind = |at: usize| kinds.get(at).copied();
        let rows = match kinds {
            [one] => all!(self, NearRow, NEAR_OF_ONE, owner, extension, provider, one)?,
            _ => {
                let one = kind(0);
                let two = kind(1);
                let three = kind(2);
                let four = kind(3);
                all!(self, NearRow, NEAR_OF_SOME, owner, extension, provider, one, two, three, four)?
            }
        };
        let mut near = Near::default();
        for row in rows {
            match row {
                NearRow::Candidate(Some(candidate)) => {
                    if !near.candidates.iter().any(|known| known.id == candidate.id) {
                        near.candidates.push(*candidate);
                    }
                }
                // An edited row may stand for any of them.
                NearRow::Candidate(None) => {
                    near.is_full = true;
                    near.has_more_grants = true;
                }
                NearRow::Settings(settings) => near.settings = settings,
            }
        }
        near.is_full |= near.candidates.len() > 1;
        let granted = near.candidates.iter().filter(|candidate| candidate.granted.names.is_some());
        near.has_more_grants |= granted.count() > 1;
        Ok(near)
    }

    /// Returns a page of the candidates of one kind, in the order of ids, and `true` if the page is full.
    pub(crate) async fn candidates(
        &mut self,
        owner: &str,
        kind: &str,
        extension: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<(Vec<CandidateRow>, bool), StoreError> {
        let after = after.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let found = all!(self, Found<CandidateRow>, OF_KIND, owner, kind, extension, after, limit)?;
        let full = found.len() as i64 == limit;
        Ok((found.into_iter().filter_map(|Found(row)| row).collect(), full))
    }

    /// Returns a page of all candidates of an owner, without grants, and `true` if the page is full.
    pub(crate) async fn all_candidates(
        &mut self,
        owner: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<(Vec<CandidateRow>, bool), StoreError> {
        let after = after.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let found = all!(self, Found<CandidateRow>, OF_OWNER, owner, after, limit)?;
        let full = found.len() as i64 == limit;
        Ok((found.into_iter().filter_map(|Found(row)| row).collect(), full))
    }

    /// Returns the revisions of a connection's configuration and credential, and the configuration; `None` if the
    /// connection no longer exists.
    pub(crate) async fn account_revisions(
        &mut self,
        owner: &str,
        id: ConnectionId,
    ) -> Result<Option<(i64, i64, String)>, StoreError> {
        const SQL: &str = "SELECT config_revision, generation, config FROM connection_account \
                           WHERE id = $1 AND owner = $2";
        optional!(self, (i64, i64, String), SQL, id.as_uuid(), owner)
    }
}
