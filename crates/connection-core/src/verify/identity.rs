//! The account that a probe reached, compared with the one that is stored.
//!
//! The stored identity came with the current authorization, and a refresh keeps the authorization. If the id of an account
//! is a name that can be changed at the provider, another id is therefore a new name of the same account. A person who
//! authorizes a connection again may have signed in with any account, so a re-authorization decides for itself.

use connection_contract::{Identity, Liveness, NotLive, Reason, Secret, VerifyResult, reason};

use super::System;
use crate::{
    ConnectionInfo, Error,
    asked::Asked,
    event,
    keys::Sealer,
    limits,
    store::{StoreError, Tx, rows::ListedRow},
};

/// What a probe says about the account.
pub(super) enum Account {
    /// The account of the connection, under the stored id.
    Same,
    /// The account of the connection, under another id.
    Moved(Move),
    Another,
}

/// A change of the id of an account.
#[derive(Clone)]
pub(super) struct Move {
    from: String,
    to: Identity,
}

/// Compares the account that a probe reached with that of the connection.
///
/// # Errors
///
/// The store's errors.
pub(super) async fn compare(
    system: &System,
    before: &ConnectionInfo,
    found: &VerifyResult<Secret>,
) -> Result<Account, Error> {
    let stored = before.identity.account_id.as_str();
    let Some(identity) = found.identity.as_ref().filter(|identity| identity.account_id.as_str() != stored) else {
        return Ok(Account::Same);
    };
    let is_same = identity.has_id(stored);
    if !is_same && !identity.is_mutable {
        return Ok(Account::Another);
    }
    let differs_in_case = identity.account_id.as_str().to_lowercase() == stored.to_lowercase();
    if found.liveness != Liveness::Live || is_same && differs_in_case {
        return Ok(Account::Same);
    }
    let mut reader = system.ground.reader().await?;
    let holder = reader.account_of(&before.owner, before.kind.as_str(), identity, Some(before.id)).await?;
    Ok(match (holder, is_same) {
        (None, _) if limits::account_id(&identity.account_id).is_ok() => {
            Account::Moved(Move { from: stored.to_owned(), to: identity.clone() })
        }
        (_, true) => Account::Same,
        (_, false) => Account::Another,
    })
}

/// Returns the result of a probe that reached another account. A credential that the provider rotated is kept nevertheless,
/// because the old one may no longer work.
pub(super) fn another(found: &mut VerifyResult<Secret>, asked: &Asked) {
    let message = asked.said("the credential belongs to another account than the one that was connected");
    let remedy = format!("{}, as the account that it was made for", reason::AUTHORIZE_AGAIN);
    let not_live = NotLive::failing(Reason::new(reason::ACCOUNT_CHANGED, message).remedy(remedy));
    let rotated = found.credential.take();
    *found = not_live.into();
    found.credential = rotated;
}

impl Move {
    /// Returns what the connection says about its new name. A kind that has found a lasting id for the same account says
    /// nothing, because no person has to know.
    pub(super) fn note(&self) -> Option<Reason> {
        let (from, to) = (&self.from, self.to.account_id.as_str());
        let note = || Reason::new(reason::ACCOUNT_RENAMED, format!("the account {from} is now named {to}"));
        self.to.is_mutable.then(note)
    }

    /// Stores the new id in the row that the transaction has read. Returns `false` if the row is another one by now, or was
    /// edited outside of the program, or if another connection has got the account.
    pub(super) async fn store(
        &self,
        tx: &mut Tx,
        sealer: &Sealer,
        row: &ListedRow,
        now: i64,
    ) -> Result<bool, StoreError> {
        let account = &row.account;
        if account.account_id != self.from
            || event::refusal(tx, sealer, account).await?.is_some()
            || tx.account_of(&account.owner, &account.kind, &self.to, Some(account.id)).await?.is_some()
        {
            return Ok(false);
        }
        let (id, label) = (self.to.account_id.as_str(), self.to.label.as_str());
        if !tx.set_account_identity(account.id, id, label, now).await? {
            return Ok(false);
        }
        // The usage that was stored under the former id is that of the same account.
        tx.move_usage(account.id, &self.from, id).await?;
        Ok(true)
    }

    /// Returns the body of the event.
    pub(super) fn event(&self, row: &ListedRow) -> serde_json::Value {
        let identity = |id: &str, label: &str| serde_json::json!({ "id": id, "label": label });
        let to = identity(self.to.account_id.as_str(), self.to.label.as_str());
        serde_json::json!({ "before": identity(&self.from, &row.account.account_label), "account": to })
    }
}
