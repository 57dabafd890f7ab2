//! Puts another credential in the place of the current one, with everything that changes with it.
//!
//! Used where a person decides for another credential: a re-authorization, and going back. What a provider rotates by
//! itself is written by the probe that saw it, and leaves nothing to go back to.

use std::sync::Arc;

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Secret, VerifyResult};
use serde_json::{Map, Value};

use super::{Payload, previous::Previous};
use crate::{
    ChangedPart, ConnectionId, Error, LivenessChange, event,
    extension::Affected,
    liveness,
    liveness::words,
    registry::Shared,
    seal::Place,
    store::{
        StoreError, Tx,
        rows::{AccountRow, CredentialRow, CredentialState, EventRow, ListedRow, PlanRow},
    },
};

/// Draws a generation and seals a credential for it, with the names of its secrets as JSON. What is known of its scopes and
/// time is for the caller to add.
///
/// # Errors
///
/// [`Error::NotFound`] when the connection is gone, [`Error::Sealed`], and the store's.
pub(crate) async fn seal_next(
    shared: &Arc<Shared>,
    id: ConnectionId,
    owner: &str,
    kind: &Kind,
    payload: &Payload,
    secret_names: String,
) -> Result<CredentialRow, Error> {
    // The commit that stores the credential takes this one to the disk. Where the power goes before it, the number may be
    // drawn again, and nothing that was sealed with it is left.
    let drawn = shared.store.write_relaxed(move |tx| Box::pin(async move { tx.draw_generation(id).await })).await?;
    let generation = drawn.ok_or(Error::NotFound(id))?;
    let place = Place::credential(&id, owner, kind, generation);
    let failed = |source| Error::Sealed { what: format!("connection {id}"), source: Arc::new(source) };
    let sealed = shared.sealer.seal(&place, payload.encode().expose()).await.map_err(failed)?;
    Ok(CredentialRow {
        connection_id: id,
        generation,
        state: CredentialState::Current,
        key_id: sealed.key_id(),
        sealed,
        secret_names,
        granted_scopes: None,
        valid_until: None,
        created_at: shared.clock.now().seconds(),
        plan: PlanRow::default(),
    })
}

/// What takes the place, made before the transaction so that nothing in it waits.
pub(crate) struct Replacement {
    /// Sealed; its scopes and time are what was found.
    pub(crate) credential: CredentialRow,
    /// What was measured with it.
    pub(crate) found: Arc<VerifyResult<Secret>>,
    /// Which account it reaches.
    pub(crate) identity: Identity,
    /// JSON.
    pub(crate) config: String,
    /// When it was measured.
    pub(crate) now: i64,
    /// Whether it holds what the one before it held, and may have spent.
    pub(crate) inherits: bool,
}

impl Replacement {
    /// Whether it is of another account than the connection.
    pub(crate) fn is_another(&self, account: &AccountRow) -> bool {
        account.account_id != self.identity.account_id.as_str()
    }

    /// The label of another connection that has its account already.
    pub(crate) async fn taken(&self, tx: &mut Tx, account: &AccountRow) -> Result<Option<String>, StoreError> {
        if !self.is_another(account) {
            return Ok(None);
        }
        let id = self.identity.account_id.as_str();
        Ok(tx.account_by_identity(&account.owner, &account.kind, id).await?.map(|(_, label)| label))
    }

    /// Takes the place, in the transaction that decided so by the row that it read. The event is the caller's to append, and
    /// whom it concerns the caller's to tell. Of another account nobody has a grant: what a person let an extension use was
    /// the one before.
    pub(crate) async fn put(self, tx: &mut Tx, shared: &Shared, account: &AccountRow) -> Result<Affected, StoreError> {
        let is_another = self.is_another(account);
        let Self { credential, found, identity, config, now, inherits } = self;
        let parts: &[_] = match config == account.config {
            true => &[ChangedPart::Credential],
            false => &[ChangedPart::ConnectionConfig, ChangedPart::Credential],
        };
        let mut affected = Affected::of(tx, &account.owner, account.id, parts).await?;
        if is_another {
            affected = affected.taken_back(tx, shared, account.id).await?;
        }
        let AccountRow { id, owner, generation, account_id, config: former, .. } = account;
        let previous = Previous { id: *id, owner, generation: *generation, account_id, config: former };
        let mark = previous.mark(tx, &shared.sealer, now).await?;
        tx.replace_credential(account, &credential, now, &mark).await?;
        if !inherits {
            // What was spent of the former one matters no more.
            tx.delete_connection_exchanges(account.id).await?;
        }
        let names = (identity.account_id.as_str(), identity.label.as_str());
        tx.set_account_facts(account.id, names, &config, now).await?;
        let failures = i64::from(found.liveness != Liveness::Live);
        let measured = liveness::row(account.id, credential.generation, &found, now, failures);
        tx.upsert_liveness(&measured).await?;
        Ok(affected)
    }

    /// The event of it; `more` is what only the caller knows.
    pub(crate) fn event(
        &self,
        shared: &Shared,
        row: &ListedRow,
        kind: &str,
        more: impl IntoIterator<Item = (String, Value)>,
    ) -> EventRow {
        let mut body: Map<String, Value> = more.into_iter().collect();
        body.insert("before".into(), words::liveness(measured(row)).into());
        body.insert("liveness".into(), words::liveness(self.found.liveness).into());
        if self.is_another(&row.account) {
            body.insert("account".into(), self.identity.label.as_str().into());
        }
        event::new(shared, &row.account.owner, row.account.id, kind, body.into())
    }
}

/// What a row says of its liveness.
pub(crate) fn measured(row: &ListedRow) -> Liveness {
    row.liveness.as_deref().map_or(Liveness::Unknown, words::to_liveness)
}

/// Tells a change of liveness, after the commit.
pub(crate) fn publish(
    shared: &Shared,
    connection: ConnectionId,
    before: Liveness,
    liveness: Liveness,
    reason: Option<Reason>,
) {
    if before != liveness {
        let at = shared.clock.now();
        shared.subscriptions.publish(&LivenessChange { connection, before, liveness, reason, at });
    }
}

/// `octocat (583231)`: two accounts may have one name.
pub(crate) fn named(label: &str, account_id: &str) -> DisplayText {
    format!("{label} ({account_id})").into()
}
