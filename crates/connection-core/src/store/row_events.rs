//! Queries of `connection_row_event`: a chain for each owner that records which rows were written or deleted.
//!
//! The number of an event is the revision of its row. A row whose mark has an older number than its newest event
//! was replaced by an older version. A deleted row has an event without a row.

use connection_contract::encode;

use super::{
    Reader, StoreError, Tx,
    engine::{Engine, all, later, optional},
    events::{Mac, joined},
    rows::{RowEvent, RowSign},
};
use crate::ids::ConnectionId;

/// The number of rows with marks that are read at once when all of them are looked at.
pub(super) const READ_AT_ONCE: i64 = 1000;

/// The owners of all rows with marks. The empty one has the rows that belong to no owner.
pub(crate) const OWNERS: &str = "SELECT '' AS owner UNION SELECT owner FROM connection_row_event \
     UNION SELECT owner FROM connection_access_token \
     UNION SELECT owner FROM connection_account \
     UNION SELECT owner FROM connection_agent \
     UNION SELECT owner FROM connection_agent_grant \
     UNION SELECT owner FROM connection_approval \
     UNION SELECT owner FROM connection_widening \
     UNION SELECT owner FROM connection_extension \
     UNION SELECT owner FROM connection_extension_choice \
     UNION SELECT owner FROM connection_extension_grant \
     UNION SELECT owner FROM connection_extension_preference \
     UNION SELECT owner FROM connection_extension_state \
     UNION SELECT owner FROM connection_profile \
     UNION SELECT owner FROM connection_profile_slot ORDER BY owner";
pub(super) const OF_OWNER: &str = "SELECT seq, subject, at, chain FROM connection_row_event \
                                   WHERE owner = $1 AND seq > $2 ORDER BY seq LIMIT $3";
/// The places in the list `$1` of the rows that were written later than the list says, and of those that were deleted
/// with the connection that the list names. Each engine has its own text, because no type for a list exists on both.
#[cfg(feature = "sqlite")]
pub(super) const WRITTEN_SINCE: &str = "SELECT CAST(j.key AS INTEGER) AS place FROM json_each($1) AS j \
     WHERE EXISTS (SELECT 1 FROM connection_row_event AS n WHERE n.owner = json_extract(j.value, '$[0]') \
     AND n.subject = unhex(json_extract(j.value, '$[1]')) AND n.seq > json_extract(j.value, '$[2]')) \
     UNION ALL SELECT CAST(j.key AS INTEGER) AS place FROM json_each($1) AS j \
     WHERE json_extract(j.value, '$[3]') IS NOT NULL AND NOT EXISTS (SELECT 1 FROM connection_account AS a \
     WHERE a.id = unhex(json_extract(j.value, '$[3]')))";
#[cfg(feature = "postgres")]
pub(super) const WRITTEN_SINCE_ON_POSTGRES: &str = "SELECT j.place - 1 AS place \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS j (row, place) \
     WHERE EXISTS (SELECT 1 FROM connection_row_event AS n WHERE n.owner = j.row ->> 0 \
     AND n.subject = decode(j.row ->> 1, 'hex') AND n.seq > CAST(j.row ->> 2 AS BIGINT)) \
     UNION ALL SELECT j.place - 1 AS place \
     FROM jsonb_array_elements(CAST($1 AS JSONB)) WITH ORDINALITY AS j (row, place) \
     WHERE j.row ->> 3 IS NOT NULL AND (SELECT a.id FROM connection_account AS a \
     WHERE a.id = CAST(j.row ->> 3 AS UUID)) IS NULL";

/// Selects the number of the newest event of the row whose mark is `$mark`, in a query that has `$owner`.
macro_rules! newest {
    ($owner:literal, $mark:literal) => {
        concat!(
            "(SELECT MAX(n.seq) FROM connection_row_event AS n WHERE n.owner = ",
            $owner,
            " AND n.subject = substr(",
            $mark,
            ", 1, 32))"
        )
    };
}

