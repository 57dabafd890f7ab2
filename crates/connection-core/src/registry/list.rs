//! The lists of connections.

use connection_contract::{BoxFuture, Kind};

use crate::{ConnectionId, ConnectionInfo, ConnectionRegistry, Error, Filter, Page, connection};

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
    pub fn list_connections(&self, filter: Filter) -> BoxFuture<'_, Result<Page, Error>> {
        Box::pin(connection::list(&self.shared, &self.owner, filter))
    }

    /// Returns the number of the owner's connections, or of those of one kind. The cost grows slowly with that number:
    /// about ten milliseconds for 100,000.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn count_connections<'a>(&'a self, kind: Option<&'a Kind>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(connection::count(&self.shared, Some(&self.owner), kind))
    }

    /// Returns all connections of the owner with only the facts that decide where a list shows them: the id, the kind,
    /// the label, the account, the liveness with the reason of an offline connection, and when the connection ends. The
    /// other facts are those of [`ConnectionInfo::new`].
    ///
    /// This is for a host that sorts or searches the list and then reads the [connections](Self::listed_by_id) that it
    /// shows. The cost grows with the number of connections, and is a fraction of that of reading them.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn outlines(&self) -> BoxFuture<'_, Result<Vec<ConnectionInfo>, Error>> {
        Box::pin(connection::outlines(&self.shared, &self.owner))
    }

    /// Returns those of the connections that exist and belong to the owner, in any order.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn listed_by_id<'a>(&'a self, ids: &'a [ConnectionId]) -> BoxFuture<'a, Result<Vec<ConnectionInfo>, Error>> {
        Box::pin(connection::named(&self.shared, &self.owner, ids))
    }
}
