//! Queries of `connection_event`, and the chain that shows an edit.
//!
//! An event is written in the transaction of the change that it tells of. Its chain is a MAC over the chain before it and
//! each of its own fields with its length, so that no row can be changed, moved or taken from the middle unseen.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    changes::Changed,
    engine::{all, execute, optional},
    rows::{EventRow, StoredEvent},
};
use crate::ids::ConnectionId;

/// A MAC under a key of the keyset.
pub(crate) type Mac<'a> = &'a (dyn Fn(&[u8]) -> [u8; 32] + Send + Sync);

macro_rules! stored {
    ($rest:literal) => {
        concat!("SELECT id, owner, connection_id, seq, at, kind, body, chain FROM connection_event WHERE ", $rest)
    };
}

pub(super) const OF_OWNER: &str = stored!("owner = $1 AND id > $2 ORDER BY id LIMIT $3");
// Those of an owner by any of them: one whose owner was edited is a break that must be seen.
pub(super) const OF_CONNECTION: &str = stored!(
    "connection_id = $1 AND seq > $3 AND EXISTS \
     (SELECT 1 FROM connection_event AS own WHERE own.connection_id = $1 AND own.owner = $2) ORDER BY seq LIMIT $4"
);
pub(super) const IDS: &str = "SELECT id FROM connection_event WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3";
pub(super) const LAST_ID: &str = "SELECT id FROM connection_event WHERE owner = $1 ORDER BY id DESC LIMIT 1";

impl Reader {
    /// Oldest first.
    pub(crate) async fn events_of_owner(
        &mut self,
        owner: &str,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        all!(self, StoredEvent, OF_OWNER, owner, after, limit)
    }

    /// In the order of their numbers.
    pub(crate) async fn events_of(
        &mut self,
        connection: ConnectionId,
        owner: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        all!(self, StoredEvent, OF_CONNECTION, connection.as_uuid(), owner, after, limit)
    }

    pub(crate) async fn event_ids(&mut self, owner: &str, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
        let ids = all!(self, (Uuid,), IDS, owner, after, limit)?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    pub(crate) async fn last_event(&mut self, owner: &str) -> Result<Option<Uuid>, StoreError> {
        Ok(optional!(self, (Uuid,), LAST_ID, owner)?.map(|(id,)| id))
    }

    pub(crate) async fn event(&mut self, id: Uuid) -> Result<Option<StoredEvent>, StoreError> {
        optional!(self, StoredEvent, stored!("id = $1"), id)
    }
}

impl Tx {
    /// Gives the event its number and chain, and records it.
    pub(crate) async fn append_event(&mut self, event: &EventRow, mac: Mac<'_>) -> Result<(), StoreError> {
        const LAST: &str = "SELECT seq, chain FROM connection_event WHERE connection_id = $1 \
                            ORDER BY seq DESC LIMIT 1";
        const SQL: &str = "INSERT INTO connection_event (id, owner, connection_id, seq, at, kind, body, chain) \
                           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        self.changed(Changed::Connection(event.connection_id));
        let (last, before) = optional!(self, (i64, Vec<u8>), LAST, event.connection_id.as_uuid())?.unwrap_or_default();
        // Only an edit comes that far.
        let Some(seq) = i64::checked_add(last, 1) else {
            let detail = "the events of a connection have no next number".into();
            return Err(StoreError::Corrupt { place: self.place.to_string(), detail });
        };
        let chain = chain(&before, seq, event, mac);
        execute!(
            self,
            SQL,
            event.id,
            &event.owner,
            event.connection_id.as_uuid(),
            seq,
            event.at,
            &event.kind,
            &event.body,
            &chain[..]
        )
        .map(drop)
    }
}

/// The chain of an event behind `before`, which is empty for the first.
fn chain(before: &[u8], seq: i64, event: &EventRow, mac: Mac<'_>) -> [u8; 32] {
    let EventRow { id, owner, connection_id, at, kind, body } = event;
    let mut bytes = Vec::new();
    let connection_id = connection_id.as_uuid();
    let (seq, at) = (seq.to_be_bytes(), at.to_be_bytes());
    let parts: [&[u8]; 8] = [
        before,
        id.as_bytes(),
        owner.as_bytes(),
        connection_id.as_bytes(),
        &seq,
        &at,
        kind.as_bytes(),
        body.as_bytes(),
    ];
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    mac(&bytes)
}

/// Finds the first event whose chain is not what it was when it was written. They follow on the event with the chain
/// `before`, which is empty for the first, and begin with the number `first`.
pub(crate) fn broken_link(before: &[u8], first: i64, events: &[StoredEvent], mac: Mac<'_>) -> Option<i64> {
    let mut before = before;
    for (event, seq) in events.iter().zip(first..) {
        let StoredEvent { id, owner, connection_id, at, kind, body, .. } = event.clone();
        let row = EventRow { id, owner, connection_id, at, kind, body };
        if event.seq != seq || chain(before, seq, &row, mac)[..] != event.chain {
            return Some(seq);
        }
        before = &event.chain;
    }
    None
}
