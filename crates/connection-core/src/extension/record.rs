//! Checks that a use is granted and records it, in one transaction, so that a revoked grant is no longer used.

use connection_contract::SecretName;

use super::{ExtensionHandle, grants};
use crate::{
    ConnectionId, Error, ExtensionError, event, grant,
    guard::RowError,
    keys::Sealer,
    store::{Lock, StoreError, Tx, rows::EventRow},
};

/// A sort of use, as events name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseKind {
    AccessToken,
    Command,
    Request,
}

impl UseKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "accessToken",
            Self::Command => "command",
            Self::Request => "request",
        }
    }
}

impl ExtensionHandle {
    /// Checks that the extension is granted the connection and these secrets now.
    pub(super) async fn granted(&self, connection: ConnectionId, names: &[SecretName]) -> Result<(), Error> {
        let mut reader = self.scope.system.ground.reader().await?;
        let grant = reader.grant(&self.scope.owner, self.name(), connection).await?;
        drop(reader);
        let held = grant.filter(|grant| grant.revoked_at.is_none());
        if let Some(grant) = &held {
            grant::check(&self.scope.system.ground.sealer, &self.scope.owner, grant)?;
        }
        let held = held.map(|grant| grants::names(&grant.names));
        refusal(held.as_deref(), names).map_or(Ok(()), |names| Err(self.not_granted(connection, names)))
    }

    /// Records a use, if it is granted at that moment.
    pub(super) async fn record(
        &self,
        connection: ConnectionId,
        names: Vec<SecretName>,
        what: UseKind,
        command: Option<&str>,
    ) -> Result<(), Error> {
        let on = &self.scope.system;
        let owner = self.scope.owner.to_string();
        let extension = self.name().to_owned();
        let texts: Vec<_> = names.iter().map(SecretName::as_str).collect();
        let mut body = serde_json::json!({ "extension": extension, "for": what.as_str(), "names": texts });
        if let Some(command) = command {
            body["command"] = command.into();
        }
        let mut events = vec![on.ground.event(&owner, connection, event::EXTENSION_USED, body)];
        for name in &texts {
            let body = serde_json::json!({ "extension": extension, "name": name });
            events.push(on.ground.event(&owner, connection, event::SECRET_RELEASED, body));
        }
        let shows_secrets = !names.is_empty();
        let used = UseRecord { sealer: on.ground.sealer.clone(), owner, extension, connection, names, events };
        let recorded = match shows_secrets {
            true => on.ground.store.write(move |tx| Box::pin(used.record(tx))).await?,
            // No secret is handed out, so the record need not be durable at once.
            false => on.ground.store.write_relaxed(move |tx| Box::pin(used.record(tx))).await?,
        };
        match recorded {
            RecordOutcome::Done => {}
            RecordOutcome::Gone => return Err(Error::NotFound(connection)),
            RecordOutcome::Edited(error) => return Err(error.into()),
            RecordOutcome::Refused(names) => return Err(self.not_granted(connection, names)),
        }
        tracing::info!(%connection, extension = self.name(), what = what.as_str(), "an extension uses a connection");
        Ok(())
    }

    fn not_granted(&self, connection: ConnectionId, names: Vec<SecretName>) -> Error {
        ExtensionError::NotGranted { extension: self.label(), connection, names }.into()
    }
}

struct UseRecord {
    sealer: Sealer,
    owner: String,
    extension: String,
    connection: ConnectionId,
    names: Vec<SecretName>,
    events: Vec<EventRow>,
}

impl UseRecord {
    async fn record(self, tx: &mut Tx) -> Result<RecordOutcome, StoreError> {
        let Self { sealer, owner, extension, connection, names, events } = self;
        tx.lock(Lock::Connection(connection)).await?;
        if tx.account(connection).await?.is_none_or(|account| account.owner != owner) {
            return Ok(RecordOutcome::Gone);
        }
        let grant = tx.grant(&owner, &extension, connection).await?.filter(|grant| grant.revoked_at.is_none());
        if let Some(Err(error)) = grant.as_ref().map(|grant| grant::check(&sealer, &owner, grant)) {
            return Ok(RecordOutcome::Edited(error));
        }
        if let Some(names) = refusal(grant.map(|grant| grants::names(&grant.names)).as_deref(), &names) {
            return Ok(RecordOutcome::Refused(names));
        }
        for event in &events {
            event::append(tx, &sealer, event).await?;
        }
        Ok(RecordOutcome::Done)
    }
}

enum RecordOutcome {
    Done,
    Edited(RowError),
    Gone,
    Refused(Vec<SecretName>),
}

/// Returns the requested names that are not granted, or all if nothing is granted; `None` if nothing is refused.
fn refusal(granted: Option<&[SecretName]>, requested: &[SecretName]) -> Option<Vec<SecretName>> {
    let Some(granted) = granted else { return Some(requested.to_vec()) };
    let refused: Vec<_> = requested.iter().filter(|name| !granted.contains(name)).cloned().collect();
    (!refused.is_empty()).then_some(refused)
}
