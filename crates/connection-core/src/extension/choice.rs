//! The connection that a person chose for one extension. It takes precedence over the only grant and over the default of
//! the provider, and grants nothing.

use connection_contract::{BoxFuture, Kind};

use super::{Extensions, grants};
use crate::{
    ChangedPart, ConnectionId, Error, ExtensionChange, ExtensionError, guard,
    keys::Sealer,
    store::{
        Lock, StoreError, Tx,
        rows::{ChoiceRow, StoredMark},
    },
};

/// The parts that change when another connection is selected.
const ANOTHER: [ChangedPart; 2] = [ChangedPart::ConnectionConfig, ChangedPart::Credential];

/// Returns the connection of a choice; `None` for a row that was edited or restored, which is ignored.
pub(crate) fn chosen_connection(sealer: &Sealer, row: &ChoiceRow) -> Option<ConnectionId> {
    match guard::check(sealer, row) {
        Ok(()) => Some(row.connection_id),
        Err(error) => {
            tracing::warn!(%error, "the choice of a connection is not used");
            None
        }
    }
}

/// Deletes a choice. The transaction holds the owner's lock.
pub(super) async fn delete(tx: &mut Tx, sealer: &Sealer, row: &ChoiceRow, at: i64) -> Result<(), StoreError> {
    guard::deleted(tx, sealer, at, row).await?;
    tx.delete_choice(row).await
}

impl<'a> Extensions<'a> {
    /// Chooses the connection that an extension uses, in place of its only granted one or the default of its provider. Only
    /// the host calls this method, after a person decided so.
    ///
    /// A choice grants nothing: a [grant](Self::grant) says what the extension may do with the connection. The choice
    /// ends with the connection, with the extension, and with [`clear_choice`](Self::clear_choice).
    ///
    /// # Errors
    ///
    /// [`ExtensionError::OtherProvider`] for a connection of another provider than the extension needs,
    /// [`ExtensionError::Reserved`] for a connection that is for another extension alone,
    /// [`ExtensionError::Unknown`] for an invalid extension name, [`Error::NotFound`], [`Error::Row`], and the store's
    /// errors.
    pub fn choose(self, extension: &'a str, connection: ConnectionId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if extension.trim().is_empty() || extension.chars().any(char::is_control) {
                return Err(ExtensionError::Unknown(extension.to_owned().into()).into());
            }
            self.change_choice(extension, Some(connection)).await.map(drop)
        })
    }

    /// Clears the choice for an extension, so that it uses its only granted connection again, or the default of its
    /// provider, and returns whether there was one.
    ///
    /// # Errors
    ///
    /// The store's errors.
    pub fn clear_choice(self, extension: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            if extension.contains('\0') {
                return Ok(false);
            }
            self.change_choice(extension, None).await
        })
    }

    async fn change_choice(&self, extension: &str, chosen: Option<ConnectionId>) -> Result<bool, Error> {
        let on = self.scope.system.clone();
        let owner = self.scope.owner.to_string();
        let extension = extension.to_owned();
        let task = self.scope.system.ground.runtimes.spawn(async move {
            let order = on.ground.extension_changes.order().await;
            let by = on.clone();
            let whose = owner.clone();
            let name = extension.clone();
            let changed = on.ground.store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    let now = by.ground.clock.now().seconds();
                    let before = tx.choice(&whose, &name).await?;
                    let Some(connection) = chosen else {
                        let Some(row) = before else { return Ok(Ok(false)) };
                        return delete(tx, &by.ground.sealer, &row, now).await.map(|()| Ok(true));
                    };
                    let account = tx.account(connection).await?.filter(|account| account.owner == whose);
                    let Some(kind) = account.and_then(|account| Kind::parse(&account.kind)) else {
                        return Ok(Err(Error::NotFound(connection)));
                    };
                    let needed = match grants::needed(tx, &by, &whose, &name).await? {
                        Ok(needed) => needed,
                        Err(error) => return Ok(Err(error.into())),
                    };
                    if let Some(provider) = needed
                        && by.ground.provider_of(&kind) != provider
                    {
                        let extension = name.into();
                        return Ok(Err(ExtensionError::OtherProvider { extension, provider, kind }.into()));
                    }
                    if let Some(error) = ExtensionError::reserved(&kind, Some(&name)) {
                        return Ok(Err(error.into()));
                    }
                    if before.and_then(|before| chosen_connection(&by.ground.sealer, &before)) == Some(connection) {
                        return Ok(Ok(false));
                    }
                    let marked = StoredMark::default();
                    let row = ChoiceRow { owner: whose, extension: name, connection_id: connection, marked };
                    let mark = guard::written(tx, &by.ground.sealer, now, &row).await?;
                    tx.put_choice(&row, &mark).await?;
                    Ok(Ok(true))
                })
            });
            let changed = changed.await??;
            if changed {
                let parts = ANOTHER.to_vec();
                let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
                order.announce(&change);
            }
            drop(order);
            Ok(changed)
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }
}
