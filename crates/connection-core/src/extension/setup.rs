//! A setup that a person makes for an extension. It ends with a grant, or, if the extension needs something else by
//! then, with nothing stored.

use std::sync::Arc;

use connection_contract::{BoxFuture, Kind, SetupFailure};

use super::{Declarations, ExtensionHandle, grants, row_marks::RowMarks};
use crate::{
    BeginSetup, ConnectionId, Error, ExtensionError, Reauthorize,
    extension::requirement::fingerprint,
    ground::Ground,
    guard,
    setup::{Applicant, Consent, ForExtension},
    store::{
        Lock, StoreError, Tx, json,
        rows::{ExtensionStateRow, GrantRow, StoredMark},
    },
};

impl BeginSetup {
    /// Connects the account for an extension, which is granted the connection with the secrets that it declared.
    ///
    /// A kind that belongs to another extension is refused. If the extension was connected through the kind of its own
    /// declaration, and a kind that serves every extension connects its provider now, the extension uses the new
    /// connection from then on. The former one stays until a person removes it.
    ///
    /// If the extension's declaration has changed by the end of the setup, or the extension was removed, nothing is
    /// connected. A handle of another owner is ignored.
    pub fn extension(self, handle: &ExtensionHandle) -> Self {
        self.applicant(Arc::new(handle.clone()))
    }
}

impl Reauthorize {
    /// Authorizes the connection again for an extension, as [`BeginSetup::extension`] connects an account for one. The
    /// extension is granted the connection with the secrets that it declared.
    ///
    /// If the extension's declaration has changed by the end of the setup, or the extension was removed, the
    /// connection stays as it is. A handle of another owner is ignored.
    pub fn extension(self, handle: &ExtensionHandle) -> Self {
        self.applicant(Arc::new(handle.clone()))
    }
}

impl Applicant for ExtensionHandle {
    fn for_setup<'a>(&'a self, owner: &'a str, kind: &'a Kind) -> BoxFuture<'a, Result<Option<ForExtension>, Error>> {
        Box::pin(async move {
            match *self.scope.owner == *owner {
                true => self.for_own_setup(kind).await.map(Some),
                false => Ok(None),
            }
        })
    }
}

impl ExtensionHandle {
    /// Returns the data with which a setup of this kind is begun.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::OtherProvider`], [`ExtensionError::Reserved`], [`ExtensionError::Crossed`] if the handle's
    /// declaration is outdated, and the store's errors.
    async fn for_own_setup(&self, kind: &Kind) -> Result<ForExtension, Error> {
        let requirement = self.requirement();
        let system = &self.scope.system;
        if system.ground.provider_of(kind) != requirement.provider {
            let extension = self.label();
            let provider = requirement.provider.clone();
            return Err(ExtensionError::OtherProvider { extension, provider, kind: kind.clone() }.into());
        }
        if let Some(error) = ExtensionError::reserved(kind, Some(self.name())) {
            return Err(error.into());
        }
        let print = fingerprint(requirement);
        let row = system.ground.reader().await?.extension(&self.scope.owner, self.name()).await?;
        if let Some(row) = &row {
            guard::check(&system.ground.sealer, row)?;
        }
        if row.as_ref().is_some_and(|row| row.fingerprint != print) {
            return Err(ExtensionError::Crossed { extension: self.label() }.into());
        }
        declare(&system.ground, &self.scope.owner, self.name(), print).await?;
        let names = requirement.auth.secret_names.iter().map(|name| name.as_str().to_owned()).collect();
        Ok(ForExtension { name: self.name().to_owned(), print, names, added: row.is_some() })
    }
}

/// Stores what an extension needs now, for the end of a setup that was begun for it.
async fn declare(ground: &Ground, owner: &str, name: &str, print: [u8; 32]) -> Result<(), Error> {
    let known = ground.reader().await?.extension_state(owner, name).await?;
    if known.is_some_and(|row| row.fingerprint.is_some_and(|known| known == print)) {
        return Ok(());
    }
    let owner = owner.to_owned();
    let name = name.to_owned();
    let sealer = ground.sealer.clone();
    let now = ground.clock.now().seconds();
    let declared = ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Owner(&owner)).await?;
            let marks = RowMarks { sealer: &sealer, owner: &owner, now };
            let row = marks.known(tx, &name).await?.unwrap_or_else(|| marks.unknown(&name));
            // If the extension was added meanwhile, the added declaration counts.
            if row.provider.is_none() {
                let row = ExtensionStateRow { fingerprint: Some(print.to_vec()), ..row };
                marks.put_state(tx, &row).await?;
            }
            Ok(())
        })
    });
    Ok(declared.await?)
}

/// Checks and grants, in the transaction of a setup, what an extension is to use. It holds no system above the ground,
/// because the system of setups holds it.
pub(crate) struct ExtensionConsent {
    ground: Arc<Ground>,
    declarations: Arc<Declarations>,
}

impl ExtensionConsent {
    pub(crate) fn new(ground: &Arc<Ground>, declarations: &Arc<Declarations>) -> Self {
        Self { ground: ground.clone(), declarations: declarations.clone() }
    }
}

impl Consent for ExtensionConsent {
    fn outdated<'a>(
        &'a self,
        tx: &'a mut Tx,
        owner: &'a str,
        extension: &'a ForExtension,
    ) -> BoxFuture<'a, Result<Option<SetupFailure>, StoreError>> {
        Box::pin(async move {
            let ground = &self.ground;
            // The state may be from any process. Without a state, the setup was begun for something else.
            let marks = RowMarks { sealer: &ground.sealer, owner, now: ground.clock.now().seconds() };
            let stored = marks.known(tx, &extension.name).await?;
            let is_added = stored.as_ref().is_some_and(|row| row.provider.is_some());
            let stored = stored.and_then(|row| row.fingerprint);
            // A declaration that this process has made since, for which no setup was begun.
            let here = self.declarations.last_declared(owner, &extension.name).filter(|_| !is_added);
            let is_same = stored.is_some_and(|stored| stored == extension.print)
                && (is_added || !extension.added)
                && here.is_none_or(|here| here.print == extension.print);
            let message =
                || format!("the connection that '{}' requires changed before it was connected", extension.name);
            Ok((!is_same).then(|| SetupFailure::new("connection_changed", message()).remedy("connect it again")))
        })
    }

    fn grant<'a>(
        &'a self,
        tx: &'a mut Tx,
        owner: &'a str,
        connection: ConnectionId,
        extension: &'a ForExtension,
        session: String,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let before = tx.grant(owner, &extension.name, connection).await?;
            // A setup does not widen a grant that a person narrowed.
            let is_narrowed = |row: &GrantRow| {
                row.revoked_at.is_none() && row.rules.is_some() && guard::check(&self.ground.sealer, row).is_ok()
            };
            let narrowed = before.filter(is_narrowed);
            let (names, rules) = match narrowed {
                Some(row) => (row.names, row.rules),
                None => (json::texts(&extension.names), None),
            };
            let row = GrantRow {
                owner: owner.to_owned(),
                extension: extension.name.clone(),
                connection_id: connection,
                names,
                rules,
                created_at: self.ground.clock.now().seconds(),
                revoked_at: None,
                marked: StoredMark::default(),
            };
            grants::put(tx, &self.ground, &row, Some(session)).await.map(|(_, parts)| !parts.is_empty())
        })
    }
}
