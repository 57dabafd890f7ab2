//! Lists of connections: pages by key, without secrets, sealed or not.

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Timestamp};

use super::Shared;
use crate::{
    ConnectionId, ConnectionRegistry, Error,
    connection::json,
    liveness::words,
    store::rows::{FoundRow, ListedRow},
};

/// Stands for a kind that cannot be read. Nothing of such a row opens, also where a plugin has this name.
const UNREADABLE: Kind = Kind::from_static("unreadable");

/// What is known of a connection, as of when it was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// Its id.
    pub id: ConnectionId,
    /// Whose it is.
    pub owner: String,
    /// Its kind.
    pub kind: Kind,
    /// The provider; the kind itself when no plugin of it is registered.
    pub provider: Kind,
    /// Unique per owner and kind.
    pub label: DisplayText,
    /// Which account it reaches.
    pub identity: Identity,
    /// Whether it works, as last measured.
    pub liveness: Liveness,
    /// Why it is not live.
    pub reason: Option<Reason>,
    /// When it was last measured.
    pub checked_at: Option<Timestamp>,
    /// When its credential stops working, if the provider says so.
    pub valid_until: Option<Timestamp>,
    /// What the provider lets it do, if the provider says so.
    pub scopes: Option<Vec<String>>,
    /// Public configuration by field name.
    pub config: Vec<(String, String)>,
    /// Whether it is the default of its provider.
    pub is_default: bool,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When something but its liveness last changed.
    pub updated_at: Timestamp,
    /// Whether a plugin of its kind is registered; without one it can be removed only.
    pub registered: bool,
}

/// Which connections to list.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    kind: Option<Kind>,
    after: Option<ConnectionId>,
    limit: Option<u16>,
}

impl Filter {
    /// All of the owner's.
    pub fn new() -> Self {
        Self::default()
    }
    /// Of one kind.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }
    /// The page behind this one: [`Page::next`].
    #[must_use]
    pub fn after(mut self, id: ConnectionId) -> Self {
        self.after = Some(id);
        self
    }
    /// At most so many; 1,000 unless given.
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit.max(1));
        self
    }
}

/// Connections in the order in which they were made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The connections.
    pub connections: Vec<ConnectionInfo>,
    /// Where the next page begins, if there may be one.
    pub next: Option<ConnectionId>,
}

impl ConnectionRegistry {
    /// One page of the owner's connections, in the order in which they were made.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn list_connections(&self, filter: Filter) -> Result<Page, Error> {
        let limit = filter.limit.unwrap_or(1000);
        let mut reader = self.shared.reader().await?;
        let kind = filter.kind.as_ref().map(Kind::as_str);
        let rows = reader.list_accounts(Some(&self.owner), kind, filter.after, i64::from(limit)).await?;
        let full = rows.len() >= usize::from(limit);
        let next = rows.iter().rev().find_map(|found| found.id).filter(|_| full);
        let connections = rows.into_iter().filter_map(|found| self.shared.found(found)).collect();
        Ok(Page { connections, next })
    }
}

impl Shared {
    /// As [`info`](Self::info), of a row that may be unreadable.
    fn found(&self, FoundRow { id, row }: FoundRow) -> Option<ConnectionInfo> {
        if row.is_none() {
            tracing::warn!(connection = id.map(tracing::field::display), "the row of a connection cannot be read");
        }
        self.info(row?)
    }

    /// A row as hosts see it. One whose kind is no kind was written by nobody; it is listed, so that it can be removed.
    pub(crate) fn info(&self, row: ListedRow) -> Option<ConnectionInfo> {
        let ListedRow { account, liveness, reason, checked_at, granted_scopes, valid_until, .. } = row;
        let kind = Kind::parse(&account.kind).unwrap_or_else(|| {
            tracing::warn!(connection = %account.id, "the kind of a connection cannot be read");
            UNREADABLE
        });
        let entry = self.kinds.entry(&kind);
        let provider = entry.as_ref().map_or_else(|| kind.clone(), |entry| entry.descriptor.provider.clone());
        Some(ConnectionInfo {
            id: account.id,
            owner: account.owner,
            kind,
            provider,
            label: account.label.into(),
            identity: Identity::new(account.account_id, account.account_label),
            liveness: liveness.as_deref().map_or(Liveness::Unknown, words::to_liveness),
            reason: reason.as_deref().and_then(json::to_reason),
            checked_at: checked_at.map(Timestamp::from_seconds),
            valid_until: valid_until.map(Timestamp::from_seconds),
            scopes: granted_scopes.as_deref().and_then(json::to_texts),
            config: json::to_config(&account.config),
            is_default: account.is_default,
            created_at: Timestamp::from_seconds(account.created_at),
            updated_at: Timestamp::from_seconds(account.updated_at),
            registered: entry.is_some(),
        })
    }
}
