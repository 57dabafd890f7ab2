//! Fetches the usage of a connection's account: in the plugin, contained, with a working credential, and once at a time
//! for each connection.

use std::{sync::Arc, time::Duration};

use connection_contract::{
    BoxFuture, ConnectionError, Liveness, NotLive, Reason, Text, Timestamp, UsageContext, UsageSnapshot, Value, reason,
};
use connection_egress::LastAnswer;
use connection_replay::usage::MAX_WORD_LENGTH;

use super::{Connection, System, usage_session::answered};
use crate::{
    ConnectionId, Error, Notification,
    contain::{self, Contained, contain},
    credential::{CredentialServices, HotRow, Operation, Subject},
    ground::{Ground, Scope},
    kinds::KindEntry,
    limits,
    store::{Changed, ConflictRetries},
    usage_json,
    usage_report::{FetchedUsage, StoredUsage, UsagePoint, bounded, number},
};

/// The deadline of a fetch, including its requests to the provider.
const MAX_DURATION: Duration = Duration::from_secs(60);
/// A plugin that still runs after this extra time blocks its thread, which cannot be interrupted.
const GRACE: Duration = Duration::from_secs(1);
/// The length of a period in seconds, of which the history keeps one number of each metric.
const PERIOD: i64 = 10 * 60;
/// The name of the row that a fetch compares.
const ACCOUNT: &str = "account of a connection";

/// The result of one request to the plugin.
struct FetchResult {
    generation: Option<i64>,
    result: Result<UsageSnapshot, NotLive>,
}

impl Connection {
    /// Fetches how much of the account's quota is used, through the plugin. There is one fetch at a time for each
    /// connection: a caller that asks during a fetch receives its result.
    ///
    /// A provider that does not answer is data: the result has the reason. The store keeps the [last](Self::last_usage)
    /// snapshot and the [history](Self::usage_history) of its numbers, and the connection does not change. The crate
    /// `connection-agent` polls usage. It learns of each fetch from [`Notification::UsageFetched`].
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, the fetch continues and its end is notified.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind that does not report usage, [`Error::UnknownKind`], [`Error::NotFound`] if
    /// the connection was removed meanwhile, [`Error::Sealed`], and the store's errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{Connection, Error};
    ///
    /// async fn show(connection: &Connection) -> Result<(), Error> {
    ///     match connection.fetch_usage().await?.result {
    ///         Ok(snapshot) => println!("{} metrics", snapshot.metrics.len()),
    ///         Err(why) => println!("not available now: {}", why.reason.message),
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn fetch_usage(&self) -> BoxFuture<'_, Result<FetchedUsage, Error>> {
        Box::pin(fetch(self))
    }

    /// Returns the usage of the account that any process of the store fetched last, with the time windows that sessions
    /// have [reported](Self::report_usage) since then; `None` if nothing is known of this account. No request is sent.
    /// The result does not have the provider's raw answer.
    ///
    /// # Errors
    ///
    /// The store's errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_core::{Connection, Error};
    ///
    /// async fn show(connection: &Connection) -> Result<(), Error> {
    ///     if let Some(last) = connection.last_usage().await? {
    ///         println!("{} metrics, known since {}", last.snapshot.metrics.len(), last.updated_at.to_rfc3339());
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn last_usage(&self) -> BoxFuture<'_, Result<Option<StoredUsage>, Error>> {
        Box::pin(async move {
            let account = self.info.identity.account_id.as_str();
            let now = self.system.ground.clock.now().seconds();
            let mut reader = self.system.ground.reader().await?;
            let fetched = reader.usage_snapshot(self.id(), account).await?.and_then(|(at, snapshot)| {
                let snapshot = usage_json::from_value(&Value::parse(snapshot.as_bytes()).ok()?)?;
                Some((Timestamp::from_seconds(at), snapshot))
            });
            let windows = reader.usage_windows(self.id(), account, now).await?;
            let reported = windows.into_iter().filter_map(|(at, body)| {
                let metric = usage_json::metric_from_value(&Value::parse(body.as_bytes()).ok()?);
                Some((Timestamp::from_seconds(at), metric))
            });
            Ok(StoredUsage::of(fetched, reported.collect()))
        })
    }

    /// Returns the numbers that were fetched of the account since a time, oldest first: of each metric the last one in
    /// each ten minutes, by all processes of the store. They are kept for 90 days, and removed with the connection.
    ///
    /// # Errors
    ///
    /// The store's errors.
    ///
    /// # Examples
    ///
    /// ```
    /// use connection_contract::Timestamp;
    /// use connection_core::{Connection, Error};
    ///
    /// async fn highest(connection: &Connection, since: Timestamp) -> Result<f64, Error> {
    ///     let points = connection.usage_history(since).await?;
    ///     Ok(points.iter().map(|point| point.value).fold(0.0, f64::max))
    /// }
    /// ```
    pub fn usage_history(&self, since: Timestamp) -> BoxFuture<'_, Result<Vec<UsagePoint>, Error>> {
        Box::pin(async move {
            let account = self.info.identity.account_id.as_str();
            let kept_since = self.system.ground.clock.now().seconds().saturating_sub(limits::USAGE_KEPT);
            let since = since.seconds().max(kept_since);
            let points = self.system.ground.reader().await?.usage(self.id(), account, since).await?;
            let point = |(at, metric, value)| UsagePoint { metric, at: Timestamp::from_seconds(at), value };
            Ok(points.into_iter().map(point).collect())
        })
    }

    /// Returns how the account is paid for: `subscription`, `api_key` or another word of the plugin, if it says so. No
    /// request is sent.
    ///
    /// # Errors
    ///
    /// [`Error::NotSupported`] for a kind that does not report usage, [`Error::Credential`] if the plugin cannot read
    /// the credential, [`Error::Plugin`] for a word of more than 128 bytes, [`Error::PluginFault`],
    /// [`Error::UnknownKind`], [`Error::Sealed`], and the store's errors.
    pub fn payment_mode(&self) -> BoxFuture<'_, Result<Option<Text>, Error>> {
        Box::pin(async move {
            let (entry, row) = self.open_current().await?;
            if !entry.capabilities.usage {
                return Err(self.reports_no_usage());
            }
            let kind = &self.info.kind;
            let definition = entry.definition.clone();
            let task = async move { contain::call(|| definition.usage_auth_mode(&row.payload.credential)) };
            match answered(&self.system.ground, kind, task).await? {
                Ok(mode) if mode.as_ref().is_none_or(|mode| mode.len() <= MAX_WORD_LENGTH) => Ok(mode),
                Ok(_) => {
                    let problem = "the plugin describes how the account is paid for in more than 128 bytes";
                    Err(Error::Plugin { kind: kind.clone(), source: ConnectionError::Bug(problem.into()).into() })
                }
                Err(source) => Err(Error::Credential { kind: kind.clone(), source }),
            }
        })
    }

    pub(super) fn reports_no_usage(&self) -> Error {
        self.cannot("report how much of their account is used")
    }
}

