//! Who may use what: a person says so, sees it, and takes it back.

use connection_contract::{Kind, SecretName, Timestamp};

use super::{ChangedPart, ExtensionChange, ExtensionError};
use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error,
    connection::json,
    event,
    registry::Shared,
    store::{Lock, StoreError, Tx, rows::GrantRow},
};

/// What a person lets an extension do with one connection: use it, and see the secrets of these names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Grant {
    /// Who may.
    pub extension: String,
    /// What.
    pub connection: ConnectionId,
    /// The secrets that it may see; without any it may send requests alone.
    pub names: Vec<SecretName>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was taken back; it holds while this is `None`.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    fn of(row: GrantRow) -> Self {
        Self {
            extension: row.extension,
            connection: row.connection_id,
            names: names(&row.names),
            created_at: Timestamp::from_seconds(row.created_at),
            revoked_at: row.revoked_at.map(Timestamp::from_seconds),
        }
    }
}

/// What cannot be read is granted to nobody.
pub(crate) fn names(json: &str) -> Vec<SecretName> {
    json::to_texts(json).unwrap_or_default().into_iter().filter_map(SecretName::parse).collect()
}

impl ConnectionRegistry {
    /// Lets an extension use a connection of this owner, and see the secrets of these names. For the host alone, when a
    /// person has said so. In the place of a grant that there is. Of which provider it has to be is known of an extension
    /// that was added, in any process, and of one that this process made a handle of.
    ///
    /// # Repetition
    ///
    /// The same once more changes nothing.
    ///
    /// # Cancellation
    ///
    /// Dropped, it may have been granted.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`ExtensionError::OtherProvider`], and the store's.
    pub async fn grant(&self, extension: &str, connection: ConnectionId, names: &[SecretName]) -> Result<Grant, Error> {
        self.let_use(extension, (connection, None), names).await
    }

    /// As [`grant`](Self::grant), of the account that a person was shown: when the connection is of another one by the
    /// commit, it is not granted.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::AccountChanged`], and as [`grant`](Self::grant).
    pub async fn grant_shown(
        &self,
        extension: &str,
        shown: &ConnectionInfo,
        names: &[SecretName],
    ) -> Result<Grant, Error> {
        let account = shown.identity.account_id.as_str().to_owned();
        self.let_use(extension, (shown.id, Some(account)), names).await
    }

