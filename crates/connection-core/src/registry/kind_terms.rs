//! Kinds whose terms changed since accounts were connected, and the acceptance of the new terms.

use std::{collections::BTreeMap, sync::Arc};

use connection_contract::{BoxFuture, Kind};

use super::{Kinds, Systems};
use crate::{
    ConnectionId, Error, event,
    kinds::{Terms, terms_digest},
    store::{Lock, StoreError, Tx},
};

/// Number of connections that are read or changed at once.
const PAGE: i64 = 500;

/// A change of the terms of a kind, and the connections that it concerns. See [`Kinds::changed`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindChange {
    /// The name of the kind whose terms changed.
    pub kind: Kind,
    /// The terms under which the accounts were connected; `None` if the kind stated none, or if the text was lost.
    pub before: Option<String>,
    /// The terms of the registered kind; `None` if it states none.
    pub now: Option<String>,
    /// The number of the owner's connections that were made under the terms in `before`.
    pub connections: u64,
    /// `true` if the connections are not used until the change is accepted. `false` if only the revocation changed, or
    /// what programs get that ask for a credential, and the connections are used. After a change of the revocation, a
    /// removal does not revoke their credentials; after one of what programs get, no program gets the secret.
    pub stops_use: bool,
    /// The digest that these connections keep.
    agreed: Option<Vec<u8>>,
}

impl<'a> Kinds<'a> {
    /// Returns the kinds whose terms differ from those under which the owner's accounts were connected, in
    /// the order of their names. A kind occurs once for each text of terms under which accounts were connected.
    ///
    /// A connection of such a kind is not used: every request, release of a secret, verification and refresh fails with
    /// [`Error::KindChanged`], until a person has seen what changed and the host calls [`accept`](Self::accept). If only
    /// the [revocation](connection_contract::Descriptor::revocation_facts) changed, the connection is used, and its
    /// credential is not revoked at a removal. If only what [programs get](connection_contract::Descriptor::helpers)
    /// changed, no program gets the secret.
    ///
    /// This method reads a column of each of the owner's connections. It is for a person who looks at the changes, not
    /// for each use.
    ///
    /// # Errors
    ///
    /// The store's errors.
    ///
    /// # Examples
    ///
    /// ```
    /// # use connection_core::{ConnectionRegistry, Error};
    /// # fn person_agrees() -> bool { true }
    /// # async fn review(registry: ConnectionRegistry) -> Result<(), Error> {
    /// for change in registry.kinds().changed().await? {
    ///     println!("{}: {} connections wait", change.kind, change.connections);
    ///     println!("before:\n{}", change.before.as_deref().unwrap_or_default());
    ///     println!("now:\n{}", change.now.as_deref().unwrap_or_default());
    ///     if person_agrees() {
    ///         registry.kinds().accept(&change).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn changed(self) -> BoxFuture<'a, Result<Vec<KindChange>, Error>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            let owner = &*self.registry.owner;
            let mut changes = Vec::new();
            systems.ground.read_connected_kinds().await?;
            let mut entries = systems.ground.kinds.read_entries();
            let own = systems.ground.reader().await?.connected_own_kinds(owner).await?;
            for kind in own {
                if let Some(kind) = Kind::parse(&kind) {
                    entries.extend(systems.ground.find_kind(owner, &kind).await?);
                }
            }
            entries.sort_by(|one, other| one.kind().cmp(other.kind()));
            for entry in entries {
                let kind = entry.kind();
                for (agreed, connections) in agreed(systems, owner, kind).await? {
                    if agreed.as_deref() == entry.terms_digest() {
                        continue;
                    }
                    let before = text(systems, agreed.as_deref()).await?;
                    let now = entry.terms.as_ref().map(|terms| terms.text.to_string());
                    let stops_use = !entry.permits_use(agreed.as_deref());
                    changes.push(KindChange { kind: kind.clone(), before, now, connections, stops_use, agreed });
                }
            }
            Ok(changes)
        })
    }

    /// Accepts a change that a person has seen, for the connections of the owner that were made under the old terms,
    /// and returns how many these are. They can be used again at once.
    ///
    /// Each connection gets an event. A connection whose row was edited outside of the program stays refused, and is
    /// not counted. After a crash, another call accepts the rest.
    ///
    /// # Errors
    ///
    /// [`Error::TermsOutdated`] if the terms changed again after they were shown, [`Error::UnknownKind`], and the
    /// store's errors.
    pub fn accept(self, change: &'a KindChange) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(async move {
            let systems = &self.registry.systems;
            let kind = &change.kind;
            let entry = systems.ground.kind(&self.registry.owner, kind).await?;
            if entry.terms.as_ref().map(|terms| &*terms.text) != change.now.as_deref() {
                return Err(Error::TermsOutdated { kind: kind.clone() });
            }
            let acceptance = Acceptance {
                systems: systems.clone(),
                owner: self.registry.owner.to_string(),
                kind: kind.to_string(),
                agreed: change.agreed.clone(),
                terms: entry.terms.clone(),
            };
            let mut accepted = 0;
            let mut after = None;
            loop {
                let batch = acceptance.clone();
                let (last, count) =
                    systems.ground.store.write(move |tx| Box::pin(async move { batch.page(tx, after).await })).await?;
                accepted += count;
                if last.is_none() {
                    break;
                }
                after = last;
            }
            tracing::info!(%kind, connections = accepted, "the new terms of a kind were accepted");
            Ok(accepted)
        })
    }
}

