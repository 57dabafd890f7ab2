//! The columns that decide the order of a list, of all connections of an owner.
//!
//! A driver copies each value of a row, so a row of these columns costs a fraction of a whole one.

use uuid::Uuid;

use super::{
    Reader, StoreError,
    columns::{Found, row},
    engine::all,
};
use crate::ids::ConnectionId;

row! {
    /// The columns that decide where a list shows a connection, and whether a search finds it.
    #[derive(Clone, Debug)]
    pub(crate) struct OutlineRow {
        pub(crate) id: ConnectionId,
        pub(crate) kind: String,
        pub(crate) label: String,
        pub(crate) account_id: String,
        pub(crate) account_label: String,
        /// The tags, as JSON; `None` for none.
        pub(crate) tags: Option<String>,
        pub(crate) terms: Option<Vec<u8>>,
        pub(crate) liveness: Option<String>,
        /// The reason of an offline connection, as JSON.
        pub(crate) reason: Option<String>,
        pub(crate) valid_until: Option<i64>,
        pub(crate) authorized_until: Option<i64>,
    }
}

pub(super) const OF_OWNER: &str = "SELECT a.id, a.kind, a.label, a.account_id, a.account_label, a.tags, a.terms, l.liveness, \
     CASE WHEN l.liveness = 'offline' THEN l.reason END AS reason, c.valid_until, c.authorized_until \
     FROM connection_account AS a \
     LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
     LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
     WHERE a.owner = $1 AND a.id > $2 ORDER BY a.id LIMIT $3";

impl Reader {
    /// Returns a page of the connections of an owner in the order of ids, and `true` if the page is full.
    pub(crate) async fn outlines(
        &mut self,
        owner: &str,
        after: Option<ConnectionId>,
        limit: i64,
    ) -> Result<(Vec<OutlineRow>, bool), StoreError> {
        let after = after.map_or(Uuid::nil(), ConnectionId::as_uuid);
        let found = all!(self, Found<OutlineRow>, OF_OWNER, owner, after, limit)?;
        let full = found.len() as i64 == limit;
        Ok((found.into_iter().filter_map(|Found(row)| row).collect(), full))
    }
}
