//! Replaces the current credential of a connection, with everything that changes with it.
//!
//! Used when a person chooses another credential: by a re-authorization and by a rollback. A credential that a
//! provider rotates by itself is written by the probe that saw it, and leaves no previous credential.

use std::sync::Arc;

use connection_contract::{DisplayText, Identity, Kind, Liveness, Reason, Secret, VerifyResult};
use serde_json::{Map, Value};

use super::Payload;
use crate::{
    ChangedPart, ConnectionId, Error, LivenessChange,
    asked::Asked,
    grant::Affected,
    ground::Ground,
    guard,
    kinds::Terms,
    liveness::{self, column},
    plan,
    store::{
        CREDENTIAL, ProviderGrantRow, Sealed, StoreError, Tx,
        rows::{AccountRow, CredentialRow, CredentialState, EventRow, ListedRow, PlanRow, PreviousMark, StoredMark},
    },
};

/// Draws a generation and seals a credential for it. `secret_names` are the names of its secrets as JSON. The caller
/// adds the scopes and the times.
///
/// # Errors
///
/// [`Error::NotFound`] if the connection was removed, [`Error::Sealed`], and the store's errors.
pub(crate) async fn seal_next(
    ground: &Arc<Ground>,
    id: ConnectionId,
    owner: &str,
    kind: &Kind,
    payload: &Payload,
    secret_names: String,
) -> Result<CredentialRow, Error> {
    // The commit that stores the credential also makes this write durable. If the power fails before it, the generation
    // may be drawn again, and nothing is left that was sealed with it.
    let drawn = ground.store.write_relaxed(move |tx| Box::pin(async move { tx.draw_generation(id).await })).await?;
    let generation = drawn.ok_or(Error::NotFound(id))?;
    let cell = CREDENTIAL.at(id.as_uuid(), generation, owner, kind.as_str());
    let sealed = ground.seal(&cell, payload.encode().expose()).await?;
    Ok(CredentialRow {
        connection_id: id,
        generation,
        state: CredentialState::Current,
        key_id: sealed.key_id(),
        sealed,
        secret_names,
        granted_scopes: None,
        valid_until: None,
        created_at: ground.clock.now().seconds(),
        plan: PlanRow::default(),
    })
}

/// The new credential with its facts. It is built before the transaction, so that the transaction does not wait for a
/// plugin.
pub(crate) struct Replacement {
    /// The sealed credential, with the scopes and times that were found.
    pub(crate) credential: CredentialRow,
    /// The result of verifying the new credential before it is stored.
    pub(crate) found: Arc<VerifyResult<Secret>>,
    /// The provider's own words about the reason in that result, sealed for the generation of the credential.
    pub(crate) words: Option<Sealed>,
    /// The origin that the verification asked.
    pub(crate) asked: Asked,
    /// The account that the new credential reaches.
    pub(crate) identity: Identity,
    /// The public configuration, as JSON.
    pub(crate) config: String,
    /// The terms of the kind for which a person chose the credential.
    pub(crate) terms: Option<Terms>,
    /// The grant at the provider, if it is known.
    pub(crate) grant: Option<ProviderGrantRow>,
    /// The time of the verification, in seconds since 1970.
    pub(crate) now: i64,
    /// `true` if it contains parts of the former credential, which may have been spent.
    pub(crate) inherits: bool,
}

impl Replacement {
    /// Returns `true` if the credential is for another account than the connection's. A name that can be changed at the
    /// provider does not show that the account is the same, because a person chose the account.
    pub(crate) fn is_another(&self, account: &AccountRow) -> bool {
        !self.identity.has_id(&account.account_id)
    }

    /// Returns the label of another connection that already has the credential's account.
    pub(crate) async fn account_holder(&self, tx: &mut Tx, account: &AccountRow) -> Result<Option<String>, StoreError> {
        if !self.is_another(account) {
            return Ok(None);
        }
        let holder = tx.account_of(&account.owner, &account.kind, &self.identity, Some(account.id)).await?;
        Ok(holder.map(|(_, label)| label))
    }

