//! Announces ends that no refresh extends, once each, as events of their connections.

use connection_contract::{Kind, Timestamp};

use crate::{
    ConnectionRegistry, Error, event,
    plan::ANNOUNCE_BEFORE,
    store::{DueRow, Lock, any_of},
};

/// Maximum number of rows per round. The next round continues.
const BATCH: i64 = 64;

pub(super) async fn ending(registry: &ConnectionRegistry) -> Result<(), Error> {
    let systems = &registry.systems;
    let by = systems.ground.clock.now().seconds().saturating_add(ANNOUNCE_BEFORE);
    let renewing = systems.ground.renewing();
    let mut other = systems.ground.registered();
    other.retain(|kind| !renewing.contains(kind));
    let words = |kinds: &[Kind]| any_of(kinds.iter().map(Kind::as_str));
    let mut reader = systems.ground.reader().await?;
    let credentials = reader.ending_credentials(by, &words(&other), BATCH).await?;
    let authorizations = reader.ending_authorizations(by, &words(&renewing), BATCH).await?;
    drop(reader);
    for (rows, what) in [(credentials, "credential"), (authorizations, "authorization")] {
        for row in rows {
            let id = row.id;
            if let Err(error) = announce(registry, row, what).await {
                tracing::warn!(connection = %id, code = error.code(), "the announcement that a credential or \
                                                                       authorization ends soon failed");
            }
        }
    }
    Ok(())
}

async fn announce(registry: &ConnectionRegistry, row: DueRow, what: &'static str) -> Result<(), Error> {
    let systems = &registry.systems;
    let id = row.id;
    let generation = row.generation;
    let now = systems.ground.clock.now().seconds();
    let at = Timestamp::from_seconds(row.at).to_rfc3339();
    let body = serde_json::json!({ "what": what, "at": at });
    let event = systems.ground.event(&row.owner, id, event::EXPIRING, body);
    let sealer = systems.ground.sealer.clone();
    let announced = systems.ground.store.write(move |tx| {
        Box::pin(async move {
            tx.lock(Lock::Connection(id)).await?;
            if !tx.announce(id, generation, now).await? {
                return Ok(false);
            }
            event::append(tx, &sealer, &event).await.map(|()| true)
        })
    });
    if announced.await? {
        tracing::warn!(connection = %id, kind = %row.kind, what, at, "a credential or authorization ends soon");
    }
    Ok(())
}
