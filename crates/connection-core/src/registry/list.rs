//! The lists of connections.

use connection_contract::{BoxFuture, Kind};

use crate::{
    ConnectionInfo, ConnectionRegistry, Error, Filter, Overview, OverviewCounts, OverviewEntry, Page, connection,
};

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
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn list_connections(&self, filter: Filter) -> BoxFuture<'_, Result<Page<ConnectionInfo>, Error>> {
        Box::pin(connection::list(&self.systems.ground, &self.owner, filter))
    }

    /// Returns the number of the owner's connections, or of those of one kind. The cost grows slowly with that number:
    /// about ten milliseconds for 100,000.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn count_connections<'a>(&'a self, kind: Option<&'a Kind>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(connection::count(&self.systems.ground, Some(&self.owner), kind))
    }

    /// Returns a page of the owner's connections in the order in which a person looks at them: those that
    /// [need attention](crate::ConnectionInfo::needs_attention) first, and within both parts by the provider, the label
    /// and the id. The cost of a page does not depend on the number of connections.
    ///
    /// Of the connections that end soon, the 10,000 that end first are in the first part. A connection whose state changes
    /// while the pages are read may be on two of them, or on none.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidCursor`], and the store's errors.
    pub fn overview(&self, wanted: Overview) -> BoxFuture<'_, Result<Page<OverviewEntry>, Error>> {
        Box::pin(connection::overview(&self.systems.ground, &self.owner, wanted))
    }

    /// Returns how many connections the owner has in each state. The cost does not depend on the number of connections,
    /// because they are only counted up to a [limit](OverviewCounts::LIMIT).
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn overview_counts(&self) -> BoxFuture<'_, Result<OverviewCounts, Error>> {
        Box::pin(connection::counts(&self.systems.ground, &self.owner))
    }
}
