//! Lists of connections, in pages by key. They hold no secrets, neither sealed nor opened.

use std::time::Duration;

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Timestamp};

use super::{ListCursor, Shared};
use crate::{
    ConnectionId, ConnectionRegistry, Error, ProfileId,
    liveness::column,
    refresh::plan,
    store::{
        ListFilter, any_of, json,
        rows::{FoundRow, ListedRow},
    },
};

/// The kind of a row whose kind cannot be read. Nothing in such a row can be opened, even if a plugin has this name.
pub(super) const UNREADABLE: Kind = Kind::from_static("unreadable");

/// The information about a connection at the time it was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The id.
    pub id: ConnectionId,
    /// The owner.
    pub owner: String,
    /// The kind.
    pub kind: Kind,
    /// The provider. If no plugin of the kind is registered, this is the kind itself.
    pub provider: Kind,
    /// The label, which is unique per owner and kind.
    pub label: DisplayText,
    /// The account that the connection reaches.
    pub identity: Identity,
    /// The liveness, as last measured.
    pub liveness: Liveness,
    /// The reason why the connection is not live. For a live connection, the reason why its credential could not be
    /// refreshed, if an answer was lost or somebody has to fix something.
    pub reason: Option<Reason>,
    /// The time of the last measurement.
    pub checked_at: Option<Timestamp>,
    /// The time at which the credential stops working, if the provider says so.
    pub valid_until: Option<Timestamp>,
    /// The time at which refreshing stops working and the user must authorize again, if the provider says so.
    pub authorized_until: Option<Timestamp>,
    /// `true` if the kind refreshes the credential by itself. Then `valid_until` requires no action.
    pub renews: bool,
    /// The scopes that the provider granted, if it reports them.
    pub scopes: Option<Vec<String>>,
    /// The public configuration by field name.
    pub config: Vec<(String, String)>,
    /// The profile of the kind's tool that the connection belongs to.
    pub profile: Option<ProfileId>,
    /// `true` if the connection is the default of its provider.
    pub is_default: bool,
    /// The time at which it was connected.
    pub created_at: Timestamp,
    /// The time of the last change of anything but the liveness.
    pub updated_at: Timestamp,
    /// `true` if a plugin of the kind is registered. Without one, the connection can only be removed.
    pub registered: bool,
    /// The position in the order of lists.
    pub cursor: ListCursor,
}

/// Selects the connections to list. All conditions must hold; of several livenesses, one must match.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    all_owners: bool,
    kind: Option<Kind>,
    provider: Option<Kind>,
    label: Option<String>,
    liveness: Vec<Liveness>,
    expiring_within: Option<Duration>,
    only_default: bool,
    /// `Some(None)` selects the connections without a profile.
    profile: Option<Option<ProfileId>>,
    after: Option<ListCursor>,
    limit: Option<u16>,
}

impl Filter {
    /// Selects all connections of the owner.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects among the connections of all owners.
    ///
    /// This method is for the operator of the program: a host does not call it for a request of an owner. Apart from
    /// [`BeginWatch::all_owners`](crate::BeginWatch::all_owners), no other method shows connections of another owner.
    ///
    /// On PostgreSQL, the order of connections of different owners that are stored at the same moment is not fixed: one
    /// of them may come to stand before a position that was returned already. Within an owner this cannot happen.
    #[must_use]
    pub fn all_owners(mut self) -> Self {
        self.all_owners = true;
        self
    }

    /// Selects the connections of one kind.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Selects the connections of all registered kinds of one provider.
    #[must_use]
    pub fn provider(mut self, provider: Kind) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Selects the connection with exactly this label, per kind.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Selects connections whose last measured liveness is this one. Several calls select any of the given ones.
    #[must_use]
    pub fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness.push(liveness);
        self
    }

    /// Selects connections whose credential stops working within this time, or has stopped. For a credential that its
    /// kind refreshes, the end of the authorization counts instead. Connections without a known end are not selected.
    #[must_use]
    pub fn expiring_within(mut self, time: Duration) -> Self {
        self.expiring_within = Some(time);
        self
    }

    /// Selects the defaults of their providers.
    #[must_use]
    pub fn only_default(mut self) -> Self {
        self.only_default = true;
        self
    }

    /// Selects the connections of one profile.
    #[must_use]
    pub fn profile(mut self, id: ProfileId) -> Self {
        self.profile = Some(Some(id));
        self
    }

    /// Selects the connections without a profile: their kind has none, or they are older than the first profile.
    #[must_use]
    pub fn without_profile(mut self) -> Self {
        self.profile = Some(None);
        self
    }

    /// Selects the connections after this position: [`Page::next`], or the [`ConnectionInfo::cursor`] of the last
    /// connection seen.
    #[must_use]
    pub fn after(mut self, cursor: ListCursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Sets the maximum number of connections of a page. The default is 1,000.
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit.max(1));
        self
    }
}

/// A page of connections, in the order in which they became usable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The connections. Connections that the filter rejects count towards the limit: a page may hold fewer than its
    /// limit, or none, without being the last.
    pub connections: Vec<ConnectionInfo>,
    /// The position at which the next page begins, if there may be one.
    pub next: Option<ListCursor>,
}

impl ConnectionRegistry {
    /// Returns a page of the owner's connections that the filter selects, in the order in which they became usable.
    /// With [`Filter::all_owners`], they are those of all owners. The cost of a page does not depend on
    /// the number of connections.
    ///
    /// A connection that becomes usable later comes after every position in this order that was returned before,
    /// whenever its setup was begun and whatever the clocks of the processes say.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn list_connections(&self, filter: Filter) -> Result<Page, Error> {
        self.shared.page(&self.owner, filter).await
    }

    /// Returns the number of the owner's connections, or of those of one kind. The cost grows slowly with that number:
    /// about ten milliseconds for 100,000.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub async fn count_connections(&self, kind: Option<&Kind>) -> Result<u64, Error> {
        self.shared.count(Some(&self.owner), kind).await
    }
}

