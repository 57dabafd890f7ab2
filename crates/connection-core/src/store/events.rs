//! Queries of `connection_event`, and the chain that reveals edits.
//!
//! An event is written in the transaction of the change that it describes. Its chain is a MAC over the previous
//! chain and each field of the event with its length, so that no row can be changed, moved, or removed from the
//! middle unnoticed.

use uuid::Uuid;

use super::{
    Reader, StoreError, Tx,
    columns::row,
    engine::{all, later, optional},
    extensions::extension_of,
    freezes::{freeze_columns, freeze_join},
    row_events::newest,
    rows::{AccountFacts, AccountRow, EventRow, NewestEvent, RowClaim, Standing, StoredEvent},
    signals::Changed,
};
use crate::ids::ConnectionId;

row! {
    /// The row of a connection with its newest event, both from the same moment.
    #[derive(Clone, Debug)]
    pub(crate) struct StandingRow {
        pub(crate) account: AccountFacts,
        pub(super) newest: Newest,
    }
}

row! {
    /// The columns of a [`NewestEvent`] under other names; all `None` if there is no event.
    #[derive(Clone, Debug, Default)]
    pub(super) struct Newest {
        id as e_id: Option<Uuid>,
        owner as e_owner: Option<String>,
        connection_id as e_connection_id: Option<Uuid>,
        seq as e_seq: Option<i64>,
        at as e_at: Option<i64>,
        kind as e_kind: Option<String>,
        body as e_body: Option<String>,
        chain as e_chain: Option<Vec<u8>>,
        generation as e_generation: Option<i64>,
        facts as e_facts: Option<Vec<u8>>,
        before as e_before: Option<Vec<u8>>,
    }
}

impl Newest {
    fn event(&self) -> Option<NewestEvent> {
        let Self { id, owner, connection_id, seq, at, kind, body, chain, generation, facts, before } = self.clone();
        let event = StoredEvent {
            id: id?,
            owner: owner?,
            connection_id: ConnectionId::from(connection_id?),
            seq: seq?,
            at: at?,
            kind: kind?,
            body: body?,
            chain: chain?,
            generation,
            facts,
        };
        Some(NewestEvent { event, before })
    }
}

/// The difference between a row and what its newest event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowDifference {
    /// The event says something else.
    Edited,
    /// The row is of an older credential than the event.
    Outdated,
    /// The event says that the connection was removed.
    Removed,
    /// No event with a valid chain describes the row.
    Untold,
}

impl StandingRow {
    /// Returns the row of a connection that this job has inserted. It has no event yet.
    pub(crate) fn inserted(account: &AccountRow) -> Self {
        Self { account: AccountFacts::of(account), newest: Newest::default() }
    }

    /// Returns how the row differs from what its newest event says. An event that is not linked to the one before
    /// it counts as missing.
    pub(crate) fn row_difference(&self, mac: Mac<'_>) -> Option<RowDifference> {
        let said = self.newest.event().filter(|newest| is_linked(newest, mac));
        let Some(said) = said.and_then(|newest| newest.event.standing()) else { return Some(RowDifference::Untold) };
        if said == Standing::REMOVED {
            return Some(RowDifference::Removed);
        }
        let is = standing(&self.account, mac);
        match is.generation.cmp(&said.generation) {
            std::cmp::Ordering::Less => Some(RowDifference::Outdated),
            std::cmp::Ordering::Equal if is == said => None,
            _ => Some(RowDifference::Edited),
        }
    }
}

/// A MAC under a key of the keyset.
pub(crate) type Mac<'a> = &'a (dyn Fn(&[u8]) -> [u8; 32] + Send + Sync);

macro_rules! stored {
    ($rest:literal) => {
        concat!(
            "SELECT id, owner, connection_id, seq, at, kind, body, chain, generation, facts FROM connection_event WHERE ",
            $rest
        )
    };
}

