//! A setup that a person makes for an extension. It ends with a grant, or, if the extension needs something else by
//! then, with nothing stored.

use connection_contract::SetupFailure;

use super::{ExtensionHandle, grants, row_marks::RowMarks};
use crate::{
    ConnectionId, Error, ExtensionChange, ExtensionError,
    extension::requirement::fingerprint,
    grant::{ALL_OF_IT, NotificationOrder},
    registry::Shared,
    store::{
        Lock, StoreError, Tx, json,
        rows::{ExtensionStateRow, GrantRow, Marked},
    },
};

/// The extension for which a setup was begun, and its requirement at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ForExtension {
    pub(crate) name: String,
    /// The fingerprint of the requirement.
    pub(crate) print: [u8; 32],
    /// The declared secrets.
    pub(crate) names: Vec<String>,
    /// `true` if the extension had been added.
    pub(crate) added: bool,
}

impl ExtensionHandle {
    /// Returns the data with which a setup of this kind is begun.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::OtherProvider`], [`ExtensionError::Crossed`] if the handle's declaration is outdated, and the
    /// store's errors.
    pub(crate) async fn for_setup(&self, kind: &connection_contract::Kind) -> Result<ForExtension, Error> {
        let requirement = self.requirement();
        let shared = &self.registry.shared;
        if shared.provider_of(kind) != requirement.provider {
            let extension = self.label();
            let provider = requirement.provider.clone();
            return Err(ExtensionError::OtherProvider { extension, provider, kind: kind.clone() }.into());
        }
        let print = fingerprint(requirement);
        let row = shared.reader().await?.extension(&self.registry.owner, self.name()).await?;
        if let Some(row) = &row {
            self.marks().check(row)?;
        }
        if row.as_ref().is_some_and(|row| row.fingerprint != print) {
            return Err(ExtensionError::Crossed { extension: self.label() }.into());
        }
        declare(shared, &self.registry.owner, self.name(), print).await?;
        let names = requirement.auth.secret_names.iter().map(|name| name.as_str().to_owned()).collect();
        Ok(ForExtension { name: self.name().to_owned(), print, names, added: row.is_some() })
    }

    pub(crate) fn is_of(&self, owner: &str) -> bool {
        *self.registry.owner == *owner
    }
}

/// Stores what an extension needs now, for the end of a setup that was begun for it.
async fn declare(shared: &Shared, owner: &str, name: &str, print: [u8; 32]) -> Result<(), Error> {
    let known = shared.reader().await?.extension_state(owner, name).await?;
    if known.is_some_and(|row| row.fingerprint.is_some_and(|known| known == print)) {
        return Ok(());
    }
    let owner = owner.to_owned();
    let name = name.to_owned();
    let sealer = shared.sealer.clone();
    let now = shared.clock.now().seconds();
    let declared = shared.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let marks = RowMarks { sealer: &sealer, owner: &owner, now };
            let row = marks.known(tx, &name).await?.unwrap_or_default();
            // If the extension was added meanwhile, the added declaration counts.
            if row.provider.is_none() {
                let row = ExtensionStateRow { fingerprint: Some(print.to_vec()), ..row };
                marks.put_state(tx, &name, &row).await?;
            }
            Ok(())
        })
    });
    Ok(declared.await?)
}

/// Returns why nothing may be stored for the extension: its requirement has changed, or it was removed. Called in the
/// transaction, before anything is stored.
pub(crate) async fn outdated(
    tx: &mut Tx,
    shared: &Shared,
    owner: &str,
    extension: &ForExtension,
) -> Result<Option<SetupFailure>, StoreError> {
    // The state may be from any process. Without a state, the setup was begun for something else.
    let marks = RowMarks { sealer: &shared.sealer, owner, now: shared.clock.now().seconds() };
    let stored = marks.known(tx, &extension.name).await?;
    let is_added = stored.as_ref().is_some_and(|row| row.provider.is_some());
    let stored = stored.and_then(|row| row.fingerprint);
    // A declaration that this process has made since, for which no setup was begun.
    let here = shared.extensions.last_declared(owner, &extension.name).filter(|_| !is_added);
    let is_same = stored.is_some_and(|stored| stored == extension.print)
        && (is_added || !extension.added)
        && here.is_none_or(|here| here.print == extension.print);
    let message = || format!("the connection that '{}' requires changed before it was connected", extension.name);
    Ok((!is_same).then(|| SetupFailure::new("connection_changed", message()).remedy("connect it again")))
}

/// Grants the extension the connection that a person made for it, and returns whether that changed something. Called in
/// the transaction that stores the connection.
pub(crate) async fn consent(
    tx: &mut Tx,
    shared: &Shared,
    (owner, connection): (&str, ConnectionId),
    extension: &ForExtension,
    session: String,
) -> Result<bool, StoreError> {
    let row = GrantRow {
        extension: extension.name.clone(),
        connection_id: connection,
        names: json::texts(&extension.names),
        created_at: shared.clock.now().seconds(),
        revoked_at: None,
        marked: Marked::default(),
    };
    grants::put(tx, shared, owner, &row, Some(session)).await.map(|(_, is_new)| is_new)
}

/// Notifies the listeners of the extension. Called after the commit.
pub(crate) fn notify(shared: &Shared, owner: &str, extension: &ForExtension, _: &NotificationOrder) {
    let change = ExtensionChange {
        owner: owner.to_owned(),
        extension: extension.name.clone(),
        command: None,
        parts: ALL_OF_IT.to_vec(),
        revisions: None,
    };
    shared.announcements.publish(&change);
}
