//! A single verification of a connection: refreshes its credential if that is due, opens the credential and probes.

use std::{sync::Arc, time::Duration};

use connection_contract::{ConnectionError, Liveness, NotLive, Timestamp, reason};
use tracing::Instrument;

use super::{ProbeTrigger, Result, System, probe};
use crate::{
    Error,
    credential::{ShownConnection, Subject, open_read, read_shown, unreadable},
    definition::Probed,
    ground::{Scope, check_terms},
    kinds::KindEntry,
    plan::{self, Plan, Stage},
    refresh::{self, Trigger},
};

/// The result of a single verification.
pub(super) struct Measurement {
    pub(super) before: ShownConnection,
    pub(super) began: Timestamp,
    pub(super) probed: Probed,
    /// `true` if a refresh made the credential seconds ago.
    is_fresh: bool,
    /// `true` unless a refresh decides, and its plan says when.
    is_probed: bool,
}

impl Measurement {
    /// Returns `true` if the provider refused the credential in a way that a fresh one may cure.
    pub(super) fn is_refused(&self) -> bool {
        let found = &self.probed.found;
        let code = found.reason.as_ref().map(|reason| &*reason.code);
        found.liveness == Liveness::Failing && matches!(code, Some(reason::EXPIRED | reason::UNAUTHORIZED))
    }

    /// Replaces a refusal by the reason for which the refresh has to wait, if it has to: a refresh may still cure the
    /// refusal, so nobody is asked to authorize the connection again.
    pub(super) fn wait_for_refresh(&mut self, plan: Option<Plan>) {
        let waiting = plan.filter(|plan| !self.is_fresh && plan.failures() > 0);
        if let Some(why) = waiting.and_then(|plan| plan.why()) {
            self.set_not_renewed(why);
        }
    }

    /// Replaces a refusal by the reason why the credential could not be refreshed. The plan of the refreshes decides when the
    /// provider is asked again.
    pub(super) fn set_not_renewed(&mut self, why: NotLive) {
        self.probed = why.into();
        self.is_probed = false;
    }

    /// Returns the pause until the next verification of a connection that is not live, unless the plugin or the provider
    /// gave one: the cause may pass by itself. It grows with the number of `failures`. Returns `None` if the next refresh
    /// decides.
    pub(super) fn pause_after(&self, has_password: bool, failures: i64) -> Option<Duration> {
        let is_asked_again =
            self.is_probed && matches!(self.probed.found.liveness, Liveness::Failing | Liveness::Offline);
        is_asked_again.then(|| plan::after_refused_probe(self.before.info.id, failures, has_password))
    }

    /// Returns `true` if the provider refused a credential that a refresh made seconds ago. One of its servers may not
    /// know the credential yet.
    pub(super) fn is_refused_while_fresh(&self) -> bool {
        self.is_fresh && self.is_refused()
    }
}

pub(super) async fn measure(
    scope: Scope<'_, System>,
    kind: &Arc<KindEntry>,
    mut before: ShownConnection,
    asker: ProbeTrigger,
) -> Result<Measurement> {
    let system = scope.system;
    let id = before.info.id;
    check_terms(kind, &before.info)?;
    if kind.renews() {
        let began = system.ground.clock.now();
        match renewed_first(scope, &before, asker).await? {
            RefreshedFirst::NotLive(why) => {
                return Ok(Measurement { before, began, probed: why.into(), is_fresh: false, is_probed: false });
            }
            RefreshedFirst::Renewed => before = read_shown(&system.ground, scope.owner, id).await?,
            RefreshedFirst::Same => {}
        }
    }
    let info = &before.info;
    check_terms(kind, info)?;
    let span = tracing::info_span!("verify", connection = %id, kind = %info.kind);
    let opened = open_read(&system.ground, info, &before.read).await?;
    let began = system.ground.clock.now();
    let is_fresh = opened.plan.is_fresh(began.seconds());
    let ends_in = opened.plan.restored_ends_in(began.seconds());
    let probed = match opened.payload {
        Ok(payload) => {
            let subject =
                Subject { id, owner: info.owner.clone(), profile: info.profile, payload, config: info.config.clone() };
            let granted = info.scopes.as_deref().unwrap_or_default();
            probe(&system.ground, kind, subject, granted, asker).instrument(span).await
        }
        Err(unopened) => Ok(unopened.not_live().into()),
    };
    let mut probed = match probed {
        Ok(probed) => probed,
        Err(ConnectionError::Credential(_)) => unreadable().into(),
        Err(ConnectionError::NotLive(not_live)) => not_live.into(),
        Err(source) => return Err(Error::Plugin { kind: before.info.kind, source: source.into() }),
    };
    if let Some(ends_in) = ends_in.filter(|_| probed.found.liveness == Liveness::Live) {
        // No refresh follows, so a check at its end reports it.
        let recheck_after = probed.found.recheck_after.map_or(ends_in, |after| after.min(ends_in));
        probed.found.recheck_after = Some(recheck_after);
    }
    Ok(Measurement { before, began, probed, is_fresh, is_probed: true })
}

/// The result of refreshing a credential before its probe.
enum RefreshedFirst {
    /// The credential no longer works and cannot be refreshed now, so nothing is probed.
    NotLive(NotLive),
    /// The connection may have another credential now.
    Renewed,
    /// The credential was not due.
    Same,
}

/// Refreshes the credential if it is due, or if it could not be refreshed and a person asks.
async fn renewed_first(
    scope: Scope<'_, System>,
    before: &ShownConnection,
    asker: ProbeTrigger,
) -> Result<RefreshedFirst> {
    let system = scope.system;
    // A credential that cannot be read is reported by the probe.
    let Some(plan) = before.read.plan() else { return Ok(RefreshedFirst::Same) };
    let id = before.info.id;
    let now = system.ground.clock.now().seconds();
    if plan.is_restored() && !plan.is_expired(now) {
        return Ok(RefreshedFirst::Same);
    }
    let stage = plan.stage(now);
    let failed = plan.ended().or_else(|| plan.why().filter(|_| stage == Stage::Failed));
    let (why, is_expired) = match (failed, stage) {
        (Some(_), _) if asker == ProbeTrigger::HostNow || plan.has_ended_too_soon(now) => (Trigger::Requested, true),
        (Some(why), _) => return Ok(RefreshedFirst::NotLive(why)),
        (None, Stage::Fresh | Stage::Failed) => return Ok(RefreshedFirst::Same),
        // The refresh in progress replaces the credential while the probe runs.
        (None, Stage::Due) if system.refresh.refreshes.is_under_way(id) => return Ok(RefreshedFirst::Same),
        (None, stage) => (Trigger::Due, stage == Stage::Expired),
    };
    match refresh::refresh(scope.on(&system.refresh), id, before.generation(), why).await {
        Ok(_) => Ok(RefreshedFirst::Renewed),
        Err(Error::NotRenewed { why, .. }) => {
            let is_final = matches!(&*why.reason.code, reason::NEEDS_REAUTHORIZATION | reason::REFRESH_OUTCOME_UNKNOWN);
            let is_told = is_expired || (is_final && why.liveness == Liveness::Failing);
            Ok(if is_told { RefreshedFirst::NotLive(*why) } else { RefreshedFirst::Renewed })
        }
        Err(error) => Err(error),
    }
}