/// Returns the digests that the connections of an owner and a kind keep, each with the number of connections.
async fn agreed(systems: &Systems, owner: &str, kind: &Kind) -> Result<BTreeMap<Option<Vec<u8>>, u64>, Error> {
    let mut found = BTreeMap::new();
    let mut after = None;
    loop {
        let rows = systems.ground.reader().await?.agreed_terms(owner, kind.as_str(), after, PAGE).await?;
        after = rows.last().map(|(id, _)| *id).filter(|_| rows.len() as i64 == PAGE);
        for (_, agreed) in rows {
            *found.entry(agreed).or_default() += 1;
        }
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Returns the text with this digest. A text that was edited does not have it, and is left out.
async fn text(systems: &Systems, digest: Option<&[u8]>) -> Result<Option<String>, Error> {
    let Some(digest) = digest else { return Ok(None) };
    let text = systems.ground.reader().await?.kind_terms(digest).await?;
    Ok(text.filter(|text| terms_digest(text) == digest))
}

/// The acceptance of terms for the connections of an owner and a kind.
#[derive(Clone)]
struct Acceptance {
    systems: Arc<Systems>,
    owner: String,
    kind: String,
    /// The digest of the terms to which a person agreed before.
    agreed: Option<Vec<u8>>,
    terms: Option<Terms>,
}

impl Acceptance {
    /// Accepts the terms for a page of connections. Returns the last one, if more follow, and the number of those that
    /// were changed.
    async fn page(&self, tx: &mut Tx, after: Option<ConnectionId>) -> Result<(Option<ConnectionId>, u64), StoreError> {
        tx.lock(Lock::Owner(&self.owner)).await?;
        if let Some(terms) = &self.terms {
            tx.put_kind_terms(terms).await?;
        }
        let rows = tx.agreed_terms(&self.owner, &self.kind, after, PAGE).await?;
        let last = rows.last().map(|(id, _)| *id).filter(|_| rows.len() as i64 == PAGE);
        let mut count = 0;
        for (id, _) in rows.into_iter().filter(|(_, agreed)| *agreed == self.agreed) {
            count += u64::from(self.one(tx, id).await?);
        }
        Ok((last, count))
    }

    /// Accepts the terms for a connection, unless it was changed meanwhile or its row was edited.
    async fn one(&self, tx: &mut Tx, id: ConnectionId) -> Result<bool, StoreError> {
        let Self { systems, owner, agreed, terms, .. } = self;
        tx.lock(Lock::Connection(id)).await?;
        let Some(account) = tx.account(id).await?.filter(|account| account.terms == *agreed) else { return Ok(false) };
        if let Some(error) = event::refusal(tx, &systems.ground.sealer, &account).await? {
            tracing::warn!(connection = %id, %error, "the new terms are not accepted for a connection");
            return Ok(false);
        }
        let digest = terms.as_ref().map(|terms| terms.digest.as_slice());
        tx.set_account_terms(id, digest, systems.ground.clock.now().seconds()).await?;
        let hex = |digest: &[u8]| connection_contract::encode::hex(digest);
        let body = serde_json::json!({ "before": agreed.as_deref().map(hex), "terms": digest.map(hex) });
        event::append(tx, &systems.ground.sealer, &systems.ground.event(owner, id, event::KIND_ACCEPTED, body)).await?;
        Ok(true)
    }
}
