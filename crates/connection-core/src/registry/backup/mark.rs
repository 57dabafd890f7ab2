//! Marks the credentials of a database that may lack their newest records, after a restore or a failover, and records that
//! with each connection.

use std::{collections::BTreeSet, sync::Arc};

use connection_contract::{Kind, Liveness, RefreshSemantics};

use super::{
    BackupError, Restored, RestoredConnection, TokenUse,
    loss::{self, LossCause},
};
use crate::{
    ConnectionId, Error, Freezes, IdGenerator, RegistryBuilder,
    credential::replace,
    event,
    ground::{Scope, UNREADABLE},
    keys::Sealer,
    kinds::KindEntry,
    liveness::column,
    owner::DEFAULT_OWNER,
    plan::{self, Plan},
    registry::{Systems, open::assembled},
    store::{
        ListFilter, Lock, StoreError, Tx, json,
        rows::{CredentialRow, ListedRow, LivenessRow, RestoredUse},
    },
};

/// The number of connections that are read at once, and marked in one transaction.
const BATCH: i64 = 200;

/// A connection with what is known about its token; `None` for a token that is not used up by its use.
#[derive(Clone, Copy)]
pub(super) struct Classed {
    pub(super) id: ConnectionId,
    pub(super) token: Option<TokenUse>,
}

/// The task of a call for a whole store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WholeStore {
    /// It was restored with other tools, so nothing shows which tokens were used.
    Restored,
    /// Its server failed over and may lack the last commits.
    FailedOver,
    /// Its server failed over and has every commit, so no credential is marked.
    FailedOverWhole,
}

/// Marks a store of which nothing shows which tokens were used.
pub(super) async fn whole_store(mut builder: RegistryBuilder, task: WholeStore) -> Result<Restored, BackupError> {
    let (source, keys) = builder.store_and_keys()?;
    if task != WholeStore::Restored && source.is_sqlite() {
        return Err(BackupError::NotAServer);
    }
    let systems = Arc::new(assembled(builder, source, keys).await?);
    let work = systems.clone();
    let marked = systems.ground.runtimes.spawn(async move {
        let store = &work.ground.store;
        let cause = match task {
            WholeStore::Restored => LossCause::Backup,
            WholeStore::FailedOver => LossCause::Failover { timeline: store.timeline().await? },
            WholeStore::FailedOverWhole => {
                store.record_timeline().await?;
                return Ok(Vec::new());
            }
        };
        let mut after = None;
        loop {
            let page = Page::read(&work, after).await?;
            let classed = page.rows.iter().filter(|row| is_used_up(row)).map(|row| {
                let token = Some(TokenUse::Unknown);
                Classed { id: row.listed.account.id, token }
            });
            mark(&work, classed.collect(), cause).await?;
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        // From now on, the tokens that are not marked are sent again.
        store.record_timeline().await?;
        marked(&work, &BTreeSet::new()).await
    });
    let marked = marked.await.map_err(|_| StoreError::Panicked)?;
    let freezes = Freezes::new(Scope { system: &systems.ground, owner: DEFAULT_OWNER });
    let frozen = freezes.list_all().await;
    let database = systems.ground.store.place().to_owned();
    systems.ground.store.close().await;
    let frozen = frozen?.into_iter().map(|freeze| freeze.what).collect();
    Ok(Restored { database, kept: None, unread: None, is_completed: false, connections: marked?, frozen })
}

/// A connection with its kind and its current credential.
pub(super) struct Row {
    pub(super) listed: ListedRow,
    pub(super) kind: Option<Arc<KindEntry>>,
    pub(super) credential: Option<CredentialRow>,
}

/// Connections in the order of lists.
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    pub(super) next: Option<(i64, uuid::Uuid)>,
}

impl Page {
    pub(super) async fn read(systems: &Systems, after: Option<(i64, uuid::Uuid)>) -> Result<Self, Error> {
        let mut reader = systems.ground.reader().await?;
        let (found, next) = reader.list(&ListFilter { after, limit: BATCH, ..ListFilter::default() }).await?;
        let mut rows = Vec::new();
        // A row that cannot be read is not refreshed either.
        for listed in found.into_iter().filter_map(|found| found.row) {
            let kind = Kind::parse(&listed.account.kind).unwrap_or(UNREADABLE);
            let kind = systems.ground.find_kind_by(&mut reader, &listed.account.owner, &kind).await?;
            let credential = reader.current_credential(listed.account.id).await?;
            rows.push(Row { listed, kind, credential });
        }
        Ok(Self { rows, next })
    }
}

