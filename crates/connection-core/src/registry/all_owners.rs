//! The face of the connections of all owners: how many there are, and those of one kind.

use connection_contract::{BoxFuture, Kind};

use super::ConnectionRegistry;
use crate::{ConnectionId, Error, ProfileId, connection, store::OfKindRow};

/// Number of connections of a kind that are read at once.
const KIND_PAGE: i64 = 500;

/// A connection in a list of one [kind](AllOwners::connections_of_kind).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindConnection {
    /// The id of the connection.
    pub id: ConnectionId,
    /// The owner that the connection belongs to.
    pub owner: String,
    /// The profile of the kind's tool that the connection belongs to.
    pub profile: Option<ProfileId>,
    /// The credential, as a number that grows with each credential that is stored for the connection.
    pub credential: u64,
}

impl KindConnection {
    fn of(row: OfKindRow) -> Self {
        let OfKindRow { id, owner, generation, profile_id } = row;
        let profile = profile_id.as_deref().and_then(|id| id.parse().ok());
        Self { id, owner, profile, credential: generation.try_into().unwrap_or_default() }
    }
}

/// The connections of all owners, for tasks that a program does for the whole store. No caller that acts for one owner
/// is given it.
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, Error};
///
/// async fn report(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let all = registry.all_owners();
///     for info in registry.kinds().list() {
///         let kind = &info.descriptor.kind;
///         println!("{kind}: {}", all.count_connections(Some(kind)).await?);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AllOwners<'a> {
    registry: &'a ConnectionRegistry,
}

impl ConnectionRegistry {
    /// Returns the connections of all owners.
    pub fn all_owners(&self) -> AllOwners<'_> {
        AllOwners { registry: self }
    }
}

impl<'a> AllOwners<'a> {
    /// Returns the number of connections of all owners, or of those of one kind, as
    /// [`count_connections`](ConnectionRegistry::count_connections) does for one owner.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn count_connections(self, kind: Option<&'a Kind>) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(connection::count(&self.registry.systems.ground, None, kind))
    }

    /// Returns the connections of one kind, of all owners, in the order of their ids: the first 500 after the given
    /// one. An empty list is the end.
    ///
    /// This method is for tasks that a program repeats for every connection, such as polling. It reads an index, at a
    /// cost that does not depend on the number of connections of other kinds.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn connections_of_kind(
        self,
        kind: &'a Kind,
        after: Option<ConnectionId>,
    ) -> BoxFuture<'a, Result<Vec<KindConnection>, Error>> {
        Box::pin(async move {
            let mut reader = self.registry.systems.ground.reader().await?;
            let rows = reader.accounts_of_kind(kind.as_str(), after, KIND_PAGE).await?;
            Ok(rows.into_iter().map(KindConnection::of).collect())
        })
    }
}
