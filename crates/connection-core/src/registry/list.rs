//! Lists of connections: pages by key, without secrets, sealed or not.

use std::time::Duration;

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Timestamp};

use super::{ListCursor, Shared};
use crate::{
    ConnectionId, ConnectionRegistry, Error, ProfileId,
    connection::json,
    liveness::words,
    refresh::plan,
    store::{
        Wanted, any_of,
        rows::{FoundRow, ListedRow},
    },
};

/// Stands for a kind that cannot be read. Nothing of such a row opens, also where a plugin has this name.
pub(super) const UNREADABLE: Kind = Kind::from_static("unreadable");

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
    /// Why it is not live; of one that is live, why its credential could not be renewed, where an answer is lost or somebody
    /// has to mend something.
    pub reason: Option<Reason>,
    /// When it was last measured.
    pub checked_at: Option<Timestamp>,
    /// When its credential stops working, if the provider says so.
    pub valid_until: Option<Timestamp>,
    /// When renewing stops working and the user must authorize again, if the provider says so.
    pub authorized_until: Option<Timestamp>,
    /// Whether its kind renews the credential by itself: then `valid_until` asks nothing of anybody.
    pub renews: bool,
    /// What the provider lets it do, if the provider says so.
    pub scopes: Option<Vec<String>>,
    /// Public configuration by field name.
    pub config: Vec<(String, String)>,
    /// Which isolated identity of its tool it is of.
    pub profile: Option<ProfileId>,
    /// Whether it is the default of its provider.
    pub is_default: bool,
    /// When it was connected.
    pub created_at: Timestamp,
    /// When something but its liveness last changed.
    pub updated_at: Timestamp,
    /// Whether a plugin of its kind is registered; without one it can be removed only.
    pub registered: bool,
    /// Its place in the order of lists.
    pub cursor: ListCursor,
}

/// Which connections to list. What is said narrows what was said before; a liveness may be any of those that are named.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Filter {
    kind: Option<Kind>,
    provider: Option<Kind>,
    label: Option<String>,
    liveness: Vec<Liveness>,
    expiring_within: Option<Duration>,
    only_default: bool,
    /// `None` inside for those of no profile.
    profile: Option<Option<ProfileId>>,
    after: Option<ListCursor>,
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
    /// Of all kinds of one provider that are registered here.
    #[must_use]
    pub fn provider(mut self, provider: Kind) -> Self {
        self.provider = Some(provider);
        self
    }
    /// With exactly this label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
    /// As last measured; said again, any of them.
    #[must_use]
    pub fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness.push(liveness);
        self
    }
    /// With a credential that stops working within this time, or has stopped; not those whose provider does not say. What
    /// counts of a credential that renews by itself is the authorization behind it.
    #[must_use]
    pub fn expiring_within(mut self, time: Duration) -> Self {
        self.expiring_within = Some(time);
        self
    }
    /// Defaults of their provider.
    #[must_use]
    pub fn only_default(mut self) -> Self {
        self.only_default = true;
        self
    }
    /// Of one profile.
    #[must_use]
    pub fn profile(mut self, id: ProfileId) -> Self {
        self.profile = Some(Some(id));
        self
    }
    /// Of no profile: of a kind without any, or made before there was one.
    #[must_use]
    pub fn without_profile(mut self) -> Self {
        self.profile = Some(None);
        self
    }
    /// The connections after this place: [`Page::next`], or [`ConnectionInfo::cursor`] of the last one that was seen.
    #[must_use]
    pub fn after(mut self, cursor: ListCursor) -> Self {
        self.after = Some(cursor);
        self
    }
    /// At most so many; 1,000 unless given.
    #[must_use]
    pub fn limit(mut self, limit: u16) -> Self {
        self.limit = Some(limit.max(1));
        self
    }
}

/// Connections in the order in which they became usable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The connections. Those that a filter passes over count as looked at: a page may hold fewer than its limit, or none,
    /// and yet not be the last.
    pub connections: Vec<ConnectionInfo>,
    /// Where the next page begins, if there may be one.
    pub next: Option<ListCursor>,
}

