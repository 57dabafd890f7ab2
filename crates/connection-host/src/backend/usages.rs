//! The usage of accounts: how much of each quota is used.

use async_trait::async_trait;
use connection_agent::PolledUsage;
use connection_api::{Connection, Profile, Usage, UsageRequest, UsageSession};
use connection_client::LiveChanges;
use connection_contract::Kind;
use connection_server::{
    convert,
    view::{self, UsageSource as CoreSource},
};
use futures_core::future::BoxFuture;

use super::{Backend, Local, Remote, concurrent, every};
use crate::Error;

/// The maximum number of accounts whose usage is read at once.
const AT_ONCE: usize = 8;

/// The place from which the numbers of an account are read.
#[derive(Clone, Debug)]
pub(crate) enum UsageSource {
    /// A request to the provider, with the credential of the connection.
    Fetch,
    /// The last answer that is known.
    Known,
    /// The report of a running session of the tool.
    Session(UsageSession),
}

/// The accounts whose usage a command shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsageSelection {
    pub(crate) kind: Option<String>,
    pub(crate) connection: Option<String>,
    pub(crate) profile: Option<Profile>,
}

impl UsageSelection {
    /// Returns `true` if the connection is selected.
    pub(crate) fn includes(&self, kind: &str, connection: &str, profile: Option<&str>) -> bool {
        // A connection without a profile belongs to the implicit one, which is the tool's own directory.
        let is_of = |of: &Profile| profile.map_or(of.is_implicit, |id| id == of.id);
        self.kind.as_deref().is_none_or(|selected| selected == kind)
            && self.connection.as_deref().is_none_or(|selected| selected == connection)
            && self.profile.as_ref().is_none_or(is_of)
    }
}

/// The operations on usage.
#[async_trait(?Send)]
pub(crate) trait Usages {
    /// Returns the selected connections of which the usage can be read.
    async fn reporting(&self, selection: &UsageSelection) -> Result<Vec<Connection>, Error>;

    /// Returns the usage of these connections, in their order.
    async fn usages(&self, of: &[Connection], source: &UsageSource) -> Result<Vec<Usage>, Error>;

    /// Begins to watch the usage of the selected connections, including later ones. In the local store, this command
    /// fetches it again and again; a server does so itself.
    async fn watch_usage(&self, selection: &UsageSelection) -> Result<Box<dyn NewUsage>, Error>;
}

/// The changes of usage.
#[async_trait(?Send)]
pub(crate) trait NewUsage {
    /// Waits until the usage of some account may have changed. Returns `false` after the store was closed.
    async fn changed(&mut self) -> Result<bool, Error>;
}

#[async_trait(?Send)]
impl Usages for Local {
    async fn reporting(&self, selection: &UsageSelection) -> Result<Vec<Connection>, Error> {
        let kinds = self.registry.kinds().in_use().await?;
        let reports =
            |kind: &str| kinds.iter().any(|known| known.capabilities.usage && known.descriptor.kind.as_str() == kind);
        let mut found = selected(self, selection).await?;
        found.retain(|connection| reports(&connection.kind));
        Ok(found)
    }

    async fn usages(&self, of: &[Connection], source: &UsageSource) -> Result<Vec<Usage>, Error> {
        let source = match source {
            UsageSource::Fetch => CoreSource::Fetch,
            UsageSource::Known => CoreSource::Known,
            UsageSource::Session(session) => {
                let unreadable = || Error::usage("the input of --session is nested too deeply");
                CoreSource::Session(convert::session_tokens(session.clone()).ok_or_else(unreadable)?)
            }
        };
        let mut reads = Vec::new();
        for connection in of {
            let connection = self.connection(&connection.id).await?;
            let (monitor, source) = (self.usage.clone(), source.clone());
            reads.push(async move { view::usage(&monitor, connection.info(), source).await });
        }
        let usages = concurrent::all(AT_ONCE, reads).await;
        Ok(usages.into_iter().collect::<Result<_, _>>()?)
    }

