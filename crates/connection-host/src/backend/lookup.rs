//! The look-up of connections by what a person typed.

use async_trait::async_trait;
use connection_api::Connection;
use connection_client::ConnectionFilter;
use connection_contract::Kind;
use connection_core::{ConnectionInfo, ConnectionRegistry, Error as CoreError, Filter};
use connection_server::convert;

use super::{Remote, connections::PAGE};
use crate::{
    Error, Exit,
    output::{name, short_id},
};

/// The maximum number of candidates that are searched for.
pub(crate) const MAX_CANDIDATES: usize = 20;

/// The look-up of connections.
#[async_trait(?Send)]
pub(crate) trait Lookup {
    /// Returns the id of the connection of this kind with this label.
    async fn labelled(&self, kind: &Kind, label: &str) -> Result<Option<String>, Error>;

    /// Returns the id of the default connection of a kind, or of the only one. Several of them are an error that lists
    /// them.
    async fn of_kind(&self, kind: &Kind) -> Result<Option<String>, Error>;

    /// Returns the first connections whose id has this end.
    async fn ending(&self, end: &str) -> Result<Vec<Connection>, Error>;

    /// Returns the first connections of a list.
    async fn first(&self) -> Result<Vec<Connection>, Error>;

    /// Returns `true` if the kind can be connected.
    async fn is_known(&self, kind: &Kind) -> Result<bool, Error>;
}

#[async_trait(?Send)]
impl Lookup for ConnectionRegistry {
    async fn labelled(&self, kind: &Kind, label: &str) -> Result<Option<String>, Error> {
        let page = self.list_connections(Filter::new().kind(kind.clone()).label(label)).await?;
        Ok(page.items.first().map(|info| info.id.to_string()))
    }

    async fn of_kind(&self, kind: &Kind) -> Result<Option<String>, Error> {
        match self.connection_of(kind).await {
            Ok(connection) => Ok(Some(connection.id().to_string())),
            Err(CoreError::NoConnection(_)) => Ok(None),
            Err(CoreError::Ambiguous { kind, candidates }) => Err(ambiguous(&kind, &bodies(self, &candidates))),
            Err(error) => Err(error.into()),
        }
    }

    async fn ending(&self, end: &str) -> Result<Vec<Connection>, Error> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let filter = after.into_iter().fold(Filter::new(), Filter::after);
            let page = self.list_connections(filter).await?;
            found.extend(page.items.into_iter().filter(|info| info.id.to_string().ends_with(end)));
            after = page.next;
            if after.is_none() || found.len() >= MAX_CANDIDATES {
                return Ok(bodies(self, &found));
            }
        }
    }

    async fn first(&self) -> Result<Vec<Connection>, Error> {
        Ok(bodies(self, &self.list_connections(Filter::new()).await?.items))
    }

    async fn is_known(&self, kind: &Kind) -> Result<bool, Error> {
        Ok(self.kinds().find(kind).await?.is_some())
    }
}

impl Remote {
    /// Returns the connections that match a filter, page by page until enough were found.
    async fn search(
        &self,
        filter: ConnectionFilter,
        mut is_enough: impl FnMut(&[Connection]) -> bool,
    ) -> Result<Vec<Connection>, Error> {
        let mut found = Vec::new();
        let mut filter = filter.limit(u32::from(PAGE));
        loop {
            let page = self.client.connections(&filter).await?;
            found.extend(page.items.into_iter().map(|listed| listed.connection));
            match page.next {
                Some(next) if !is_enough(&found) => filter = filter.after(next),
                _ => return Ok(found),
            }
        }
    }
}

#[async_trait(?Send)]
impl Lookup for Remote {
    async fn labelled(&self, kind: &Kind, label: &str) -> Result<Option<String>, Error> {
        let is_it = |connection: &Connection| connection.label == label;
        // Each word of a label is a part of it.
        let filter = ConnectionFilter::new().kind(kind.as_str()).search(label);
        let found = self.search(filter, |found| found.iter().any(is_it)).await?;
        Ok(found.into_iter().find(is_it).map(|connection| connection.id))
    }

    async fn of_kind(&self, kind: &Kind) -> Result<Option<String>, Error> {
        let is_default = |connection: &Connection| connection.is_default;
        let filter = ConnectionFilter::new().kind(kind.as_str());
        let mut found = self.search(filter, |found| found.iter().any(is_default)).await?;
        if let Some(default) = found.iter().find(|connection| is_default(connection)) {
            return Ok(Some(default.id.clone()));
        }
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.id.clone())),
            _ => {
                found.truncate(MAX_CANDIDATES);
                Err(ambiguous(kind, &found))
            }
        }
    }

    async fn ending(&self, end: &str) -> Result<Vec<Connection>, Error> {
        let is_it = |connection: &&Connection| connection.id.ends_with(end);
        let is_enough = |found: &[Connection]| found.iter().filter(is_it).count() >= MAX_CANDIDATES;
        let mut found = self.search(ConnectionFilter::new(), is_enough).await?;
        found.retain(|connection| connection.id.ends_with(end));
        Ok(found)
    }

    async fn first(&self) -> Result<Vec<Connection>, Error> {
        self.search(ConnectionFilter::new(), |_| true).await
    }

    async fn is_known(&self, kind: &Kind) -> Result<bool, Error> {
        match self.client.kind(kind.as_str()).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == "unknown_kind" => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn bodies(registry: &ConnectionRegistry, infos: &[ConnectionInfo]) -> Vec<Connection> {
    let now = registry.clock().now();
    infos.iter().map(|info| convert::connection(info, now)).collect()
}

/// Returns the error for a kind with several connections, none of which is the default.
fn ambiguous(kind: &Kind, candidates: &[Connection]) -> Error {
    let names = candidates.iter().map(|of| format!("{} ({})", name(of), short_id(&of.id)));
    let names = names.collect::<Vec<_>>().join(", ");
    Error::new(Exit::Usage, "ambiguous", format!("there are several connections of kind '{kind}': {names}"))
        .remedy("name one by its label or by the end of its id, or make one the default")
}