pub(super) const OF_OWNER: &str = stored!("owner = $1 AND id > $2 ORDER BY id LIMIT $3");
pub(super) const OF_ALL_NEWEST: &str = stored!("id < $1 ORDER BY id DESC LIMIT $2");
pub(super) const OF_OWNER_NEWEST: &str = stored!("owner = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
// Finds all events of a connection if any of them has this owner: an event whose owner was edited is a break in the
// chain that must be seen. The owner is compared as an expression, so that no plan walks all events of the owner.
pub(super) const OF_CONNECTION: &str = stored!(
    "connection_id = $1 AND seq > $3 AND EXISTS \
     (SELECT 1 FROM connection_event AS own WHERE own.connection_id = $1 AND own.owner || '' = $2) ORDER BY seq LIMIT $4"
);
pub(super) const IDS: &str = "SELECT id FROM connection_event WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3";
/// The newest event of a connection, and the chain of the one before it.
pub(super) const NEWEST: &str = "SELECT e.id, e.owner, e.connection_id, e.seq, e.at, e.kind, e.body, e.chain, \
     e.generation, e.facts, (SELECT p.chain FROM connection_event AS p \
     WHERE p.connection_id = e.connection_id AND p.seq = e.seq - 1) AS before \
     FROM connection_event AS e WHERE e.connection_id = $1 ORDER BY e.seq DESC LIMIT 1";

/// The columns of a [`Newest`], with the prefix `e_` because a join reads them beside those of another table.
macro_rules! newest_columns {
    () => {
        "e.id AS e_id, e.owner AS e_owner, e.connection_id AS e_connection_id, \
         e.seq AS e_seq, e.at AS e_at, e.kind AS e_kind, e.body AS e_body, e.chain AS e_chain, \
         e.generation AS e_generation, e.facts AS e_facts, (SELECT p.chain FROM connection_event AS p \
         WHERE p.connection_id = e.connection_id AND p.seq = e.seq - 1) AS e_before"
    };
}

/// Joins the newest event of a connection.
macro_rules! newest_join {
    () => {
        "LEFT JOIN connection_event AS e ON e.connection_id = a.id AND e.seq = \
         (SELECT MAX(n.seq) FROM connection_event AS n WHERE n.connection_id = a.id) "
    };
}

pub(super) use {newest_columns, newest_join};

macro_rules! standing {
    ($columns:expr, $join:expr, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            "a.id AS a_id, a.owner AS a_owner, a.kind AS a_kind, a.profile_id AS a_profile_id, a.label AS a_label, \
             a.account_id AS a_account_id, a.is_default AS a_is_default, a.config AS a_config, \
             a.terms AS a_terms, a.generation AS a_generation, ",
            newest_columns!(),
            " FROM connection_account AS a ",
            $join,
            newest_join!(),
            "WHERE ",
            $rest
        )
    };
}

pub(super) const STANDING: &str = standing!("", "", "a.id = $1");
pub(super) const STANDINGS: &str = standing!("", "", "a.id > $1 ORDER BY a.id LIMIT $2");
pub(super) const IN_USE: &str = standing!(
    concat!(
        "c.connection_id, c.generation, c.state, c.sealed, c.key_id, c.secret_names, c.granted_scopes, c.valid_until, \
     c.created_at, c.renew_at, c.authorized_until, c.refreshed_at, c.refresh_at, c.refresh_failures, \
     c.refresh_reason, c.announced_at, a.account_label AS a_account_label, a.revision AS a_revision, \
     a.next_generation AS a_next_generation, a.state AS a_state, a.created_at AS a_created_at, \
     a.updated_at AS a_updated_at, a.tags AS a_tags, a.usable_at AS a_usable_at, l.liveness, l.reason, l.checked_at, \
     l.next_check_at, l.paused_until, l.refused_at, l.refused_by, l.failures, x.mark AS declared_mark, ",
        newest!("x.owner", "x.mark"),
        " AS declared_newest, ",
        freeze_columns!(),
        ", "
    ),
    concat!(
        "JOIN connection_credential AS c ON c.connection_id = a.id AND c.generation = a.generation \
     AND c.state = 'current' LEFT JOIN connection_liveness AS l ON l.connection_id = a.id \
     LEFT JOIN connection_extension AS x ON x.owner = a.owner \
     AND x.name = ",
        extension_of!("a.kind"),
        " ",
        freeze_join!()
    ),
    "a.id = $1"
);

pub(super) const ALL_IDS: &str = "SELECT id FROM connection_event WHERE id > $1 ORDER BY id LIMIT $2";
pub(super) const LAST_ID_OF_ALL: &str = "SELECT id FROM connection_event WHERE id > $1 ORDER BY id DESC LIMIT 1";
pub(super) const LAST_ID: &str = "SELECT id FROM connection_event WHERE owner = $1 ORDER BY id DESC LIMIT 1";

impl Reader {
    /// Returns events of an owner, oldest first.
    pub(crate) async fn events_of_owner(
        &mut self,
        owner: &str,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        all!(self, StoredEvent, OF_OWNER, owner, after, limit)
    }

    /// Returns events of an owner, newest first.
    pub(crate) async fn newest_events_of_owner(
        &mut self,
        owner: &str,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        all!(self, StoredEvent, OF_OWNER_NEWEST, owner, before, limit)
    }

    /// Returns events of a connection, in the order of their numbers.
    pub(crate) async fn events_of(
        &mut self,
        connection: ConnectionId,
        owner: &str,
        after: i64,
        limit: i64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        all!(self, StoredEvent, OF_CONNECTION, connection.as_uuid(), owner, after, limit)
    }