/// Fetches, or waits for the fetch that is running. Never returns the usage of an account to which the connection
/// no longer belongs.
async fn fetch(connection: &Connection) -> Result<FetchedUsage, Error> {
    let system = &connection.system;
    let id = connection.id();
    let mut info = connection.info.clone();
    let mut retries = ConflictRetries::of(ACCOUNT);
    loop {
        retries.begin_attempt()?;
        let scope = connection.scope().owned();
        let task = || async move { run(scope.as_scope(), id).await };
        let joined = system.usage_fetches.join(&system.ground.runtimes, id, task).await;
        match joined {
            Ok(fetched) if fetched.account == info.identity.account_id.as_str() => return Ok(fetched),
            // The fetch was for another account, or was cancelled because the account changed; or the connection
            // was removed.
            Ok(_) | Err(Error::NotFound(_)) => info = system.ground.info_by_id(&info.owner, id).await?.into(),
            Err(error) => return Err(error),
        }
    }
}

async fn run(scope: Scope<'_, System>, id: ConnectionId) -> Result<FetchedUsage, Error> {
    let system = scope.system;
    let mut retries = ConflictRetries::of(ACCOUNT);
    loop {
        retries.begin_attempt()?;
        let connection = Connection::new(system, system.ground.info_by_id(scope.owner, id).await?);
        // Drops the cached row, so that the credential is read after the account above, and before the accounts are
        // compared.
        system.credential.hot.forget(Changed::Connection(id));
        let FetchResult { generation, result } = fetch_once(&connection).await?;
        let account = connection.info.identity.account_id.as_str();
        if system.ground.info_by_id(scope.owner, id).await?.identity.account_id.as_str() != account {
            continue;
        }
        if let Err(why) = &result {
            tracing::debug!(connection = %id, code = &*why.reason.code, "no usage was fetched");
        }
        let credential = generation.and_then(|generation| generation.try_into().ok());
        let at = system.ground.clock.now();
        let fetched =
            FetchedUsage { connection: id, account: account.to_owned(), credential, at, result: result.map(Arc::new) };
        record(&system.ground, &fetched).await;
        system.ground.notifications.publish(&Notification::UsageFetched(fetched.clone()));
        return Ok(fetched);
    }
}

