//! Writes what a probe found: liveness, a rotated credential and the event of the change in one transaction.
//!
//! A row that says `live` holds the credential with which that was measured: a result for another generation, or for a row
//! that is gone, writes nothing.

use connection_contract::{BoxFuture, Liveness, NotLive, Reason, Secret, Timestamp, VerifyResult, reason};

use crate::{
    ConnectionId, ConnectionInfo, ConnectionRegistry, Error, LivenessChange,
    connection::json,
    event,
    liveness::words,
    seal::{Place, Sealed, Sealer},
    store::{
        StoreError, Tx,
        rows::{CredentialRow, CredentialState, EventRow, LivenessRow},
    },
};

/// Everything that one transaction writes, made before it so that nothing in it waits.
struct Change {
    liveness: LivenessRow,
    /// With the sealed payload of the next generation.
    rotated: Option<(i64, CredentialRow)>,
    scopes: Option<String>,
    valid_until: Option<i64>,
    account_label: Option<String>,
    events: Vec<EventRow>,
}

pub(super) async fn commit(
    registry: &ConnectionRegistry,
    before: &ConnectionInfo,
    generation: i64,
    mut found: VerifyResult<Secret>,
) -> Result<ConnectionInfo, Error> {
    let shared = &registry.shared;
    let id = before.id;
    if found.identity.as_ref().is_some_and(|identity| identity.account_id != before.identity.account_id) {
        let moved = Reason::new(reason::ACCOUNT_CHANGED, "the credential reaches another account than was connected");
        let not_live = NotLive::failing(moved.remedy("remove this connection and connect the account that you want"));
        // A credential that the provider rotated is kept all the same: the old one may be dead.
        let rotated = found.credential.take();
        found = not_live.into();
        found.credential = rotated;
    }
    let (sealed_next, next) = match &found.credential {
        Some(fresh) => {
            let (sealed, next) = seal_next(registry, before, fresh).await?;
            (Some(sealed), next)
        }
        None => (None, generation),
    };
    let change = describe(registry, before, generation, &found, sealed_next.map(|sealed| (next, sealed)));
    let relaxed = change.events.is_empty();
    let sealer = shared.sealer.clone();
    // What changed nothing but the time of the probe may be lost with the power: that costs one probe.
    let written = if relaxed {
        shared.store.write_relaxed(move |tx| write(tx, sealer, id, generation, change)).await?
    } else {
        shared.store.write(move |tx| write(tx, sealer, id, generation, change)).await?
    };
    let info = registry.info(id).await?;
    if written && info.liveness != before.liveness {
        let (liveness, reason, at) = (info.liveness, info.reason.clone(), shared.clock.now());
        tracing::info!(connection = %id, kind = %info.kind, liveness = words::liveness(liveness), "liveness changed");
        shared.subscriptions.publish(&LivenessChange { connection: id, before: before.liveness, liveness, reason, at });
    }
    Ok(info)
}

/// Draws a generation and seals the fresh credential for it, with the reach that it had.
async fn seal_next(
    registry: &ConnectionRegistry,
    before: &ConnectionInfo,
    fresh: &Secret,
) -> Result<(Sealed, i64), Error> {
    let shared = &registry.shared;
    let id = before.id;
    let failed = |source| Error::Sealed { what: format!("connection {id}"), source: std::sync::Arc::new(source) };
    let opened = super::open(shared, before).await?;
    let mut payload = opened.payload.ok_or(Error::NotFound(id))?;
    payload.credential = fresh.duplicate();
    let drawn = shared.store.write(move |tx| Box::pin(async move { tx.draw_generation(id).await })).await?;
    let next = drawn.ok_or(Error::NotFound(id))?;
    let place = Place::credential(&id, &before.owner, &before.kind, next);
    Ok((shared.sealer.seal(&place, payload.encode().expose()).map_err(failed)?, next))
}

