//! Kinds: those that can be connected, how their terms changed, and the application that is kept for one.

use async_trait::async_trait;
use connection_api::{
    ForgottenClient, Kind as KindShape, KindChange as ChangeShape, KindChanges, KindDescription, KindSummary,
    ListedKind,
};
use connection_client::ConnectionFilter;
use connection_contract::Kind;
use connection_core::{ConnectionRegistry, Filter, KindChange};
use connection_server::{convert, view};

use super::{AT_THE_SERVER, Local, Remote};
use crate::{Error, Exit, config::Settings, inbound, kind_entry::KindEntry};

/// The kinds that can be connected in a place. No store is opened to read those of this program.
#[async_trait(?Send)]
pub(crate) trait PlaceKinds {
    /// Returns the kinds.
    async fn list(&self) -> Result<Vec<PlaceKind<ListedKind>>, Error>;

    /// Returns the kind with this name.
    async fn show(&self, name: &str) -> Result<PlaceKind<KindShape>, Error>;
}

/// A kind that can be connected in a place.
pub(crate) enum PlaceKind<S> {
    /// A kind of this program.
    Own(Box<OwnKind>),
    /// A kind of a server, in this shape of the API.
    Server(S),
}

/// A kind of this program, with the parts of the shapes of the API that are known without a store.
pub(crate) struct OwnKind {
    pub(crate) summary: KindSummary,
    pub(crate) description: KindDescription,
    pub(crate) entry: KindEntry,
}

impl OwnKind {
    pub(crate) fn of(entry: &KindEntry, settings: &Settings) -> Self {
        let descriptor = &entry.descriptor;
        let is_called_back = convert::is_called_back(descriptor);
        let redirect_uri = is_called_back.then(|| inbound::redirect_uri(settings, &descriptor.kind));
        Self {
            summary: convert::kind_summary(descriptor),
            description: convert::kind_description(descriptor, entry.capabilities(), redirect_uri),
            entry: entry.clone(),
        }
    }
}

impl<S> PlaceKind<S> {
    /// Returns what this program knows of a kind of its own.
    pub(crate) fn entry(&self) -> Option<&KindEntry> {
        match self {
            Self::Own(own) => Some(&own.entry),
            Self::Server(_) => None,
        }
    }
}

impl PlaceKind<ListedKind> {
    pub(crate) fn summary(&self) -> &KindSummary {
        match self {
            Self::Own(own) => &own.summary,
            Self::Server(kind) => &kind.summary,
        }
    }
}

impl PlaceKind<KindShape> {
    pub(crate) fn summary(&self) -> &KindSummary {
        match self {
            Self::Own(own) => &own.summary,
            Self::Server(kind) => &kind.listed.summary,
        }
    }

    pub(crate) fn description(&self) -> &KindDescription {
        match self {
            Self::Own(own) => &own.description,
            Self::Server(kind) => &kind.description,
        }
    }
}

#[async_trait(?Send)]
impl PlaceKinds for Remote {
    async fn list(&self) -> Result<Vec<PlaceKind<ListedKind>>, Error> {
        Ok(self.client.kinds().await?.into_iter().map(PlaceKind::Server).collect())
    }

    async fn show(&self, name: &str) -> Result<PlaceKind<KindShape>, Error> {
        self.kind(name).await.map(PlaceKind::Server)
    }
}

/// The operations on kinds.
#[async_trait(?Send)]
pub(crate) trait Kinds {
    /// Returns how a kind changed since accounts were connected.
    async fn kind_changes(&self, kind: &str) -> Result<KindChanges, Error>;

    /// Accepts those changes of `seen` whose numbers are named, counted from 0. Returns them, with the numbers of
    /// connections for which they were accepted.
    async fn accept_changes(&self, seen: &KindChanges, numbers: &[usize]) -> Result<KindChanges, Error>;

    /// Forgets the application that is kept for a kind.
    async fn forget_client(&self, kind: &str) -> Result<ForgottenClient, Error>;

    /// Returns `true` if there is a connection of a kind of this provider.
    async fn is_provider_connected(&self, provider: &str) -> Result<bool, Error>;
}

fn named(kind: &str) -> Result<Kind, Error> {
    Kind::parse(kind).ok_or_else(|| Error::new(Exit::NotFound, "unknown_kind", format!("unknown kind '{kind}'")))
}

async fn changes_of(registry: &ConnectionRegistry, kind: &Kind) -> Result<Vec<KindChange>, Error> {
    let mut changes = registry.kinds().changed().await?;
    changes.retain(|change| change.kind == *kind);
    Ok(changes)
}

#[async_trait(?Send)]
impl Kinds for Local {
    async fn kind_changes(&self, kind: &str) -> Result<KindChanges, Error> {
        let kind = named(kind)?;
        Ok(view::kind_changes(&kind, &changes_of(&self.registry, &kind).await?))
    }

    async fn accept_changes(&self, seen: &KindChanges, numbers: &[usize]) -> Result<KindChanges, Error> {
        let kind = named(&seen.kind)?;
        let changes = changes_of(&self.registry, &kind).await?;
        if view::kind_changes(&kind, &changes).seen != seen.seen {
            let changed = Error::new(Exit::Refused, "kind_changed", "the kind has changed again");
            return Err(changed.remedy("look at the changes again, then decide again"));
        }
        let mut accepted = KindChanges { connections: 0, changes: Vec::new(), ..seen.clone() };
        for change in numbers.iter().filter_map(|number| changes.get(*number)) {
            let connections = self.registry.kinds().accept(change).await?;
            accepted.connections += connections;
            accepted.changes.push(ChangeShape { connections, ..convert::kind_change(change) });
        }
        Ok(accepted)
    }

    async fn forget_client(&self, kind: &str) -> Result<ForgottenClient, Error> {
        let forgotten = self.registry.kinds().forget_values(&named(kind)?).await? > 0;
        Ok(ForgottenClient { kind: kind.to_owned(), forgotten })
    }

    async fn is_provider_connected(&self, provider: &str) -> Result<bool, Error> {
        let page = self.registry.list_connections(Filter::new().provider(named(provider)?).limit(1)).await?;
        Ok(!page.items.is_empty())
    }
}

#[async_trait(?Send)]
impl Kinds for Remote {
    async fn kind_changes(&self, kind: &str) -> Result<KindChanges, Error> {
        Ok(self.client.kind_changes(kind).await?)
    }

    async fn accept_changes(&self, seen: &KindChanges, numbers: &[usize]) -> Result<KindChanges, Error> {
        if numbers.is_empty() {
            return Ok(KindChanges { connections: 0, changes: Vec::new(), ..seen.clone() });
        }
        if numbers.len() < seen.changes.len() {
            let message = "a server accepts all changes of a kind together, so nothing was accepted";
            return Err(Error::usage(message).remedy(AT_THE_SERVER));
        }
        Ok(self.client.accept_kind(&seen.kind, &seen.seen).await?)
    }

    async fn forget_client(&self, kind: &str) -> Result<ForgottenClient, Error> {
        Ok(self.client.forget_client(kind).await?)
    }

    async fn is_provider_connected(&self, provider: &str) -> Result<bool, Error> {
        let filter = ConnectionFilter::new().provider(provider).limit(1);
        Ok(!self.client.connections(&filter).await?.items.is_empty())
    }
}