impl Shared {
    /// Returns the number of connections of an owner or of all owners, and of one kind or of all kinds.
    pub(super) async fn count(&self, owner: Option<&str>, kind: Option<&Kind>) -> Result<u64, Error> {
        Ok(self.reader().await?.count_accounts(owner, kind.map(Kind::as_str)).await?)
    }

    async fn page(&self, owner: &str, filter: Filter) -> Result<Page, Error> {
        let Filter {
            all_owners,
            kind,
            provider,
            label,
            liveness,
            expiring_within,
            only_default,
            profile,
            after,
            limit,
        } = filter;
        let words = liveness.iter().map(|liveness| column::liveness(*liveness));
        let soon = |time: Duration| self.clock.now().seconds().saturating_add_unsigned(time.as_secs());
        let wanted = ListFilter {
            owner: (!all_owners).then(|| owner.to_owned()),
            kind: kind.map(|kind| kind.as_str().to_owned()),
            kinds: provider.map(|provider| any_of(self.kinds_of(&provider).iter().map(Kind::as_str))),
            label,
            liveness: (!liveness.is_empty()).then(|| any_of(words)),
            valid_until: expiring_within.map(soon),
            // Only the condition on the end needs the kinds that refresh their credentials.
            renewing: match expiring_within {
                Some(_) => any_of(self.renewing().iter().map(Kind::as_str)),
                None => any_of([]),
            },
            only_default,
            profile: profile.map(|of| of.map(|id| id.to_string()).unwrap_or_default()),
            after: after.map(ListCursor::place),
            limit: i64::from(limit.unwrap_or(1000)),
        };
        let (rows, next) = self.reader().await?.list(&wanted).await?;
        let connections = rows.into_iter().filter_map(|found| self.info_of_row(found)).collect();
        Ok(Page { connections, next: next.map(|(usable_at, id)| ListCursor::new(usable_at, id.into())) })
    }

    /// Returns the provider of a kind, or the kind itself if it is not registered.
    pub(crate) fn provider_of(&self, kind: &Kind) -> Kind {
        self.kinds.entry(kind).map_or_else(|| kind.clone(), |entry| entry.descriptor.provider.clone())
    }

    /// Returns the registered kinds of a provider, and the kind with the provider's own name if that kind is not
    /// registered.
    pub(crate) fn kinds_of(&self, provider: &Kind) -> Vec<Kind> {
        let mut kinds = Vec::new();
        let mut named = false;
        for known in self.kinds.entries() {
            named |= known.kind() == provider;
            if known.descriptor.provider == *provider {
                kinds.push(known.kind().clone());
            }
        }
        if !named {
            kinds.push(provider.clone());
        }
        kinds
    }

    /// Returns the registered kinds of a provider.
    pub(crate) fn registered_of(&self, provider: &Kind) -> Vec<Kind> {
        self.kinds.of_provider(provider).iter().map(|entry| entry.kind().clone()).collect()
    }

    /// Returns the kinds that refresh their credentials.
    pub(crate) fn renewing(&self) -> Vec<Kind> {
        self.kinds.entries().iter().filter(|known| known.renews()).map(|known| known.kind().clone()).collect()
    }

    pub(crate) fn registered(&self) -> Vec<Kind> {
        self.kinds.entries().iter().map(|known| known.kind().clone()).collect()
    }

    /// Returns the information of a row that may be unreadable.
    fn info_of_row(&self, FoundRow { id, row, .. }: FoundRow) -> Option<ConnectionInfo> {
        if row.is_none() {
            tracing::warn!(connection = id.map(tracing::field::display), "the row of a connection cannot be read");
        }
        self.info(row?)
    }

    /// Returns the information of a row as hosts see it. A row with an invalid kind is listed, so that it can be
    /// removed.
    pub(crate) fn info(&self, row: ListedRow) -> Option<ConnectionInfo> {
        let ListedRow { account, reason, checked_at, granted_scopes, valid_until, authorized_until, .. } = row;
        let liveness = row.liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness);
        let reason = reason.as_deref().and_then(json::to_reason).or_else(|| match liveness {
            Liveness::Live | Liveness::Unknown => plan::note(row.refresh_reason.as_deref()),
            _ => None,
        });
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
            liveness,
            reason,
            checked_at: checked_at.map(Timestamp::from_seconds),
            valid_until: valid_until.map(Timestamp::from_seconds),
            authorized_until: authorized_until.map(Timestamp::from_seconds),
            renews: entry.as_ref().is_some_and(|entry| entry.renews()),
            scopes: granted_scopes.as_deref().and_then(json::to_texts),
            config: json::to_config(&account.config),
            profile: account.profile_id.as_deref().and_then(|id| id.parse().ok()),
            is_default: account.is_default,
            created_at: Timestamp::from_seconds(account.created_at),
            updated_at: Timestamp::from_seconds(account.updated_at),
            registered: entry.is_some(),
            cursor: ListCursor::new(row.usable_at, account.id),
        })
    }
}

impl ConnectionInfo {
    /// Returns the time at which the connection stops working unless a person acts, if the provider says so: the end of
    /// the authorization if the kind refreshes the credential, otherwise the end of the credential.
    pub fn ends_at(&self) -> Option<Timestamp> {
        if self.renews { self.authorized_until } else { self.valid_until }
    }
}