impl ConnectionRegistry {
    /// Returns a page of the owner's connections, in the order in which they became usable. What a page costs does not
    /// depend on how many connections there are.
    ///
    /// A connection that becomes usable later is after every place of this order that was given before, whenever its setup
    /// was begun and whatever the clocks of the processes say.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn list_connections(&self, filter: Filter) -> Result<Page, Error> {
        self.shared.page(Some(self.owner.to_string()), filter).await
    }

    /// Returns the number of the owner's connections, or of those of one kind. What it costs grows slowly with that number:
    /// about ten milliseconds for 100,000.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn count_connections(&self, kind: Option<&Kind>) -> Result<u64, Error> {
        self.shared.count(Some(&self.owner), kind).await
    }

    /// As [`count_connections`](Self::count_connections), of every owner.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn count_all_owners(&self, kind: Option<&Kind>) -> Result<u64, Error> {
        self.shared.count(None, kind).await
    }

    /// As [`list_connections`](Self::list_connections), of every owner: for whoever runs the program. No other method
    /// shows another owner's connections.
    ///
    /// On PostgreSQL, connections of different owners that are stored at the same moment have no fixed order: one of them
    /// may come to be before a place that was given already. Within an owner this cannot happen.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn list_all_owners(&self, filter: Filter) -> Result<Page, Error> {
        self.shared.page(None, filter).await
    }
}

impl Shared {
    /// The number of connections of an owner, or of all, and of one kind or all.
    pub(super) async fn count(&self, owner: Option<&str>, kind: Option<&Kind>) -> Result<u64, Error> {
        Ok(self.reader().await?.count_accounts(owner, kind.map(Kind::as_str)).await?)
    }

    async fn page(&self, owner: Option<String>, filter: Filter) -> Result<Page, Error> {
        let Filter { kind, provider, label, liveness, expiring_within, only_default, profile, after, limit } = filter;
        let words = liveness.iter().map(|liveness| words::liveness(*liveness));
        let soon = |time: Duration| self.clock.now().seconds().saturating_add_unsigned(time.as_secs());
        let wanted = Wanted {
            owner,
            kind: kind.map(|kind| kind.as_str().to_owned()),
            kinds: provider.map(|provider| any_of(self.kinds_of(&provider).iter().map(Kind::as_str))),
            label,
            liveness: (!liveness.is_empty()).then(|| any_of(words)),
            valid_until: expiring_within.map(soon),
            // Asked for by what ends alone.
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
        let connections = rows.into_iter().filter_map(|found| self.found(found)).collect();
        Ok(Page { connections, next: next.map(|(usable_at, id)| ListCursor::new(usable_at, id.into())) })
    }

    /// The provider of a kind; the kind itself when it is not registered.
    pub(crate) fn provider_of(&self, kind: &Kind) -> Kind {
        self.kinds.entry(kind).map_or_else(|| kind.clone(), |entry| entry.descriptor.provider.clone())
    }

    /// The kinds of a provider: those that are registered, and the one of its own name when none is registered as that.
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

    /// The kinds of a provider that are registered.
    pub(crate) fn registered_of(&self, provider: &Kind) -> Vec<Kind> {
        self.kinds.of_provider(provider).iter().map(|entry| entry.kind().clone()).collect()
    }

    /// The kinds that renew their credentials.
    pub(crate) fn renewing(&self) -> Vec<Kind> {
        self.kinds.entries().iter().filter(|known| known.renews()).map(|known| known.kind().clone()).collect()
    }

    pub(crate) fn registered(&self) -> Vec<Kind> {
        self.kinds.entries().iter().map(|known| known.kind().clone()).collect()
    }

    /// As [`info`](Self::info), of a row that may be unreadable.
    fn found(&self, FoundRow { id, row, .. }: FoundRow) -> Option<ConnectionInfo> {
        if row.is_none() {
            tracing::warn!(connection = id.map(tracing::field::display), "the row of a connection cannot be read");
        }
        self.info(row?)
    }

    /// A row as hosts see it. One whose kind is no kind was written by nobody; it is listed, so that it can be removed.
    pub(crate) fn info(&self, row: ListedRow) -> Option<ConnectionInfo> {
        let ListedRow { account, reason, checked_at, granted_scopes, valid_until, authorized_until, .. } = row;
        let liveness = row.liveness.as_deref().map_or(Liveness::Unknown, words::to_liveness);
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
    /// When it stops working unless a person does something, if the provider says so: the credential's end, or that of the
    /// authorization where the credential renews by itself.
    pub fn ends_at(&self) -> Option<Timestamp> {
        if self.renews { self.authorized_until } else { self.valid_until }
    }
}
