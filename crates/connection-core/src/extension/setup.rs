//! A setup that a person makes for an extension: it ends in a grant, or, when the extension needs something else by then,
//! without anything.

use connection_contract::SetupFailure;

use super::{ChangedPart, ExtensionChange, ExtensionError, ExtensionHandle, Turn, grants};
use crate::{
    ConnectionId, Error,
    connection::json,
    registry::Shared,
    requirement::fingerprint,
    store::{StoreError, Tx, rows::GrantRow},
};

/// For whom a setup was begun, and what it asked for then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForExtension {
    pub(crate) name: String,
    /// Of the requirement.
    pub(crate) print: [u8; 32],
    /// The secrets that it declared.
    pub(crate) names: Vec<String>,
    /// Whether it had been added.
    pub(crate) added: bool,
}

impl ExtensionHandle {
    /// What a setup of that kind is begun with.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::OtherProvider`], [`ExtensionError::Crossed`] for a handle of a declaration that is none any more,
    /// and the store's.
    pub(crate) async fn for_setup(&self, kind: &connection_contract::Kind) -> Result<ForExtension, Error> {
        let requirement = self.requirement();
        let shared = &self.registry.shared;
        if shared.provider_of(kind) != requirement.provider {
            let (extension, provider) = (self.label(), requirement.provider.clone());
            return Err(ExtensionError::OtherProvider { extension, provider, kind: kind.clone() }.into());
        }
        let print = fingerprint(requirement);
        let row = shared.reader().await?.extension(&self.registry.owner, self.name()).await?;
        if row.as_ref().is_some_and(|row| row.fingerprint != print) {
            return Err(ExtensionError::Crossed { extension: self.label() }.into());
        }
        let names = requirement.auth.secret_names.iter().map(|name| name.as_str().to_owned()).collect();
        Ok(ForExtension { name: self.name().to_owned(), print, names, added: row.is_some() })
    }

    pub(crate) fn is_of(&self, owner: &str) -> bool {
        *self.registry.owner == *owner
    }
}

/// Why nothing is to be stored for the extension, asked in the transaction before anything is: it asks for something else by
/// now, or was removed.
pub(crate) async fn outdated(
    tx: &mut Tx,
    shared: &Shared,
    owner: &str,
    extension: &ForExtension,
) -> Result<Option<SetupFailure>, StoreError> {
    let is_same = match tx.extension(owner, &extension.name).await? {
        Some(row) => row.fingerprint == extension.print,
        None if extension.added => false,
        None => {
            let last = shared.extensions.last_declared(owner, &extension.name);
            last.is_none_or(|last| last == extension.print)
        }
    };
    let message = || format!("the connection that '{}' needs changed before it was made", extension.name);
    Ok((!is_same).then(|| SetupFailure::new("connection_changed", message()).remedy("connect it again")))
}

/// That who connects for an extension lets it use what is connected, in the transaction that stores the connection.
pub(crate) async fn consent(
    tx: &mut Tx,
    shared: &Shared,
    (owner, connection): (&str, ConnectionId),
    extension: &ForExtension,
    session: String,
) -> Result<(), StoreError> {
    let row = GrantRow {
        extension: extension.name.clone(),
        connection_id: connection,
        names: json::texts(&extension.names),
        created_at: shared.clock.now().seconds(),
        revoked_at: None,
    };
    grants::put(tx, shared, owner, &row, Some(session)).await.map(drop)
}

/// Tells it, after the commit.
pub(crate) fn told(shared: &Shared, owner: &str, extension: &ForExtension, _: &Turn) {
    let parts = vec![ChangedPart::ConnectionConfig, ChangedPart::Credential, ChangedPart::Grant];
    let (owner, extension) = (owner.to_owned(), extension.name.clone());
    let change = ExtensionChange { owner, extension, command: None, parts, revisions: None };
    shared.extensions.announcements.publish(&change);
}