pub(super) use newest;

impl Reader {
    /// Returns the row events of an owner, in the order of their numbers.
    pub(crate) async fn row_events(
        &mut self,
        owner: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<RowEvent>, StoreError> {
        all!(self, RowEvent, OF_OWNER, owner, after, limit)
    }

    /// Returns those of these rows, each with its owner, that were written or deleted since. A row that is deleted with
    /// a connection comes with it, because no event tells of that.
    pub(crate) async fn written_since(
        &mut self,
        rows: &[(&str, RowSign, Option<ConnectionId>)],
    ) -> Result<Vec<RowSign>, StoreError> {
        let sql = match self.engine() {
            // If the connection is lost, no text is run.
            Engine::Lost => "",
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => WRITTEN_SINCE_ON_POSTGRES,
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => WRITTEN_SINCE,
        };
        let list = rows.iter().map(|(owner, row, connection)| {
            let connection = connection.map(|id| encode::hex(id.as_uuid().as_bytes()));
            serde_json::json!([owner, encode::hex(&row.subject), row.revision, connection])
        });
        let list = serde_json::Value::from_iter(list).to_string();
        let found = all!(self, (i64,), sql, &list)?;
        let places = found.into_iter().filter_map(|(place,)| usize::try_from(place).ok());
        Ok(places.filter_map(|place| rows.get(place)).map(|(_, row, _)| *row).collect())
    }

    /// Returns the owners that have row events, or rows that should have row events, with the empty name.
    pub(crate) async fn owners_of_marked_rows(&mut self) -> Result<Vec<String>, StoreError> {
        Ok(all!(self, (String,), OWNERS)?.into_iter().map(|(owner,)| owner).collect())
    }
}

impl Tx {
    /// Records that a row is written or deleted, and returns the number of the event. The caller holds the owner's
    /// lock.
    pub(crate) async fn append_row_event(
        &mut self,
        owner: &str,
        subject: &[u8; 32],
        at: i64,
        mac: Mac<'_>,
    ) -> Result<i64, StoreError> {
        const LAST: &str = "SELECT seq, subject, at, chain FROM connection_row_event WHERE owner = $1 \
                            ORDER BY seq DESC LIMIT 1";
        const SQL: &str =
            "INSERT INTO connection_row_event (owner, seq, subject, at, chain) VALUES ($1, $2, $3, $4, $5)";
        let last = optional!(self, RowEvent, LAST, owner)?;
        let (last, before) = last.map(|last| (last.seq, last.chain)).unwrap_or_default();
        // The number reaches its maximum only if the database was edited.
        let Some(seq) = i64::checked_add(last, 1) else {
            let detail = "the row events of an owner have no next number".into();
            return Err(StoreError::Corrupt { place: self.place.to_string(), detail });
        };
        let chain = chain(&before, owner, seq, subject, at, mac);
        later!(self, SQL, owner, seq, &subject[..], at, &chain[..])?;
        Ok(seq)
    }
}

fn chain(before: &[u8], owner: &str, seq: i64, subject: &[u8], at: i64, mac: Mac<'_>) -> [u8; 32] {
    let seq = seq.to_be_bytes();
    let at = at.to_be_bytes();
    mac(&joined(&[b"connection_row_event/v1", before, owner.as_bytes(), &seq, subject, &at]))
}

/// Returns the number of the first row event of an owner whose chain is not valid. The events follow the one with
/// the chain `before`, which is empty for the first one, and their numbers begin with `first`.
pub(crate) fn broken_row_link(
    before: &[u8],
    owner: &str,
    first: i64,
    events: &[RowEvent],
    mac: Mac<'_>,
) -> Option<i64> {
    let mut before = before;
    for (event, seq) in events.iter().zip(first..) {
        if event.seq != seq || chain(before, owner, seq, &event.subject, event.at, mac)[..] != event.chain {
            return Some(seq);
        }
        before = &event.chain;
    }
    None
}