    async fn let_use(
        &self,
        extension: &str,
        (connection, shown): (ConnectionId, Option<String>),
        names: &[SecretName],
    ) -> Result<Grant, Error> {
        let (shared, owner) = (self.shared.clone(), self.owner.to_string());
        if extension.trim().is_empty() || extension.chars().any(char::is_control) {
            return Err(ExtensionError::Unknown(extension.to_owned().into()).into());
        }
        let names = names.iter().map(|name| name.as_str().to_owned()).collect();
        let row = GrantRow {
            extension: extension.to_owned(),
            connection_id: connection,
            names: json::texts(&names),
            created_at: shared.clock.now().seconds(),
            revoked_at: None,
        };
        let (on, whose, written) = (shared.clone(), owner.clone(), row.clone());
        self.told(extension, async move {
            let granted = on.clone().store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    tx.lock(Lock::Connection(connection)).await?;
                    let account = tx.account(connection).await?.filter(|account| account.owner == whose);
                    let kind = account.as_ref().and_then(|account| Kind::parse(&account.kind));
                    let (Some(account), Some(kind)) = (account, kind) else {
                        return Ok(Err(Error::NotFound(connection)));
                    };
                    let extension = || written.extension.clone().into();
                    if let Some(provider) = needed(tx, &on, &whose, &written.extension).await?
                        && on.provider_of(&kind) != provider
                    {
                        let extension = extension();
                        return Ok(Err(ExtensionError::OtherProvider { extension, provider, kind }.into()));
                    }
                    if shown.is_some_and(|shown| shown != account.account_id) {
                        let extension = extension();
                        return Ok(Err(ExtensionError::AccountChanged { extension, connection }.into()));
                    }
                    Ok(Ok(put(tx, &on, &whose, &written, None).await?))
                })
            });
            granted.await?
        })
        .await
        .map(Grant::of)
    }

    /// Takes a grant back; `false` when there is none. What is under way with it ends, and nothing more begins.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn revoke(&self, extension: &str, connection: ConnectionId) -> Result<bool, Error> {
        // Nobody of such a name was granted anything, and not every database takes it in a question.
        if extension.contains('\0') {
            return Ok(false);
        }
        let (on, whose, name) = (self.shared.clone(), self.owner.to_string(), extension.to_owned());
        self.told(extension, async move {
            let revoked = on.clone().store.write(move |tx| {
                Box::pin(async move {
                    tx.lock(Lock::Owner(&whose)).await?;
                    tx.lock(Lock::Connection(connection)).await?;
                    take_back(tx, &on, &whose, &name, connection).await
                })
            });
            let revoked = revoked.await?;
            Ok((revoked, revoked))
        })
        .await
    }

    /// What extensions may use, and what was taken back; by extension and connection. What goes with a connection that is
    /// removed is in its events.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn grants(&self) -> Result<Vec<Grant>, Error> {
        Ok(self.shared.reader().await?.grants(&self.owner).await?.into_iter().map(Grant::of).collect())
    }

    /// Runs a change of grants to its end, and tells it when it changed something.
    async fn told<T: Send + 'static>(
        &self,
        extension: &str,
        change: impl Future<Output = Result<(T, bool), Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let (on, owner, extension) = (self.shared.clone(), self.owner.to_string(), extension.to_owned());
        let task = self.shared.runtimes.spawn(async move {
            let turn = on.extensions.announcements.turn();
            let _turn = turn.lock().await;
            let (result, changed) = change.await?;
            if changed {
                let parts = vec![ChangedPart::Grant];
                let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
                on.extensions.announcements.publish(&change);
            }
            Ok(result)
        });
        task.await.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
    }
}

/// Whose connection an extension needs; `None` for one of which nothing is known. That which was added counts.
async fn needed(tx: &mut Tx, shared: &Shared, owner: &str, extension: &str) -> Result<Option<Kind>, StoreError> {
    let added = tx.extension_state(owner, extension).await?.and_then(|row| row.provider);
    let added = added.and_then(|provider| Kind::parse(&provider));
    Ok(added.or_else(|| shared.extensions.last_declared(owner, extension).map(|declared| declared.provider)))
}

/// Grants, and records it, in a transaction that holds the connection; `false` when that was so already. `by` is the setup
/// in which a person said so.
pub(super) async fn put(
    tx: &mut Tx,
    shared: &Shared,
    owner: &str,
    row: &GrantRow,
    by: Option<String>,
) -> Result<(GrantRow, bool), StoreError> {
    let before = tx.grant(owner, &row.extension, row.connection_id).await?;
    if let Some(before) = before.filter(|before| before.revoked_at.is_none() && before.names == row.names) {
        return Ok((before, false));
    }
    tx.put_grant(owner, row).await?;
    let mut body = serde_json::json!({ "extension": row.extension, "names": json::to_texts(&row.names) });
    if let Some(by) = by {
        body["session"] = by.into();
    }
    let event = event::new(shared, owner, row.connection_id, event::EXTENSION_GRANTED, body);
    event::append(tx, &shared.sealer, &event).await?;
    Ok((row.clone(), true))
}

/// Revokes, and records it, in a transaction that holds the connection.
pub(super) async fn take_back(
    tx: &mut Tx,
    shared: &Shared,
    owner: &str,
    extension: &str,
    connection: ConnectionId,
) -> Result<bool, StoreError> {
    let Some(before) = tx.grant(owner, extension, connection).await? else { return Ok(false) };
    if !tx.revoke_grant(owner, extension, connection, shared.clock.now().seconds()).await? {
        return Ok(false);
    }
    let body = serde_json::json!({ "extension": extension, "names": json::to_texts(&before.names) });
    let event = event::new(shared, owner, connection, event::EXTENSION_REVOKED, body);
    event::append(tx, &shared.sealer, &event).await.map(|()| true)
}