/// Returns `true` if the credential has a refresh token that is used up by its use, and that may be sent without a
/// person's request. For a kind that this host does not have, the plan of the credential tells whether it is refreshed.
pub(super) fn is_used_up(row: &Row) -> bool {
    let Some(credential) = &row.credential else { return false };
    if plan::has_nothing_to_renew(credential.plan.refresh_reason.as_deref()) {
        return false;
    }
    if Plan::of(credential).ended().is_some() {
        return Plan::of(credential).is_restored();
    }
    match &row.kind {
        Some(kind) => kind.capabilities.refresh.is_some_and(|semantics| semantics != RefreshSemantics::Stable),
        None => credential.plan.refresh_at.or(credential.plan.refreshed_at).is_some(),
    }
}

/// Marks connections and records the cause with each of them.
pub(super) async fn mark(systems: &Systems, classed: Vec<Classed>, cause: LossCause) -> Result<(), StoreError> {
    if classed.is_empty() {
        return Ok(());
    }
    let sealer = systems.ground.sealer.clone();
    let ids = systems.ground.ids.clone();
    let now = systems.ground.clock.now().seconds();
    let written = systems.ground.store.write(move |tx| {
        Box::pin(async move {
            for classed in classed {
                mark_one(tx, &sealer, &*ids, now, classed, cause).await?;
            }
            Ok(())
        })
    });
    written.await
}

async fn mark_one(
    tx: &mut Tx,
    sealer: &Sealer,
    ids: &dyn IdGenerator,
    now: i64,
    classed: Classed,
    cause: LossCause,
) -> Result<(), StoreError> {
    let Classed { id, token } = classed;
    tx.lock(Lock::Connection(id)).await?;
    let Some(row) = tx.listed(id).await? else { return Ok(()) };
    let before = tx.restored(id).await?;
    let mark = match (token, before) {
        // The result of an earlier restore still holds.
        (_, Some(RestoredUse::Used)) | (Some(TokenUse::Used), _) => Some(RestoredUse::Used),
        (Some(TokenUse::Unknown), _) => Some(RestoredUse::Unknown),
        _ => before,
    };
    if mark.is_some() && mark == before {
        return Ok(());
    }
    let append = |kind: &str, body| event::at(now, ids, &row.account.owner, id, kind, body);
    let body = serde_json::json!({ "refreshToken": token.map(TokenUse::name), "cause": cause.name() });
    event::append(tx, sealer, &append(event::RESTORED, body)).await?;
    let (Some(mark), Some(current)) = (mark, tx.current_credential(id).await?) else { return Ok(()) };
    let why = loss::restored(mark, cause);
    tx.mark_restored(id, mark, &json::reason(&why)).await?;
    match current.valid_until {
        // The access token does not work either, which nobody would find before its next use.
        Some(until) if until <= now => {
            let liveness = Liveness::Failing;
            let was = replace::measured(&row);
            let known = tx.liveness(id).await?;
            tx.upsert_liveness(&LivenessRow {
                connection_id: id,
                liveness: column::liveness(liveness).to_owned(),
                reason: Some(json::reason(&why)),
                generation: current.generation,
                checked_at: known.as_ref().and_then(|known| known.checked_at),
                next_check_at: None,
                paused_until: None,
                failures: known.map_or(1, |known| known.failures.saturating_add(1)),
                probe_origin: None,
                probe_from: None,
            })
            .await?;
            let body = serde_json::json!({
                "before": column::liveness(was), "liveness": column::liveness(liveness), "reason": why.code,
            });
            event::append(tx, sealer, &append(event::LIVENESS_CHANGED, body)).await
        }
        Some(until) => tx.check_by(id, until).await,
        None => Ok(()),
    }
}

/// Returns the connections that are marked, and those of `unused`.
pub(super) async fn marked(
    systems: &Systems,
    unused: &BTreeSet<ConnectionId>,
) -> Result<Vec<RestoredConnection>, Error> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = Page::read(systems, after).await?;
        for Row { listed, kind, .. } in page.rows {
            let id = listed.account.id;
            let token = match systems.ground.reader().await?.restored(id).await? {
                Some(RestoredUse::Used) => TokenUse::Used,
                Some(RestoredUse::Unknown) => TokenUse::Unknown,
                None if unused.contains(&id) => TokenUse::Unused,
                None => continue,
            };
            found.extend(
                systems.ground.info(listed, kind.as_deref()).map(|connection| RestoredConnection { connection, token }),
            );
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}
