//! Pages of connections, by key. The cost of a page does not depend on the number of connections.
//!
//! Each text walks one index in the order of the page. If a filter may skip many rows, the walk is limited first,
//! so that no page reads more than a window of rows. Such a page may be shorter than its limit, and the next page
//! continues.

use connection_contract::Kind;
use uuid::Uuid;

use super::{
    Reader, StoreError,
    accounts::listed_with,
    engine::{all, optional},
    rows::FoundRow,
};

/// The maximum number of rows that are read for one page.
const WINDOW: i64 = 1000;

/// The position of a row in the order of lists: when it became usable, and its id.
pub(crate) type Place = (i64, Uuid);

/// The rows to list. A field that is `None` filters nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListFilter {
    /// The owner; `None` for all owners.
    pub(crate) owner: Option<String>,
    pub(crate) kind: Option<String>,
    /// The allowed kinds; see [`any_of`] and [`own_kinds_of`].
    pub(crate) kinds: Option<String>,
    pub(crate) label: Option<String>,
    /// The profile; an empty text finds connections without a profile.
    pub(crate) profile: Option<String>,
    /// The name and the value of a tag. Of all owners, tags are not compared.
    pub(crate) tag: Option<(String, String)>,
    pub(crate) after: Option<Place>,
    pub(crate) limit: i64,
}

/// Returns the word for all kinds of extensions of a provider, in [`ListFilter::kinds`].
pub(crate) fn own_kinds_of(provider: &Kind) -> String {
    format!("*/{provider}")
}

/// Joins words to one text to bind, because no type for a list exists on every engine. No word contains a comma or
/// a wildcard of `LIKE`.
pub(crate) fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().fold(",".to_owned(), |text, word| text + word + ",")
}

macro_rules! page {
    ($of:literal, $by:literal) => {
        page!("", $of, $by)
    };
    ($join:literal, $of:literal, $by:literal) => {
        listed_with!(
            "", $join;
            $of,
            " AND (CAST($4 AS TEXT) IS NULL OR $4 LIKE '%,' || a.kind || ',%' OR (a.kind LIKE '%/%' \
             AND $4 LIKE '%,*/' || substr(a.kind, length(rtrim(a.kind, 'abcdefghijklmnopqrstuvwxyz0123456789-')) + 1) \
             || ',%')) \
             AND (CAST($5 AS TEXT) IS NULL OR a.label = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR COALESCE(a.profile_id, '') = $6) ORDER BY ",
            $by,
            " LIMIT $3"
        )
    };
}

/// Selects the last row that a page may read.
macro_rules! window {
    ($of:literal, $by:literal) => {
        concat!(
            "SELECT a.usable_at, a.id FROM connection_account AS a WHERE ",
            $of,
            " ORDER BY ",
            $by,
            " LIMIT 1 OFFSET $3"
        )
    };
}

// Each text takes all binds. In the text for all owners, a kind that is `NULL` filters nothing.
pub(super) const OF_ALL: &str = page!(
    "CAST($9 AS TEXT) IS NULL AND (CAST($10 AS TEXT) IS NULL OR a.kind = $10) \
     AND (a.usable_at, a.id) > ($1, $2) AND (a.usable_at, a.id) <= ($7, $8)",
    "a.usable_at, a.id"
);
pub(super) const OF_OWNER: &str = page!(
    "a.owner = $9 AND CAST($10 AS TEXT) IS NULL \
     AND (a.usable_at, a.id) > ($1, $2) AND (a.usable_at, a.id) <= ($7, $8)",
    "a.usable_at, a.id"
);
// The kind is compared together with the position. If it were a separate condition, SQLite would choose the index
// of the owner and read every kind. If the owner were in the same comparison, SQLite would sort all rows of the
// kind once the tables were analyzed.
pub(super) const OF_KIND: &str = page!(
    "a.owner = $9 AND (a.kind, a.usable_at, a.id) > ($10, $1, $2) \
     AND (a.kind, a.usable_at, a.id) <= ($10, $7, $8)",
    "a.kind, a.usable_at, a.id"
);
pub(super) const OF_LABEL: &str = page!(
    "a.owner = $9 AND a.kind = $10 AND a.label = $5 AND (a.usable_at, a.id) > ($1, $2) \
     AND (a.usable_at, a.id) <= ($7, $8)",
    "a.usable_at, a.id"
);
// The tag is compared together with the position, as the kind is.
pub(super) const OF_TAG: &str = page!(
    "JOIN connection_tag AS t ON t.connection_id = a.id ",
    "t.owner = $9 AND (CAST($10 AS TEXT) IS NULL OR a.kind = $10) AND t.name = $11 AND t.value = $12 \
     AND (t.usable_at, t.connection_id) > ($1, $2) AND (t.usable_at, t.connection_id) <= ($7, $8)",
    "t.usable_at, t.connection_id"
);
pub(super) const WINDOW_OF_TAG: &str = "SELECT t.usable_at, t.connection_id FROM connection_tag AS t WHERE t.owner = $4 AND t.name = $5 \
     AND t.value = $6 AND (t.usable_at, t.connection_id) > ($1, $2) ORDER BY t.usable_at, t.connection_id \
     LIMIT 1 OFFSET $3";
