//! Queries of `connection_place`: the connections of an owner in the order of an overview.
//!
//! The triggers of the database keep the table. Every query reads a part of an index whose size does not depend on the
//! number of connections.

use uuid::Uuid;

use super::{
    Reader, StoreError,
    columns::{Found, row},
    engine::{Engine, all},
};
use crate::ids::ConnectionId;

/// The number up to which connections are counted, and those that end soon are sorted.
pub(crate) const MAX_COUNT: i64 = 10_000;

row! {
    /// A connection of a class.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct MemberRow {
        pub(crate) connection_id: ConnectionId,
        pub(crate) label: String,
    }
}

row! {
    /// A connection that may end soon.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct EndingRow {
        pub(crate) connection_id: ConnectionId,
        pub(crate) class: String,
        pub(crate) label: String,
        pub(crate) valid_until: Option<i64>,
        pub(crate) authorized_until: Option<i64>,
    }
}

/// Finds each class by the one before, so that the connections between them are not read. A class is the kind, the digest
/// of the terms in hexadecimal, the liveness, and 1 for a class that a person should look at, or 2 for one whose
/// application a person should look at, with a space after each of the first three.
pub(super) const CLASSES: &str = "WITH RECURSIVE classes (class) AS (\
     SELECT MIN(f.class) FROM connection_place AS f WHERE f.owner = $1 \
     UNION ALL SELECT (SELECT MIN(n.class) FROM connection_place AS n WHERE n.owner = $1 AND n.class > g.class) \
     FROM classes AS g WHERE g.class IS NOT NULL) SELECT g.class FROM classes AS g WHERE g.class IS NOT NULL";

/// The place of each list of classes in `$2`, and the number of connections of these classes. Each engine has its own text,
/// because no type for a list exists on both.
#[cfg(feature = "sqlite")]
pub(super) const COUNTS: &str = "SELECT CAST(j.key AS INTEGER) AS place, (SELECT COUNT(*) FROM (\
     SELECT 1 FROM json_each(j.value) AS n CROSS JOIN connection_place AS p WHERE p.owner = $1 AND p.class = n.value \
     LIMIT $3) AS counted) AS count FROM json_each($2) AS j";
#[cfg(feature = "postgres")]
pub(super) const COUNTS_ON_POSTGRES: &str = "SELECT j.place - 1 AS place, (SELECT COUNT(*) FROM (\
     SELECT 1 FROM jsonb_array_elements_text(j.value) AS n (class) CROSS JOIN LATERAL (\
     SELECT 1 FROM connection_place AS p WHERE p.owner = $1 AND p.class = n.class LIMIT $3) AS members \
     LIMIT $3) AS counted) AS count \
     FROM jsonb_array_elements(CAST($2 AS JSONB)) WITH ORDINALITY AS j (value, place)";

pub(super) const MEMBERS: &str = "SELECT p.connection_id, p.label FROM connection_place AS p WHERE p.owner = $1 \
     AND p.class = $2 AND (p.label, p.connection_id) > ($3, $4) ORDER BY p.label, p.connection_id LIMIT $5";
pub(super) const ENDING: &str = "SELECT p.connection_id, p.class, p.label, c.valid_until, c.authorized_until \
     FROM connection_place AS p JOIN connection_account AS a ON a.id = p.connection_id \
     LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
     WHERE p.owner = $1 AND p.ends_at <= $2 ORDER BY p.ends_at LIMIT $3";

impl Reader {
    /// Returns the classes of an owner's connections.
    pub(crate) async fn classes(&mut self, owner: &str) -> Result<Vec<String>, StoreError> {
        let found = all!(self, Found<(String,)>, CLASSES, owner)?;
        Ok(found.into_iter().filter_map(|Found(row)| row).map(|(class,)| class).collect())
    }

    /// Returns the number of connections in each of these lists of classes, at most one more than [`MAX_COUNT`].
    pub(crate) async fn counts_of(&mut self, owner: &str, lists: &[Vec<&str>]) -> Result<Vec<u64>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => COUNTS_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => COUNTS,
        };
        let found = all!(self, (i64, i64), sql, owner, serde_json::json!(lists).to_string(), MAX_COUNT + 1)?;
        let mut counts = vec![0; lists.len()];
        for (place, count) in found {
            if let Some(of) = usize::try_from(place).ok().and_then(|place| counts.get_mut(place)) {
                *of = count.unsigned_abs();
            }
        }
        Ok(counts)
    }

    /// Returns the connections of a class after a label and an id, in this order, and `true` if there may be more.
    pub(crate) async fn members(
        &mut self,
        owner: &str,
        class: &str,
        label: &str,
        id: Uuid,
        limit: i64,
    ) -> Result<(Vec<MemberRow>, bool), StoreError> {
        let found = all!(self, Found<MemberRow>, MEMBERS, owner, class, label, id, limit)?;
        let is_full = found.len() as i64 == limit;
        Ok((found.into_iter().filter_map(|Found(row)| row).collect(), is_full))
    }

    /// Returns the connections of an owner that may end by this time, those that end first before the others, and at most
    /// one more than [`MAX_COUNT`]. Those of classes that a person should look at are left out.
    pub(crate) async fn ending(&mut self, owner: &str, by: i64) -> Result<Vec<EndingRow>, StoreError> {
        let found = all!(self, Found<EndingRow>, ENDING, owner, by, MAX_COUNT + 1)?;
        Ok(found.into_iter().filter_map(|Found(row)| row).collect())
    }
}