    /// Replaces the credential. The caller's transaction has read the row and decided on the replacement; the caller
    /// also appends the event and notifies the affected extensions.
    ///
    /// If the account is another one, all grants are revoked, because they were for the former account.
    pub(crate) async fn put(self, tx: &mut Tx, ground: &Ground, account: &AccountRow) -> Result<Affected, StoreError> {
        let is_another = self.is_another(account);
        let Self { credential, found, words, asked, identity, config, terms, grant, now, inherits } = self;
        let parts: &[_] = match config == account.config {
            true => &[ChangedPart::Credential],
            false => &[ChangedPart::ConnectionConfig, ChangedPart::Credential],
        };
        let mut affected = Affected::of(tx, &account.owner, account.id, parts).await?;
        if is_another {
            affected = affected.taken_back(tx, ground, account.id).await?;
        }
        let AccountRow { id, owner, generation, account_id, config: former, .. } = account;
        let previous = PreviousMark {
            owner: owner.clone(),
            connection_id: *id,
            generation: *generation,
            account_id: account_id.clone(),
            config: former.clone(),
            marked: StoredMark::default(),
        };
        let mark = guard::written(tx, &ground.sealer, now, &previous).await?;
        tx.replace_credential(account, &credential, now, &mark).await?;
        tx.delete_lacking_scopes(account.id).await?;
        if !inherits {
            // The exchanges of the former credential no longer matter.
            tx.delete_connection_exchanges(account.id).await?;
        }
        let (account_id, account_label) = (identity.account_id.as_str(), identity.label.as_str());
        if let Some(terms) = &terms {
            tx.put_kind_terms(terms).await?;
        }
        let digest = terms.as_ref().map(|terms| terms.digest.as_slice());
        tx.set_account_facts(account.id, account_id, account_label, &config, digest, now).await?;
        if !is_another && account.account_id != account_id {
            // The account got its lasting id, or its address is written in another way.
            tx.move_usage(account.id, &account.account_id, account_id).await?;
        }
        match &grant {
            Some(grant) => tx.set_provider_grant(account.id, grant).await?,
            None if is_another => tx.delete_provider_grant(account.id).await?,
            None => {}
        }
        let failures = i64::from(found.liveness != Liveness::Live);
        let kind = Kind::parse(&account.kind).and_then(|kind| ground.kinds.entry(&kind));
        let has_password = kind.is_some_and(|kind| kind.has_password());
        let pause = (failures > 0).then(|| plan::after_refused_probe(account.id, failures, has_password));
        let measured = liveness::row(account.id, credential.generation, &found, &asked, now, failures, pause);
        tx.upsert_liveness(&measured).await?;
        if let Some(words) = &words {
            tx.set_liveness_words(account.id, credential.generation, words).await?;
        }
        Ok(affected)
    }

    /// Returns the event of the replacement, with the fields in `more` added.
    pub(crate) fn event(
        &self,
        ground: &Ground,
        row: &ListedRow,
        kind: &str,
        more: impl IntoIterator<Item = (String, Value)>,
    ) -> EventRow {
        let mut body: Map<String, Value> = more.into_iter().collect();
        body.insert("before".into(), column::liveness(measured(row)).into());
        body.insert("liveness".into(), column::liveness(self.found.liveness).into());
        if self.is_another(&row.account) {
            body.insert("account".into(), self.identity.label.as_str().into());
        }
        ground.event(&row.account.owner, row.account.id, kind, body.into())
    }
}

/// Returns the liveness in a row.
pub(crate) fn measured(row: &ListedRow) -> Liveness {
    row.liveness.as_deref().map_or(Liveness::Unknown, column::to_liveness)
}

/// Publishes a change of liveness, after the commit.
pub(crate) fn publish(
    ground: &Ground,
    connection: ConnectionId,
    before: Liveness,
    liveness: Liveness,
    reason: Option<Reason>,
) {
    if before != liveness {
        let at = ground.clock.now();
        ground.subscriptions.publish(&LivenessChange { connection, before, liveness, reason, at });
    }
}

/// Returns `octocat (583231)`, with the id because two accounts may have the same name.
pub(crate) fn named(label: &str, account_id: &str) -> DisplayText {
    format!("{label} ({account_id})").into()
}
