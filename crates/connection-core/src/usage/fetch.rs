//! A single fetch: it runs in the plugin, contained, with a working credential, and once at a time for each
//! connection.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    ConnectionError, Kind, Liveness, NotLive, Reason, UsageContext, UsageMetric, UsageSnapshot, Value, reason,
};

use super::{UsageReading, json};
use crate::{
    Connection, ConnectionId, ConnectionRegistry, Error, StoreError,
    contain::{Contained, contain},
    credential::HotRow,
    credential::{HostServices, Subject},
    error::{CRASHED, TIMED_OUT},
    kinds::KindEntry,
    limits,
    registry::Shared,
    store::Changed,
};

/// The deadline of a fetch.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// A plugin that still runs after this extra time blocks its thread, which cannot be interrupted.
const GRACE: Duration = Duration::from_secs(1);
/// The deadline of calls that use no network.
const MAX_CALL: Duration = Duration::from_secs(10);
const MAX_METRICS: usize = 100;
const MAX_ID_LENGTH: usize = 128;
/// The maximum length of a unit, or of the name of a payment mode.
pub(super) const MAX_WORD_LENGTH: usize = 128;
/// The maximum size of a metric of an unknown kind.
const MAX_OTHER_LENGTH: usize = 16 * 1024;
/// The maximum size of the provider's raw answer.
pub(super) const MAX_RAW_LENGTH: usize = 64 * 1024;

/// The maximum number of fetches if the account of the connection changes meanwhile.
const ATTEMPTS: usize = 3;

/// The result of a fetch, and the account it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    account: String,
    pub(super) reading: UsageReading,
    /// The generation of the credential that was used last; `None` if none could be opened.
    pub(super) generation: Option<i64>,
}

/// The result of one request to the plugin.
struct FetchResult {
    generation: Option<i64>,
    result: Result<UsageSnapshot, NotLive>,
}

/// Fetches, or waits for the fetch that is running. Never returns the usage of an account to which the connection
/// no longer belongs.
pub(super) async fn fetch(registry: &ConnectionRegistry, connection: &Connection) -> Result<Fetched, Error> {
    let shared = &registry.shared;
    let id = connection.id();
    let mut info = connection.info.clone();
    for _ in 0..ATTEMPTS {
        let flying = registry.clone();
        let joined = shared.usage.flights.join(&shared.runtimes, id, || async move { run(&flying, id).await }).await;
        match joined {
            Ok(fetched) if fetched.account == info.identity.account_id.as_str() => return Ok(fetched),
            // The fetch was for another account, or was cancelled because the account changed; or the connection
            // was removed.
            Ok(_) | Err(Error::NotFound(_)) => info = registry.info(id).await?.into(),
            Err(error) => return Err(error),
        }
    }
    Err(changing())
}

async fn run(registry: &ConnectionRegistry, id: ConnectionId) -> Result<Fetched, Error> {
    let shared = &registry.shared;
    for _ in 0..ATTEMPTS {
        let connection = Connection::new(&shared.connection, registry.info(id).await?);
        // Drops the cached row, so that the credential is read after the account above, and before the accounts are
        // compared.
        shared.hot.forget(Changed::Connection(id));
        let found = fetch_once(&connection).await?;
        let account = connection.info.identity.account_id.as_str();
        if registry.info(id).await?.identity.account_id.as_str() != account {
            continue;
        }
        if let Err(why) = &found.result {
            tracing::debug!(connection = %id, code = &*why.reason.code, "no usage was fetched");
        }
        let reading = shared.usage.snapshots.keep(id, account, shared.clock.passed(), found.result);
        return Ok(Fetched { account: account.to_owned(), reading, generation: found.generation });
    }
    Err(changing())
}

/// Returns the error for a connection that is re-authorized for another account again and again.
fn changing() -> Error {
    StoreError::Conflict { what: "account of a connection".into() }.into()
}

/// Returns the usage, or why there is none now.
async fn fetch_once(connection: &Connection) -> Result<FetchResult, Error> {
    let (kind, row) = match connection.open_fresh().await {
        Err(Error::NotRenewed { why, .. }) => return Ok(FetchResult { generation: None, result: Err(*why) }),
        opened => opened?,
    };
    let result = ask(connection, &kind, &row).await?;
    let is_refused = matches!(&result, Err(why) if why.liveness == Liveness::Failing
        && matches!(&*why.reason.code, reason::EXPIRED | reason::UNAUTHORIZED));
    if is_refused && let Some(fresh) = connection.after_refusal(&kind, &row).await {
        let result = ask(connection, &kind, &fresh).await?;
        return Ok(FetchResult { generation: Some(fresh.generation), result });
    }
    Ok(FetchResult { generation: Some(row.generation), result })
}

