//! Queries for the connections that may be what an extension needs.

use uuid::Uuid;

use super::{
    Reader, StoreError,
    engine::{all, optional},
    rows::{CandidateRow, FoundCandidate},
};
use crate::ids::ConnectionId;

/// A candidate, with what is granted to the extension that `$grantee` names.
macro_rules! candidates {
    ($grantee:literal, $rest:literal) => {
        concat!(
            "SELECT a.id, a.owner, a.kind, a.profile_id, a.label, a.account_id, a.account_label, a.is_default, \
             a.config, a.revision, a.generation, a.next_generation, a.state, a.created_at, a.updated_at, \
             l.liveness, l.reason, l.checked_at, l.next_check_at, c.granted_scopes, c.valid_until, \
             c.authorized_until, c.secret_names, g.names AS granted \
             FROM connection_account AS a \
             LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
             LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
             LEFT JOIN connection_extension_grant AS g ON g.owner = a.owner AND g.extension = ",
            $grantee,
            " AND g.connection_id = a.id AND g.revoked_at IS NULL WHERE ",
            $rest
        )
    };
}

pub(super) const OF_KIND: &str = candidates!(
    "$3",
    "(a.owner, a.kind, a.id) > ($1, $2, $4) AND (a.owner, a.kind) <= ($1, $2) ORDER BY a.owner, a.kind, a.id LIMIT $5"
);
pub(super) const DEFAULTS: &str = candidates!("$2", "a.owner = $1 AND a.is_default ORDER BY a.id");
pub(super) const OF_OWNER: &str = candidates!("NULL", "a.owner = $1 AND a.id > $2 ORDER BY a.id LIMIT $3");

impl Reader {
    /// A page of those of one kind, in the order of ids, and whether it is full.
    pub(crate) async fn candidates(
        &mut self,
        owner: &str,
        kind: &str,
        extension: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<(Vec<CandidateRow>, bool), StoreError> {
        let after = after.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let found = all!(self, FoundCandidate, OF_KIND, owner, kind, extension, after, limit)?;
        let full = found.len() as i64 == limit;
        Ok((found.into_iter().filter_map(|FoundCandidate(row)| row).collect(), full))
    }

    /// The owner's defaults: one per provider.
    pub(crate) async fn default_candidates(
        &mut self,
        owner: &str,
        extension: &str,
    ) -> Result<Vec<CandidateRow>, StoreError> {
        let found = all!(self, FoundCandidate, DEFAULTS, owner, extension)?;
        Ok(found.into_iter().filter_map(|FoundCandidate(row)| row).collect())
    }

    /// A page of all of an owner's, without what is granted, and where the next one begins.
    pub(crate) async fn all_candidates(
        &mut self,
        owner: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<(Vec<CandidateRow>, bool), StoreError> {
        let after = after.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let found = all!(self, FoundCandidate, OF_OWNER, owner, after, limit)?;
        let full = found.len() as i64 == limit;
        Ok((found.into_iter().filter_map(|FoundCandidate(row)| row).collect(), full))
    }

    /// The revision of a connection's configuration, of its credential, and the configuration; `None` when it is gone.
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