    /// Returns the ids of events of one owner, or of all owners.
    pub(crate) async fn event_ids(
        &mut self,
        owner: Option<&str>,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<Uuid>, StoreError> {
        let ids = match owner {
            Some(owner) => all!(self, (Uuid,), IDS, owner, after, limit)?,
            None => all!(self, (Uuid,), ALL_IDS, after, limit)?,
        };
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// Returns the newest event of one owner, or of all owners.
    pub(crate) async fn last_event(&mut self, owner: Option<&str>) -> Result<Option<Uuid>, StoreError> {
        let last = match owner {
            Some(owner) => optional!(self, (Uuid,), LAST_ID, owner)?,
            None => optional!(self, (Uuid,), LAST_ID_OF_ALL, Uuid::nil())?,
        };
        Ok(last.map(|(id,)| id))
    }

    /// Returns a connection and its newest event.
    pub(crate) async fn standing(&mut self, id: ConnectionId) -> Result<Option<StandingRow>, StoreError> {
        optional!(self, StandingRow, STANDING, id.as_uuid())
    }

    /// Returns a page of all connections of all owners, each as [`standing`](Self::standing) does.
    pub(crate) async fn standings(&mut self, after: Uuid, limit: i64) -> Result<Vec<StandingRow>, StoreError> {
        all!(self, StandingRow, STANDINGS, after, limit)
    }

    pub(crate) async fn event(&mut self, id: Uuid) -> Result<Option<StoredEvent>, StoreError> {
        optional!(self, StoredEvent, stored!("id = $1"), id)
    }
}

impl Tx {
    /// Gives the event its number and chain, and stores it.
    pub(crate) async fn append_event(&mut self, event: &EventRow, mac: Mac<'_>) -> Result<(), StoreError> {
        let (account, newest) = self.standing_before(event).await?;
        self.append_event_to(event, account.as_ref(), newest, mac).await
    }

    /// Stores the event of a change of a row that this job has read, with its newest event, or has inserted. `row` has
    /// the change.
    pub(crate) async fn append_row_change(
        &mut self,
        event: &EventRow,
        row: &StandingRow,
        mac: Mac<'_>,
    ) -> Result<(), StoreError> {
        self.append_event_to(event, Some(&row.account), row.newest.event(), mac).await
    }

    async fn append_event_to(
        &mut self,
        event: &EventRow,
        account: Option<&AccountFacts>,
        newest: Option<NewestEvent>,
        mac: Mac<'_>,
    ) -> Result<(), StoreError> {
        const SQL: &str = "INSERT INTO connection_event (id, owner, connection_id, seq, at, kind, body, chain, \
                           generation, facts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        self.changed(Changed::Connection(event.connection_id));
        let standing = standing_by_event(event, account, newest.as_ref(), mac);
        let (last, before) = newest.map(|newest| (newest.event.seq, newest.event.chain)).unzip();
        // The number reaches its maximum only if the database was edited.
        let Some(seq) = i64::checked_add(last.unwrap_or_default(), 1) else {
            let detail = "the events of a connection have no next number".into();
            return Err(StoreError::Corrupt { place: self.place.to_string(), detail });
        };
        let chain = chain(before.as_deref().unwrap_or_default(), seq, event, standing.as_ref(), mac);
        let (generation, facts) = standing.map(|standing| (standing.generation, standing.facts)).unzip();
        later!(
            self,
            SQL,
            event.id,
            &event.owner,
            event.connection_id.as_uuid(),
            seq,
            event.at,
            &event.kind,
            &event.body,
            &chain[..],
            generation,
            &facts
        )?;
        let EventRow { id, owner, connection_id, at, kind, body, says: _ } = event.clone();
        let event =
            StoredEvent { id, owner, connection_id, seq, at, kind, body, chain: chain.to_vec(), generation, facts };
        self.set_appended(Some(NewestEvent { event, before }));
        Ok(())
    }

    /// Returns the row of the connection, if the event describes the row, and the newest event before this one. An
    /// event that this job appended is not read again, because the caller holds the connection's lock.
    async fn standing_before(
        &mut self,
        event: &EventRow,
    ) -> Result<(Option<AccountFacts>, Option<NewestEvent>), StoreError> {
        let id = event.connection_id;
        let is_of_row = matches!(event.says, RowClaim::Made | RowClaim::Credential | RowClaim::Row);
        if let Some(newest) = self.take_appended().filter(|newest| newest.event.connection_id == id) {
            let account = if is_of_row { self.account(id).await? } else { None };
            return Ok((account.as_ref().map(AccountFacts::of), Some(newest)));
        }
        if is_of_row && let Some(row) = self.standing(id).await? {
            let newest = row.newest.event();
            return Ok((Some(row.account), newest));
        }
        Ok((None, optional!(self, NewestEvent, NEWEST, id.as_uuid())?))
    }
}

/// Returns the state of the connection according to this event.
///
/// An event that is not linked to the one before it contributes nothing. If no earlier event has described the
/// connection, only its first event may do so; otherwise the program itself would confirm an edited row.
fn standing_by_event(
    event: &EventRow,
    account: Option<&AccountFacts>,
    newest: Option<&NewestEvent>,
    mac: Mac<'_>,
) -> Option<Standing> {
    let before = newest.filter(|newest| is_linked(newest, mac)).and_then(|newest| newest.event.standing());
    let is_made = event.says == RowClaim::Made && newest.is_none();
    match (event.says, &before) {
        (RowClaim::Removed, _) => return Some(Standing::REMOVED),
        (RowClaim::Made, _) if is_made => {}
        (RowClaim::Row | RowClaim::Credential, Some(before)) if *before != Standing::REMOVED => {}
        _ => return before,
    }
    let Some(account) = account else { return before };
    let is = standing(account, mac);
    let Some(before) = before else { return Some(is) };
    Some(match event.says {
        RowClaim::Credential if is.generation > before.generation => Standing { facts: before.facts, ..is },
        // The caller that changes the row has checked it against `before` in this transaction. A generation is
        // drawn when a credential is sealed, and one that was drawn earlier may be stored later. A lower generation
        // is therefore no sign of an edit.
        RowClaim::Row => is,
        // The row is older than the event, so the state of the event is kept.
        _ => before,
    })
}

/// Computes the state that an event records for the row as it is.
fn standing(account: &AccountFacts, mac: Mac<'_>) -> Standing {
    let AccountFacts { id, owner, kind, profile_id, label, account_id, is_default, config, terms, generation } =
        account;
    let id = id.as_uuid();
    let parts: [&[u8]; 12] = [
        b"connection_account/facts/v1",
        id.as_bytes(),
        owner.as_bytes(),
        kind.as_bytes(),
        &[u8::from(profile_id.is_some())],
        profile_id.as_deref().unwrap_or_default().as_bytes(),
        label.as_bytes(),
        account_id.as_bytes(),
        &[u8::from(*is_default)],
        config.as_bytes(),
        &[u8::from(terms.is_some())],
        terms.as_deref().unwrap_or_default(),
    ];
    Standing { generation: *generation, facts: mac(&joined(&parts)).to_vec() }
}

/// Concatenates the parts, each with its length before it.
pub(super) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn is_linked(newest: &NewestEvent, mac: Mac<'_>) -> bool {
    let NewestEvent { event, before } = newest;
    let is_first = event.seq == 1;
    is_first == before.is_none()
        && broken_link(before.as_deref().unwrap_or_default(), event.seq, std::slice::from_ref(event), mac).is_none()
}

/// Returns the chain of an event after `before`, which is empty for the first event.
fn chain(before: &[u8], seq: i64, event: &EventRow, standing: Option<&Standing>, mac: Mac<'_>) -> [u8; 32] {
    let EventRow { id, owner, connection_id, at, kind, body, says: _ } = event;
    let connection_id = connection_id.as_uuid();
    let seq = seq.to_be_bytes();
    let at = at.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![
        before,
        id.as_bytes(),
        owner.as_bytes(),
        connection_id.as_bytes(),
        &seq,
        &at,
        kind.as_bytes(),
        body.as_bytes(),
    ];
    // Events from before these fields existed do not contain them.
    let generation = standing.map(|standing| standing.generation.to_be_bytes());
    if let (Some(standing), Some(generation)) = (standing, &generation) {
        parts.extend([&generation[..], &standing.facts]);
    }
    mac(&joined(&parts))
}

/// Returns the number of the first event whose chain is not valid. The events follow the event with the chain
/// `before`, which is empty for the first one, and their numbers begin with `first`.
pub(crate) fn broken_link(before: &[u8], first: i64, events: &[StoredEvent], mac: Mac<'_>) -> Option<i64> {
    let mut before = before;
    for (event, seq) in events.iter().zip(first..) {
        let StoredEvent { id, owner, connection_id, at, kind, body, .. } = event.clone();
        let row = EventRow { id, owner, connection_id, at, kind, body, says: RowClaim::Same };
        let standing = event.standing();
        let is_half = event.generation.is_some() != event.facts.is_some();
        if is_half || event.seq != seq || chain(before, seq, &row, standing.as_ref(), mac)[..] != event.chain {
            return Some(seq);
        }
        before = &event.chain;
    }
    None
}