    async fn watch_usage(&self, selection: &UsageSelection) -> Result<Box<dyn NewUsage>, Error> {
        let selection = selection.clone();
        let is_selected = move |of: &PolledUsage<'_>| {
            let profile = of.profile.map(|id| id.to_string());
            selection.includes(of.kind.as_str(), &of.connection.to_string(), profile.as_deref())
        };
        let changes = self.usage.changes();
        let polling = self.usage.poll(self.settings.usage.bounds()).only(is_selected).into_future();
        Ok(Box::new(LocalUsage { polling, changes }))
    }
}

/// The usage of the local store, which this process fetches.
struct LocalUsage {
    polling: BoxFuture<'static, ()>,
    changes: connection_agent::UsageChanges,
}

#[async_trait(?Send)]
impl NewUsage for LocalUsage {
    async fn changed(&mut self) -> Result<bool, Error> {
        tokio::select! {
            () = &mut self.polling => Ok(false),
            changed = self.changes.changed() => Ok(changed),
        }
    }
}

#[async_trait(?Send)]
impl Usages for Remote {
    async fn reporting(&self, selection: &UsageSelection) -> Result<Vec<Connection>, Error> {
        let known = self.known_usages().await?;
        let reports = |id: &str| known.iter().any(|usage| usage.connection.as_deref() == Some(id));
        let mut found = selected(self, selection).await?;
        found.retain(|connection| reports(&connection.id));
        Ok(found)
    }

    async fn usages(&self, of: &[Connection], source: &UsageSource) -> Result<Vec<Usage>, Error> {
        let session = match source {
            UsageSource::Known => {
                let known = self.known_usages().await?;
                let usage = |of: &Connection| known.iter().find(|usage| usage.connection.as_ref() == Some(&of.id));
                return Ok(of.iter().filter_map(|of| usage(of).cloned()).collect());
            }
            UsageSource::Fetch => None,
            UsageSource::Session(session) => Some(session.clone()),
        };
        let request = UsageRequest { session };
        let reads = of.iter().map(|connection| {
            let (client, id, request) = (self.client.clone(), connection.id.clone(), request.clone());
            async move { client.fetch_usage(&id, &request).await }
        });
        let usages = concurrent::all(AT_ONCE, reads).await;
        Ok(usages.into_iter().collect::<Result<_, _>>()?)
    }

    async fn watch_usage(&self, _: &UsageSelection) -> Result<Box<dyn NewUsage>, Error> {
        Ok(Box::new(RemoteUsage { remote: self.clone(), changes: self.client.live().await? }))
    }
}

impl Remote {
    /// Returns the usage that the server knows, of all connections whose kind reports it.
    async fn known_usages(&self) -> Result<Vec<Usage>, Error> {
        let mut known = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.client.usages(after.as_deref()).await?;
            known.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(known);
            }
        }
    }
}

/// The usage of a server, which tells when it has fetched.
struct RemoteUsage {
    remote: Remote,
    changes: LiveChanges,
}

#[async_trait(?Send)]
impl NewUsage for RemoteUsage {
    async fn changed(&mut self) -> Result<bool, Error> {
        loop {
            match self.changes.next().await {
                Ok(Some(change)) if change.of == "usage" => return Ok(true),
                Ok(Some(_)) => continue,
                // The server stops, or starts again.
                Ok(None) => {}
                Err(error) if error.is_temporary() => {}
                Err(error) => return Err(error.into()),
            }
            self.changes = self.remote.listen_again().await?;
            return Ok(true);
        }
    }
}

/// Returns the selected connections, whether or not their kind reports usage.
async fn selected(backend: &dyn Backend, selection: &UsageSelection) -> Result<Vec<Connection>, Error> {
    let kind = selection.kind.as_deref().and_then(Kind::parse);
    let all = every(backend, kind.as_ref()).await?.into_iter().map(|listed| listed.connection);
    Ok(all.filter(|of| selection.includes(&of.kind, &of.id, of.profile.as_deref())).collect())
}