pub(super) const WINDOW_OF_ALL: &str = window!("(a.usable_at, a.id) > ($1, $2)", "a.usable_at, a.id");
pub(super) const WINDOW_OF_OWNER: &str =
    window!("a.owner = $4 AND (a.usable_at, a.id) > ($1, $2)", "a.usable_at, a.id");
pub(super) const WINDOW_OF_KIND: &str = window!(
    "a.owner = $4 AND (a.kind, a.usable_at, a.id) > ($5, $1, $2) AND a.kind <= $5",
    "a.kind, a.usable_at, a.id"
);

impl ListFilter {
    /// Returns `true` if rows of the index may be skipped.
    fn passes_over(&self) -> bool {
        let named = self.label.is_some() && !self.is_label();
        let one_of_all = self.owner.is_none() && self.kind.is_some();
        named
            || one_of_all
            || self.kinds.is_some()
            || self.profile.is_some()
            || self.kind.is_some() && self.tag_of_owner().is_some()
    }

    /// Returns the tag whose index the page walks.
    fn tag_of_owner(&self) -> Option<&(String, String)> {
        self.tag.as_ref().filter(|_| self.owner.is_some())
    }

    /// Returns `true` if at most one row can match.
    fn is_label(&self) -> bool {
        self.owner.is_some() && self.kind.is_some() && self.label.is_some()
    }
}

impl Reader {
    /// Returns a page in the order in which connections became usable, and the position of the next page if there
    /// may be one.
    pub(crate) async fn list(&mut self, wanted: &ListFilter) -> Result<(Vec<FoundRow>, Option<Place>), StoreError> {
        let next = if wanted.passes_over() { self.window(wanted).await? } else { None };
        let rows = self.rows(wanted, next.unwrap_or((i64::MAX, Uuid::max()))).await?;
        if rows.len() as i64 >= wanted.limit {
            let last = rows.iter().rev().find_map(|found| found.place);
            return Ok((rows, last));
        }
        Ok((rows, next))
    }

    async fn rows(&mut self, wanted: &ListFilter, until: Place) -> Result<Vec<FoundRow>, StoreError> {
        let ListFilter { owner, kind, kinds, label, profile, limit, .. } = wanted;
        let (at, id) = wanted.after();
        let (until_at, until_id) = until;
        if let Some((name, value)) = wanted.tag_of_owner() {
            return all!(
                self, FoundRow, OF_TAG, at, id, limit, kinds, label, profile, until_at, until_id, owner, kind, name,
                value
            );
        }
        let sql = match (owner, kind) {
            (None, _) => OF_ALL,
            (Some(_), None) => OF_OWNER,
            (Some(_), Some(_)) if wanted.is_label() => OF_LABEL,
            (Some(_), Some(_)) => OF_KIND,
        };
        all!(self, FoundRow, sql, at, id, limit, kinds, label, profile, until_at, until_id, owner, kind)
    }

    /// Returns the number of connections of an owner or of all owners, of one kind or of all kinds. It counts every
    /// row.
    pub(crate) async fn count_accounts(&mut self, owner: Option<&str>, kind: Option<&str>) -> Result<u64, StoreError> {
        const OF_ALL: &str = "SELECT COUNT(*) FROM connection_account";
        const OF_ALL_AND_KIND: &str = "SELECT COUNT(*) FROM connection_account WHERE kind = $1";
        const OF_OWNER: &str = "SELECT COUNT(*) FROM connection_account WHERE owner = $1";
        const OF_OWNER_AND_KIND: &str = "SELECT COUNT(*) FROM connection_account WHERE owner = $1 AND kind = $2";
        let found = match (owner, kind) {
            (None, None) => optional!(self, (i64,), OF_ALL)?,
            (None, Some(kind)) => optional!(self, (i64,), OF_ALL_AND_KIND, kind)?,
            (Some(owner), None) => optional!(self, (i64,), OF_OWNER, owner)?,
            (Some(owner), Some(kind)) => optional!(self, (i64,), OF_OWNER_AND_KIND, owner, kind)?,
        };
        Ok(found.map_or(0, |(count,)| u64::try_from(count).unwrap_or(0)))
    }

    /// Returns the last row that a page may read; `None` if fewer rows than a window follow.
    async fn window(&mut self, wanted: &ListFilter) -> Result<Option<Place>, StoreError> {
        let (at, id) = wanted.after();
        if let Some((name, value)) = wanted.tag_of_owner() {
            return optional!(self, Place, WINDOW_OF_TAG, at, id, WINDOW - 1, &wanted.owner, name, value);
        }
        match (&wanted.owner, &wanted.kind) {
            (None, _) => optional!(self, Place, WINDOW_OF_ALL, at, id, WINDOW - 1),
            (Some(owner), None) => optional!(self, Place, WINDOW_OF_OWNER, at, id, WINDOW - 1, owner),
            (Some(owner), Some(kind)) => optional!(self, Place, WINDOW_OF_KIND, at, id, WINDOW - 1, owner, kind),
        }
    }
}

impl ListFilter {
    fn after(&self) -> Place {
        self.after.unwrap_or((i64::MIN, Uuid::nil()))
    }
}
