//! The source of rows that the cache does not have.

use std::{future::Future, sync::Arc, time::Duration};

use connection_contract::{BoxFuture, Kind};
use connection_egress::Moment;

use super::{Outcome, ReadConnection, table::Subject};
use crate::{
    ConnectionId, ConnectionInfo, Error,
    credential::{ShownConnection, open::read_at},
    ground::Ground,
    store::{ObservedVersion, Version},
};

/// One connection in a store.
pub(crate) trait Source: Sync {
    fn subject(&self) -> Subject<'_>;
    fn now(&self) -> Moment;
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
    /// Returns the version of the store, read less than `age` ago, or `None` for an engine that has none.
    fn version(&self, age: Duration) -> impl Future<Output = Option<ObservedVersion>> + Send;
    /// Reads the connection. `version` is that of the store before the read, if it is known.
    fn read(&self, version: Option<Version>) -> impl Future<Output = Outcome> + Send;
}

/// A connection in the store of a registry.
pub(crate) struct Stored<'a> {
    ground: &'a Arc<Ground>,
    id: ConnectionId,
    owner: &'a str,
    /// The handle that uses the connection, or `None` for a handle that is about to be made.
    handle: Option<&'a Arc<ConnectionInfo>>,
}

impl<'a> Stored<'a> {
    /// Returns the source for the connection of a handle.
    pub(crate) fn of(ground: &'a Arc<Ground>, info: &'a Arc<ConnectionInfo>) -> Self {
        Self { ground, id: info.id, owner: &info.owner, handle: Some(info) }
    }

    /// Returns the source for the connection of an owner with this id.
    pub(crate) fn with_id(ground: &'a Arc<Ground>, owner: &'a str, id: ConnectionId) -> Self {
        Self { ground, id, owner, handle: None }
    }

    fn kind(&self) -> Option<&'a Kind> {
        self.handle.map(|info| &info.kind)
    }
}

impl Source for Stored<'_> {
    fn subject(&self) -> Subject<'_> {
        Subject { id: self.id, owner: self.owner, kind: self.kind() }
    }

    fn now(&self) -> Moment {
        Moment::of(&*self.ground.clock)
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        self.ground.clock.sleep(time)
    }

    fn version(&self, age: Duration) -> impl Future<Output = Option<ObservedVersion>> + Send {
        let version: BoxFuture<'_, _> = Box::pin(self.ground.store.version(&*self.ground.clock, age));
        version
    }

    fn read(&self, version: Option<Version>) -> impl Future<Output = Outcome> + Send {
        let read: BoxFuture<'_, _> = Box::pin(self.read_connection(version));
        read
    }
}

impl Stored<'_> {
    async fn read_connection(&self, version: Option<Version>) -> Outcome {
        let read = read_at(self.ground, self.id, version).await?;
        let kind = read.kind(self.ground).await?;
        let info = self.ground.info(read.listed.clone(), kind.as_deref()).filter(|info| *info.owner == *self.owner);
        match (info, self.handle) {
            (Some(info), handle) if handle.is_none_or(|handle| handle.kind == info.kind) => {
                Ok(Arc::new(ReadConnection::new(ShownConnection { info, read, kind })))
            }
            (_, Some(handle)) => Ok(Arc::new(ReadConnection::foreign(handle.clone(), read))),
            (_, None) => Err(Error::NotFound(self.id)),
        }
    }
}
