//! Queries of `connection_place`: the connections of an owner in the order of an overview.
//!
//! The triggers of the database keep the table. Every query reads a part of an index whose size does not depend on the
//! number of connections.

use uuid::Uuid;

use super::{
    Reader, StoreError,
    columns::{Found, row},
    engine::all,
};
use crate::ids::ConnectionId;

/// The number up to which connections of a class, and those that end soon, are counted and sorted.
pub(crate) const MAX_COUNT: i64 = 10_000;

row! {
    /// A class of an owner's connections.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) struct ClassRow {
        /// The kind, the digest of the terms in hexadecimal, the liveness, and 1 for a class that a person should look at,
        /// with a space after each of the first three.
        pub(crate) class: String,
        /// The number of connections, at most one more than [`MAX_COUNT`]; 0 if they were not counted.
        pub(crate) count: i64,
    }
}

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

/// Finds each class by the one before, so that the connections between them are not read.
macro_rules! classes {
    ($count:literal) => {
        concat!(
            "WITH RECURSIVE classes (class) AS (SELECT MIN(f.class) FROM connection_place AS f WHERE f.owner = $1 \
             UNION ALL SELECT (SELECT MIN(n.class) FROM connection_place AS n WHERE n.owner = $1 AND n.class > g.class) \
             FROM classes AS g WHERE g.class IS NOT NULL) SELECT g.class, ",
            $count,
            " AS count FROM classes AS g WHERE g.class IS NOT NULL"
        )
    };
}

pub(super) const CLASSES: &str = classes!("CAST(0 AS BIGINT)");
pub(super) const COUNTED: &str = classes!(
    "(SELECT COUNT(*) FROM (SELECT 1 FROM connection_place AS p WHERE p.owner = $1 AND p.class = g.class LIMIT $2) \
     AS counted)"
);
pub(super) const MEMBERS: &str = "SELECT p.connection_id, p.label FROM connection_place AS p WHERE p.owner = $1 \
     AND p.class = $2 AND (p.label, p.connection_id) > ($3, $4) ORDER BY p.label, p.connection_id LIMIT $5";
pub(super) const ENDING: &str = "SELECT p.connection_id, p.class, p.label, c.valid_until, c.authorized_until \
     FROM connection_place AS p JOIN connection_account AS a ON a.id = p.connection_id \
     LEFT JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
     WHERE p.owner = $1 AND p.ends_at <= $2 ORDER BY p.ends_at LIMIT $3";

impl Reader {
    /// Returns the classes of an owner's connections, counted or not.
    pub(crate) async fn classes(&mut self, owner: &str, counted: bool) -> Result<Vec<ClassRow>, StoreError> {
        let found = match counted {
            true => all!(self, Found<ClassRow>, COUNTED, owner, MAX_COUNT + 1)?,
            false => all!(self, Found<ClassRow>, CLASSES, owner)?,
        };
        Ok(found.into_iter().filter_map(|Found(row)| row).collect())
    }

    /// Returns the connections of a class after a label and an id, in this order, and `true` if there may be more.
    pub(crate) async fn members(
        &mut self,
        (owner, class): (&str, &str),
        (label, id): (&str, Uuid),
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
