//! What is frozen, for lists and for the marks in other lists.

use std::sync::Arc;

use connection_contract::{BoxFuture, Timestamp};

use super::{Freeze, FreezeChange, Freezes};
use crate::{
    ConnectionInfo, Error, RowError,
    frozen::{Freezing, Frozen, FrozenSet, Used, User, row_error},
};

/// All that is frozen at one time, to mark connections in a list.
///
/// ```
/// use connection_core::{ConnectionRegistry, Error, Filter};
///
/// async fn print(registry: &ConnectionRegistry) -> Result<(), Error> {
///     let frozen = registry.freezes().now().await?;
///     for info in registry.list_connections(Filter::new()).await?.items {
///         println!("{}{}", info.label, if frozen.has(&info) { " (frozen)" } else { "" });
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct FrozenNow(Arc<FrozenSet>);

impl FrozenNow {
    /// Returns `true` if the connection is not used, because it, its owner, its kind or everything is frozen.
    pub fn has(&self, connection: &ConnectionInfo) -> bool {
        self.by(connection).is_some()
    }

    /// Returns the thing because of which the connection is not used.
    pub fn by(&self, connection: &ConnectionInfo) -> Option<Frozen> {
        match self.0.stops(Used::of(connection, User::Host))? {
            crate::frozen::Stopped::Frozen { what, .. } => Some(what),
            _ => None,
        }
    }

    /// Returns the reason why everything is frozen, if the row that names what is frozen is refused.
    pub fn refused(&self) -> Option<RowError> {
        self.0.fault().map(row_error)
    }
}

impl<'a> Freezes<'a> {
    /// Returns what is frozen, as it was less than half a second ago.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn now(self) -> BoxFuture<'a, Result<FrozenNow, Error>> {
        Box::pin(async move { Ok(FrozenNow(self.scope.system.freezes.current().await?)) })
    }

    /// Returns what is frozen that concerns this owner, the first one first: the owner's connections and agents, the
    /// owner, all kinds, and everything.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list(self) -> BoxFuture<'a, Result<Vec<Freeze>, Error>> {
        Box::pin(async move {
            let owner = self.scope.owner;
            let all = self.read().await?;
            Ok(all.into_iter().filter(|freeze| is_of(&freeze.what, freeze.owner.as_deref(), owner)).collect())
        })
    }

    /// Returns what is frozen in the whole store, the first one first.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn list_all(self) -> BoxFuture<'a, Result<Vec<Freeze>, Error>> {
        Box::pin(async move { self.read().await })
    }

    /// Returns the last changes that concern this owner, the newest first: those about what is frozen, and at least the
    /// last 100 of the store.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn changes(self) -> BoxFuture<'a, Result<Vec<FreezeChange>, Error>> {
        Box::pin(async move {
            let owner = self.scope.owner;
            let changes = self.freezing().await?.notes.iter().rev().filter_map(FreezeChange::of).collect::<Vec<_>>();
            Ok(changes.into_iter().filter(|change| is_of(&change.what, change.owner.as_deref(), owner)).collect())
        })
    }

    async fn freezing(&self) -> Result<Freezing, Error> {
        let ground = self.scope.system;
        let row = ground.reader().await?.freeze().await?;
        Ok(Freezing::read(&ground.sealer, row.as_ref()))
    }

    async fn read(&self) -> Result<Vec<Freeze>, Error> {
        let freezing = self.freezing().await?;
        let mut found = Vec::new();
        if freezing.fault.is_some() && !freezing.has(&Frozen::All) {
            found.push(Freeze { what: Frozen::All, owner: None, at: None, by: None });
        }
        for name in &freezing.frozen {
            // What a later version froze is not known to this one, which freezes everything instead.
            let what = name.parse().unwrap_or(Frozen::All);
            let note = freezing.notes.iter().rev().find(|note| note.is_freeze && note.what == *name);
            found.push(Freeze {
                what,
                owner: note.and_then(|note| note.owner.clone()),
                at: note.map(|note| Timestamp::from_seconds(note.at)),
                by: note.and_then(|note| note.by.clone()).map(Into::into),
            });
        }
        Ok(found)
    }
}

/// Returns `true` if something that is frozen concerns an owner.
fn is_of(what: &Frozen, of: Option<&str>, owner: &str) -> bool {
    match what {
        Frozen::Agent(_) | Frozen::Connection(_) => of == Some(owner),
        Frozen::Owner(frozen) => frozen == owner,
        Frozen::All | Frozen::Kind(_) => true,
    }
}