async fn ask(
    connection: &Connection,
    kind: &Arc<KindEntry>,
    row: &HotRow,
) -> Result<Result<UsageSnapshot, NotLive>, Error> {
    let shared = &connection.shared;
    let info = &connection.info;
    let owner = info.owner.clone();
    let config = info.config.clone();
    let payload = row.payload.duplicate();
    let subject = Subject { id: info.id, owner, profile: info.profile, payload, config };
    let services = HostServices::of(shared, kind, &subject).await?.unattended();
    let definition = kind.definition.clone();
    let clock = shared.clock.clone();
    let heard = services.heard();
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let ctx = UsageContext::new(services.services(&http), &connection, services.directory());
        let fetch = || definition.fetch_usage(&subject.payload.credential, &ctx);
        contain(&*clock, MAX_DURATION, fetch, || false, || {}).await
    };
    let ended = match shared.runtimes.run(&*shared.clock, MAX_DURATION + GRACE, task).await {
        Contained::Ended(ended) => ended,
        Contained::Panicked => Contained::Panicked,
        Contained::Stopped | Contained::TimedOut => Contained::TimedOut,
    };
    let fault =
        |code, message: &'static str| Ok(Err(NotLive::failing(Reason::new(code, message).remedy(limits::REPORT))));
    match ended {
        Contained::Ended(Ok(Some(snapshot))) => match bounded(snapshot, &info.kind) {
            Ok(snapshot) => Ok(Ok(snapshot)),
            Err(problem) => fault(reason::PLUGIN_FAULT, problem),
        },
        Contained::Ended(Ok(None)) => Err(connection.cannot("report how much of their account is used")),
        Contained::Ended(Err(ConnectionError::NotLive(why))) => {
            Ok(Err(heard.describe_reason(limits::not_live(why), shared.clock.now())))
        }
        Contained::Ended(Err(ConnectionError::Credential(_))) => {
            let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the plugin cannot read the stored credential");
            Ok(Err(NotLive::failing(unreadable.remedy("authorize this connection again"))))
        }
        Contained::Ended(Err(ConnectionError::Service(_))) => {
            Ok(Err(NotLive::offline(Reason::new(reason::PLUGIN_FAULT, "a service of this host failed"))))
        }
        Contained::Ended(Err(_)) => fault(reason::PLUGIN_FAULT, "the plugin could not fetch the usage"),
        Contained::Panicked => fault(reason::PLUGIN_PANICKED, "the plugin crashed"),
        Contained::Stopped | Contained::TimedOut => fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time"),
    }
}

/// Returns the answer of a plugin that needs no network, contained.
pub(super) async fn answered<T: Send + 'static>(
    shared: &Shared,
    kind: &Kind,
    task: impl Future<Output = Option<T>> + Send + 'static,
) -> Result<T, Error> {
    let fault = |what| Error::PluginFault { kind: kind.clone(), what };
    match shared.runtimes.run(&*shared.clock, MAX_CALL, task).await {
        Contained::Ended(Some(answer)) => Ok(answer),
        Contained::Ended(None) | Contained::Panicked => Err(fault(CRASHED)),
        Contained::Stopped | Contained::TimedOut => Err(fault(TIMED_OUT)),
    }
}

/// Checks the size of a snapshot. The length of the provider's raw answer is not the plugin's fault, so it is left
/// out if it is too long; the metrics are valid without it.
fn bounded(mut snapshot: UsageSnapshot, kind: &Kind) -> Result<UsageSnapshot, &'static str> {
    json::time_check(snapshot.observed_at)?;
    metrics(&snapshot.metrics)?;
    snapshot.raw.take_if(|raw| *raw == Value::Null);
    if snapshot.raw.take_if(|raw| !limits::is_json(raw, MAX_RAW_LENGTH)).is_some() {
        tracing::warn!(%kind, "a provider's answer about usage is not JSON, or has more than 64 KiB, and is left out");
    }
    Ok(snapshot)
}

/// Checks metrics. Their fields are public, so they may have changed since their constructors checked them.
pub(super) fn metrics(metrics: &[UsageMetric]) -> Result<(), &'static str> {
    json::check(metrics)?;
    if metrics.len() > MAX_METRICS {
        return Err("the plugin reports more than 100 metrics");
    }
    let mut seen = Vec::new();
    for metric in metrics {
        let (id, numbers) = match metric {
            UsageMetric::MonthlySpend(spend) => (&*spend.id, [Some(spend.spent_usd), spend.budget_usd]),
            UsageMetric::TimeWindow(window) => {
                if !(0.0..=1.0).contains(&window.utilization) {
                    return Err("the used part of a window is not between 0 and 1");
                }
                if window.unit.as_ref().is_some_and(|unit| unit.len() > MAX_WORD_LENGTH) {
                    return Err("a metric's unit has more than 128 bytes");
                }
                (&*window.id, [window.used, window.limit])
            }
            UsageMetric::TokenUtilization(tokens) => (&*tokens.id, [None, None]),
            UsageMetric::Other(value) if !limits::is_json(value, MAX_OTHER_LENGTH) => {
                return Err("the plugin reports a metric that is not JSON, or has more than 16 KiB or 32 levels");
            }
            _ => continue,
        };
        if id.is_empty() || id.len() > MAX_ID_LENGTH {
            return Err("a metric's id is empty or has more than 128 bytes");
        }
        if !numbers.into_iter().flatten().all(f64::is_finite) {
            return Err("a metric has a number that is not finite");
        }
        if seen.contains(&id) {
            return Err("two metrics have the same id");
        }
        seen.push(id);
    }
    Ok(())
}
