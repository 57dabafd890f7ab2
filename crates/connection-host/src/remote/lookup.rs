//! Connections of a server, looked up by what a person typed, and page by page.

use connection_client::{Client, ConnectionFilter, ListedConnection};
use connection_contract::Kind;
use connection_core::{ConnectionId, ConnectionInfo, Error as CoreError};

use super::{Remote, convert};
use crate::{
    Error,
    select::{self, Lookup},
};

/// The number of connections on a page.
const PAGE: u32 = 500;

/// The connections of a server, page by page.
pub(crate) struct RemotePages<'c> {
    client: &'c Client,
    /// `None` after the last page.
    next: Option<ConnectionFilter>,
}

impl<'c> RemotePages<'c> {
    pub(crate) fn new(client: &'c Client, filter: ConnectionFilter) -> Self {
        Self { client, next: Some(filter.limit(PAGE)) }
    }

    /// Returns the next page, which may be empty; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<ConnectionInfo>>, Error> {
        let Some(filter) = self.next.take() else { return Ok(None) };
        let page = self.client.connections(&filter).await?;
        self.next = page.next.map(|next| filter.after(next));
        converted(&page.items).map(Some)
    }
}

/// Converts the connections of a page.
pub(crate) fn converted(items: &[ListedConnection]) -> Result<Vec<ConnectionInfo>, Error> {
    items.iter().map(|listed| convert::connection(&listed.connection)).collect()
}

impl Remote {
    /// Returns the connection that the reference names.
    pub(crate) async fn find(&self, reference: &str) -> Result<connection_client::ShownConnection, Error> {
        let id = select::connection_id(self, reference).await?;
        Ok(self.client.connection(&id.to_string()).await?)
    }
}

impl Lookup for Remote {
    async fn labelled(&self, kind: &Kind, label: &str) -> Result<Option<ConnectionId>, Error> {
        // Each word of a label is a part of it.
        let mut pages = RemotePages::new(&self.client, ConnectionFilter::new().kind(kind.as_str()).search(label));
        while let Some(page) = pages.next().await? {
            if let Some(info) = page.iter().find(|info| info.label.as_str() == label) {
                return Ok(Some(info.id));
            }
        }
        Ok(None)
    }

    async fn of_kind(&self, kind: &Kind) -> Result<Option<ConnectionId>, Error> {
        let mut pages = RemotePages::new(&self.client, ConnectionFilter::new().kind(kind.as_str()));
        let mut candidates = Vec::new();
        while let Some(page) = pages.next().await? {
            if let Some(info) = page.iter().find(|info| info.is_default) {
                return Ok(Some(info.id));
            }
            candidates.extend(page);
        }
        match candidates.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.id)),
            _ => {
                candidates.truncate(select::MAX_CANDIDATES);
                Err(CoreError::Ambiguous { kind: kind.clone(), candidates }.into())
            }
        }
    }

    async fn ending(&self, end: &str) -> Result<Vec<ConnectionInfo>, Error> {
        let mut found = Vec::new();
        let mut pages = RemotePages::new(&self.client, ConnectionFilter::new());
        while found.len() < select::MAX_CANDIDATES
            && let Some(page) = pages.next().await?
        {
            found.extend(page.into_iter().filter(|info| info.id.to_string().ends_with(end)));
        }
        Ok(found)
    }

    async fn first(&self) -> Result<Vec<ConnectionInfo>, Error> {
        Ok(RemotePages::new(&self.client, ConnectionFilter::new()).next().await?.unwrap_or_default())
    }

    async fn is_known(&self, kind: &Kind) -> Result<bool, Error> {
        match self.client.kind(kind.as_str()).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == "unknown_kind" => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