fn describe(
    registry: &ConnectionRegistry,
    before: &ConnectionInfo,
    generation: i64,
    found: &VerifyResult<Secret>,
    next: Option<(i64, Sealed)>,
) -> Change {
    let shared = &registry.shared;
    let (id, now) = (before.id, shared.clock.now().seconds());
    let current = next.as_ref().map_or(generation, |(next, _)| *next);
    let event = |kind, body| event::new(shared, &before.owner, id, kind, body);
    let mut events = Vec::new();
    let code = |reason: &Option<Reason>| reason.as_ref().map(|reason| reason.code.to_string());
    if found.liveness != before.liveness || code(&found.reason) != code(&before.reason) {
        let body = serde_json::json!({
            "before": words::liveness(before.liveness),
            "liveness": words::liveness(found.liveness),
            "reason": code(&found.reason),
        });
        events.push(event(event::LIVENESS_CHANGED, body));
    }
    if next.is_some() {
        events.push(event(event::CREDENTIAL_ROTATED, serde_json::json!({ "generation": current })));
    }
    let scopes = found.granted_scopes.as_ref().or(before.scopes.as_ref());
    let valid_until = found.valid_until.or(before.valid_until);
    let live = found.liveness == Liveness::Live;
    let label = found.identity.as_ref().filter(|identity| live && identity.label != before.identity.label);
    if scopes != before.scopes.as_ref() || valid_until != before.valid_until || label.is_some() {
        let body = serde_json::json!({
            "account": label.map(|identity| identity.label.as_str()),
            "scopes": scopes,
            "validUntil": valid_until.map(Timestamp::to_rfc3339),
        });
        events.push(event(event::FACTS_CHANGED, body));
    }
    let scopes = scopes.map(json::texts);
    let valid_until = valid_until.map(Timestamp::seconds);
    let rotated = next.map(|(next, sealed)| {
        let row = CredentialRow {
            connection_id: id,
            generation: next,
            state: CredentialState::Current,
            sealed,
            key_id: shared.sealer.key_id().as_bytes().to_vec(),
            secret_names: json::names(
                &shared.kinds.entry(&before.kind).map_or_else(Vec::new, |entry| entry.descriptor.secret_names.clone()),
            ),
            granted_scopes: scopes.clone(),
            valid_until,
            created_at: now,
        };
        (next, row)
    });
    let liveness = LivenessRow {
        connection_id: id,
        liveness: words::liveness(found.liveness).to_owned(),
        reason: found.reason.as_ref().map(json::reason),
        generation: current,
        checked_at: Some(now),
        next_check_at: found.recheck_after.map(|after| now.saturating_add_unsigned(after.as_secs())),
        failures: i64::from(!live),
    };
    let account_label = label.map(|identity| identity.label.as_str().to_owned());
    Change { liveness, rotated, scopes, valid_until, account_label, events }
}

/// `false` when the connection is gone, or another credential is its current one.
fn write(
    tx: &mut Tx,
    sealer: Sealer,
    id: ConnectionId,
    generation: i64,
    change: Change,
) -> BoxFuture<'_, Result<bool, StoreError>> {
    Box::pin(async move {
        let Change { mut liveness, rotated, scopes, valid_until, account_label, events } = change;
        let account = tx.account(id).await?;
        if account.is_none_or(|account| account.generation != generation) {
            return Ok(false);
        }
        if let Some(before) = tx.liveness(id).await?.filter(|_| liveness.failures > 0) {
            liveness.failures = before.failures.saturating_add(1);
        }
        let now = liveness.checked_at.unwrap_or_default();
        match rotated {
            Some((next, row)) => {
                // What the provider replaced is dead; there is nothing to go back to.
                tx.delete_credential(id, generation).await?;
                tx.insert_credential(&row).await?;
                tx.promote_generation(id, generation, next, now).await?;
            }
            None => {
                tx.set_credential_facts(id, generation, scopes.as_deref(), valid_until).await?;
            }
        }
        if let Some(label) = account_label {
            tx.set_account_identity_label(id, &label, now).await?;
        }
        tx.upsert_liveness(&liveness).await?;
        for event in &events {
            event::append(tx, &sealer, event).await?;
        }
        Ok(true)
    })
}