/// Stores the snapshot of a fetch, and adds its numbers to the history. A failure to store them is logged, and does not
/// fail the fetch.
async fn record(ground: &Ground, fetched: &FetchedUsage) {
    let Ok(snapshot) = &fetched.result else { return };
    let numbers: Vec<_> =
        snapshot.metrics.iter().filter_map(number).map(|(id, value)| (id.to_owned(), value)).collect();
    let mut kept = UsageSnapshot::clone(snapshot);
    kept.raw = None;
    let text = usage_json::to_value(&kept).to_string();
    let measured: Vec<_> = snapshot.metrics.iter().filter_map(|metric| metric.id().map(str::to_owned)).collect();
    let now = fetched.at.seconds();
    let at = period(now);
    let (id, account) = (fetched.connection, fetched.account.clone());
    let job = ground.store.write_relaxed(move |tx| {
        Box::pin(async move {
            tx.set_usage_snapshot(id, &account, now, &text).await?;
            for metric in &measured {
                tx.drop_usage_window(id, metric).await?;
            }
            for (metric, value) in &numbers {
                tx.set_usage(id, at, metric, &account, *value).await?;
            }
            Ok(())
        })
    });
    if let Err(error) = job.await {
        tracing::debug!(connection = %id, %error, "the usage of a connection was not recorded");
    }
}

/// Returns the beginning of the period of a time.
pub(super) const fn period(at: i64) -> i64 {
    at - at.rem_euclid(PERIOD)
}

/// Returns the usage, or why there is none now.
async fn fetch_once(connection: &Connection) -> Result<FetchResult, Error> {
    let (kind, row) = match connection.open_fresh().await {
        Err(Error::NotRenewed { why, .. }) => return Ok(FetchResult { generation: None, result: Err(*why) }),
        opened => opened?,
    };
    let heard = LastAnswer::default();
    let result = ask(connection, &kind, &row, &heard).await?;
    let mut fetched = FetchResult { generation: Some(row.generation), result };
    if is_refused(&fetched.result)
        && let Some(fresh) = connection.after_refusal(&kind, &row).await
    {
        let result = ask(connection, &kind, &fresh, &heard).await?;
        fetched = FetchResult { generation: Some(fresh.generation), result };
    }
    // A plugin may read the usage from files, which say nothing about the credential.
    let is_success = fetched.result.is_ok() && heard.origin().is_some();
    let is_contradiction = is_success && row.is_contradicted_by_success(connection.system.ground.clock.now().seconds());
    let is_refused = is_refused(&fetched.result);
    if (is_refused || is_contradiction)
        && let Some(generation) = fetched.generation
    {
        let refused_by = heard.end().filter(|_| is_refused);
        connection.note_refused_use(generation, refused_by).await;
    }
    Ok(fetched)
}

/// Returns `true` if the provider refused the credential.
fn is_refused(result: &Result<UsageSnapshot, NotLive>) -> bool {
    matches!(result, Err(why) if why.liveness == Liveness::Failing
        && matches!(&*why.reason.code, reason::EXPIRED | reason::UNAUTHORIZED))
}

/// Asks the plugin, whose requests are recorded in `heard`.
async fn ask(
    connection: &Connection,
    kind: &Arc<KindEntry>,
    row: &HotRow,
    heard: &LastAnswer,
) -> Result<Result<UsageSnapshot, NotLive>, Error> {
    let system = &connection.system;
    let info = &connection.info;
    let owner = info.owner.clone();
    let config = info.config.clone();
    let payload = row.payload.duplicate();
    let subject = Subject { id: info.id, owner, profile: info.profile, payload, config };
    let services = CredentialServices::of(&system.ground, kind, &subject, Operation::Use).await?;
    let services = services.unattended().hearing(heard.clone());
    let definition = kind.definition.clone();
    let clock = system.ground.clock.clone();
    let task = async move {
        let connection = subject.connection();
        let http = services.http();
        let ctx = UsageContext::new(services.services(&http), &connection, services.directory());
        let fetch = || definition.fetch_usage(&subject.payload.credential, &ctx);
        contain(&*clock, MAX_DURATION, fetch, || false, || {}).await
    };
    let ended = match system.ground.runtimes.run(&*system.ground.clock, MAX_DURATION + GRACE, task).await {
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
        Contained::Ended(Ok(None)) => Err(connection.reports_no_usage()),
        Contained::Ended(Err(ConnectionError::NotLive(why))) => {
            let mut why = heard.describe_reason(limits::not_live(why), system.ground.clock.now());
            // Others may see the usage, too, but the words of the provider are for the person alone.
            why.reason.provider_text = None;
            Ok(Err(why))
        }
        Contained::Ended(Err(ConnectionError::Credential(_))) => {
            let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the plugin cannot read the stored credential");
            Ok(Err(NotLive::failing(unreadable.remedy(reason::AUTHORIZE_AGAIN))))
        }
        Contained::Ended(Err(ConnectionError::Service(_))) => {
            Ok(Err(NotLive::offline(Reason::new(reason::PLUGIN_FAULT, "a service of this host failed"))))
        }
        Contained::Ended(Err(_)) => fault(reason::PLUGIN_FAULT, "the plugin could not fetch the usage"),
        Contained::Panicked => fault(reason::PLUGIN_PANICKED, "the plugin crashed"),
        Contained::Stopped | Contained::TimedOut => fault(reason::PLUGIN_TIMEOUT, "the plugin did not finish in time"),
    }
}
