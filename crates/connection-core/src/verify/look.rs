//! One look at a connection: renews its credential where that is due, opens it and probes.

use std::sync::Arc;

use connection_contract::{ConnectionError, Liveness, Secret, Timestamp, VerifyResult, reason};
use tracing::Instrument;

use super::{Asker, Result, open_as_one, probe, unreadable};
use crate::{
    ConnectionInfo, ConnectionRegistry, Error,
    connection::named,
    refresh::{
        self, Why,
        plan::{Plan, Stage},
    },
    registry::KindEntry,
    verify::Subject,
};

/// What was found, and of what.
pub(super) struct Looked {
    pub(super) before: ConnectionInfo,
    pub(super) generation: i64,
    pub(super) began: Timestamp,
    pub(super) found: VerifyResult<Secret>,
    /// JSON: the names of the secrets in the credential that was opened, where its plugin could tell.
    pub(super) secret_names: Option<String>,
    /// A refresh made the credential seconds ago.
    is_fresh: bool,
}

impl Looked {
    /// Whether the provider refused the credential in a way that a fresh one may mend.
    pub(super) fn is_refused(&self) -> bool {
        let code = self.found.reason.as_ref().map(|reason| &*reason.code);
        self.found.liveness == Liveness::Failing && matches!(code, Some(reason::EXPIRED | reason::UNAUTHORIZED))
    }

    /// Returns `true` if the provider refused a credential that a refresh made seconds ago: one of its servers may not know
    /// it yet.
    pub(super) fn is_refused_while_fresh(&self) -> bool {
        self.is_fresh && self.is_refused()
    }
}

pub(super) async fn look(
    registry: &ConnectionRegistry,
    kind: &Arc<KindEntry>,
    (mut before, mut generation): (ConnectionInfo, i64),
    asker: Asker,
) -> Result<Looked> {
    let shared = &registry.shared;
    let id = before.id;
    if kind.renews() {
        let began = shared.clock.now();
        if let Some(found) = renewed_first(registry, &before, generation).await? {
            return Ok(Looked { before, generation, began, found, secret_names: None, is_fresh: false });
        }
        (before, generation) = registry.info_and_generation(id).await?;
    }
    let span = tracing::info_span!("verify", connection = %id, kind = %before.kind);
    let (before, opened) = open_as_one(registry, before, generation).await?;
    let (generation, began) = (opened.generation, shared.clock.now());
    let is_fresh = opened.plan.is_fresh(began.seconds());
    let mut secret_names = None;
    let found = match opened.payload {
        Ok(payload) => {
            let credential = payload.credential.duplicate();
            let (owner, profile, config) = (before.owner.clone(), before.profile, before.config.clone());
            let subject = Subject { id, owner, profile, payload, config };
            let found = probe(shared, kind, subject, asker).instrument(span).await;
            // A plugin that is at fault is not asked again at once.
            if matches!(found, Ok(_) | Err(ConnectionError::NotLive(_))) {
                secret_names = named::told(shared, kind, &credential).await.ok();
            }
            found
        }
        Err(unopened) => Ok(unopened.not_live().into()),
    };
    let found = match found {
        Ok(found) => found,
        Err(ConnectionError::Credential(_)) => unreadable().into(),
        Err(ConnectionError::NotLive(not_live)) => not_live.into(),
        Err(source) => return Err(Error::Plugin { kind: before.kind, source }),
    };
    Ok(Looked { before, generation, began, found, secret_names, is_fresh })
}

/// Renews what is due. What there is to find when it works no more and cannot be renewed now.
async fn renewed_first(
    registry: &ConnectionRegistry,
    info: &ConnectionInfo,
    generation: i64,
) -> Result<Option<VerifyResult<Secret>>> {
    let shared = &registry.shared;
    let row = shared.reader().await?.current_credential(info.id).await;
    // What cannot be read is the probe's to tell.
    let Ok(Some(row)) = row else { return Ok(None) };
    let (plan, now) = (Plan::of(&row), shared.clock.now().seconds());
    if let Some(why) = plan.ended() {
        return Ok(Some(why.into()));
    }
    let is_expired = match plan.stage(now) {
        Stage::Fresh => return Ok(None),
        Stage::Failed => return Ok(plan.why().map(Into::into)),
        // Whoever is at it renews it behind the probe.
        Stage::Due if shared.refreshes.is_under_way(info.id) => return Ok(None),
        Stage::Due => false,
        Stage::Expired => true,
    };
    match refresh::renew(registry, info.id, generation, Why::Due).await {
        Ok(_) => Ok(None),
        Err(Error::NotRenewed { why, .. }) => {
            let is_final = matches!(&*why.reason.code, reason::NEEDS_REAUTHORIZATION | reason::REFRESH_OUTCOME_UNKNOWN);
            let is_told = is_expired || (is_final && why.liveness == Liveness::Failing);
            Ok(is_told.then(|| (*why).into()))
        }
        Err(error) => Err(error),
    }
}
