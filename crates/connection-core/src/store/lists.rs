//! Pages of connections, by key. What a page costs does not depend on how many connections there are.
//!
//! Each text walks one index in the order of the page. Where a filter may pass over many rows, the walk is cut first, so
//! that no page looks at more than a window of rows; such a page may hold less than it could, and the next one goes on.

use uuid::Uuid;

use super::{Reader, StoreError, accounts::listed, engine::all, rows::FoundRow};
use crate::ids::ConnectionId;

/// So many rows are looked at for one page.
const WINDOW: i64 = 1000;

/// Which rows to list. What is `None` or `false` filters nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Of all owners otherwise.
    pub(crate) owner: Option<String>,
    pub(crate) kind: Option<String>,
    /// Of one of these; see [`any_of`].
    pub(crate) kinds: Option<String>,
    pub(crate) label: Option<String>,
    /// One of these; see [`any_of`].
    pub(crate) liveness: Option<String>,
    /// With a credential that ends by then.
    pub(crate) valid_until: Option<i64>,
    /// What ends of these kinds is the authorization; see [`any_of`].
    pub(crate) renewing: String,
    pub(crate) only_default: bool,
    /// An empty one is none: of no profile.
    pub(crate) profile: Option<String>,
    pub(crate) after: Option<ConnectionId>,
    pub(crate) limit: i64,
}

/// Words as one text to bind: a list of them has no type on every engine. No word holds a comma or a sign of `LIKE`.
pub(crate) fn any_of<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().fold(",".to_owned(), |text, word| text + word + ",")
}

macro_rules! page {
    ($of:literal, $by:literal) => {
        listed!(
            $of,
            " AND (CAST($4 AS TEXT) IS NULL OR $4 LIKE '%,' || a.kind || ',%') \
             AND (CAST($5 AS TEXT) IS NULL OR a.label = $5) \
             AND (CAST($6 AS TEXT) IS NULL OR $6 LIKE '%,' || CASE WHEN l.liveness IN ('live', 'offline', 'failing') \
             THEN l.liveness ELSE 'unknown' END || ',%') \
             AND (CAST($7 AS BIGINT) IS NULL OR CASE WHEN $9 LIKE '%,' || a.kind || ',%' \
             THEN c.authorized_until ELSE c.valid_until END <= $7) AND (NOT $8 OR a.is_default) \
             AND (CAST($10 AS TEXT) IS NULL OR COALESCE(a.profile_id, '') = $10) ORDER BY ",
            $by,
            " LIMIT $3"
        )
    };
}

macro_rules! window {
    ($of:literal, $by:literal) => {
        concat!("SELECT a.id FROM connection_account AS a WHERE ", $of, " ORDER BY ", $by, " LIMIT $2")
    };
}

pub(super) const OF_ALL: &str = page!("a.id > $1 AND a.id <= $2", "a.id");
pub(super) const OF_OWNER: &str = page!("a.owner = $11 AND a.id > $1 AND a.id <= $2", "a.id");
// Compared as a whole: for equal parts SQLite takes the index of the owner, and looks at every kind.
pub(super) const OF_KIND: &str = page!(
    "(a.owner, a.kind, a.id) > ($11, $12, $1) AND (a.owner, a.kind, a.id) <= ($11, $12, $2)",
    "a.owner, a.kind, a.id"
);
pub(super) const OF_LABEL: &str =
    page!("a.owner = $11 AND a.kind = $12 AND a.label = $5 AND a.id > $1 AND a.id <= $2", "a.id");
pub(super) const WINDOW_OF_ALL: &str = window!("a.id > $1", "a.id");
pub(super) const WINDOW_OF_OWNER: &str = window!("a.owner = $3 AND a.id > $1", "a.id");
pub(super) const WINDOW_OF_KIND: &str =
    window!("(a.owner, a.kind, a.id) > ($3, $4, $1) AND (a.owner, a.kind) <= ($3, $4)", "a.owner, a.kind, a.id");

impl Wanted {
    /// Whether rows that an index leads to may be passed over.
    fn passes_over(&self) -> bool {
        let named = self.label.is_some() && !self.is_label();
        let one_of_all = self.owner.is_none() && self.kind.is_some();
        named
            || one_of_all
            || self.kinds.is_some()
            || self.liveness.is_some()
            || self.valid_until.is_some()
            || self.only_default
            || self.profile.is_some()
    }

    /// Whether it is one row at most.
    fn is_label(&self) -> bool {
        self.owner.is_some() && self.kind.is_some() && self.label.is_some()
    }
}

impl Reader {
    /// A page in the order of ids, and where the next one begins, if there may be one.
    pub(crate) async fn list(&mut self, wanted: &Wanted) -> Result<(Vec<FoundRow>, Option<ConnectionId>), StoreError> {
        let (mut until, mut next) = (Uuid::max(), None);
        if wanted.passes_over() {
            let window = self.window(wanted).await?;
            let Some(last) = window.last() else { return Ok((Vec::new(), None)) };
            (until, next) = (*last, (window.len() as i64 == WINDOW).then(|| ConnectionId::from(*last)));
        }
        let rows = self.rows(wanted, until).await?;
        if rows.len() as i64 >= wanted.limit {
            next = rows.iter().rev().find_map(|found| found.id);
        }
        Ok((rows, next))
    }

    async fn rows(&mut self, wanted: &Wanted, until: Uuid) -> Result<Vec<FoundRow>, StoreError> {
        let Wanted { owner, kind, kinds, label, liveness, valid_until, renewing, only_default, profile, limit, .. } =
            wanted;
        let after = wanted.after();
        match (owner, kind) {
            (None, kind) => {
                let kinds = kinds.clone().or_else(|| kind.as_deref().map(|kind| any_of([kind])));
                all!(
                    self,
                    FoundRow,
                    OF_ALL,
                    after,
                    until,
                    limit,
                    &kinds,
                    label,
                    liveness,
                    valid_until,
                    only_default,
                    renewing,
                    profile
                )
            }
            (Some(owner), None) => {
                all!(
                    self,
                    FoundRow,
                    OF_OWNER,
                    after,
                    until,
                    limit,
                    kinds,
                    label,
                    liveness,
                    valid_until,
                    only_default,
                    renewing,
                    profile,
                    owner
                )
            }
            (Some(owner), Some(kind)) => {
                let sql = if wanted.is_label() { OF_LABEL } else { OF_KIND };
                all!(
                    self,
                    FoundRow,
                    sql,
                    after,
                    until,
                    limit,
                    kinds,
                    label,
                    liveness,
                    valid_until,
                    only_default,
                    renewing,
                    profile,
                    owner,
                    kind
                )
            }
        }
    }

    async fn window(&mut self, wanted: &Wanted) -> Result<Vec<Uuid>, StoreError> {
        let after = wanted.after();
        let ids = match (&wanted.owner, &wanted.kind) {
            (None, _) => all!(self, (Uuid,), WINDOW_OF_ALL, after, WINDOW)?,
            (Some(owner), None) => all!(self, (Uuid,), WINDOW_OF_OWNER, after, WINDOW, owner)?,
            (Some(owner), Some(kind)) => all!(self, (Uuid,), WINDOW_OF_KIND, after, WINDOW, owner, kind)?,
        };
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }
}

impl Wanted {
    fn after(&self) -> Uuid {
        self.after.map_or(Uuid::nil(), ConnectionId::as_uuid)
    }
}
