//! Selects the connection for a kind that is named without a label: the only one, or the default of the provider.

use connection_contract::{BoxFuture, Kind};

use crate::{Connection, ConnectionInfo, ConnectionRegistry, Error, Filter};

/// Maximum number of candidates in an error.
const MAX_CANDIDATES: u16 = 20;

impl ConnectionRegistry {
    /// Returns the owner's only connection of this kind, or the default if there are several.
    ///
    /// # Errors
    ///
    /// [`Error::NoConnection`], [`Error::Ambiguous`] with the candidates, and the store's errors.
    pub fn connection_of<'a>(&'a self, kind: &'a Kind) -> BoxFuture<'a, Result<Connection, Error>> {
        Box::pin(async move {
            let of_kind = Filter::new().kind(kind.clone());
            let mut candidates = self.list_connections(of_kind.limit(MAX_CANDIDATES)).await?.items;
            let selected = match candidates.as_slice() {
                [] => return Err(Error::NoConnection(kind.clone())),
                [_] => candidates.pop(),
                _ => self.default_of(kind).await?,
            };
            match selected {
                Some(info) => Ok(Connection::new(&self.systems.connection, info)),
                None => Err(Error::Ambiguous { kind: kind.clone(), candidates }),
            }
        })
    }

    pub(crate) async fn default_of(&self, kind: &Kind) -> Result<Option<ConnectionInfo>, Error> {
        let defaults = self.systems.ground.reader().await?.default_accounts(&self.owner).await?;
        match defaults.into_iter().find(|(_, of)| *of == *kind.as_str()) {
            Some((id, _)) => self.info(id).await.map(Some),
            None => Ok(None),
        }
    }
}
