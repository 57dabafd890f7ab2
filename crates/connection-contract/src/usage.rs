//! Account usage, which a plugin fetches and a host polls and shows.

use alloc::{string::String, vec::Vec};
use core::{fmt, ops::Deref, time::Duration};

use crate::{
    BoxFuture, Connection, ConnectionError, Context, DisplayText, GrantedDirectory, Services, Text, Timestamp, Value,
};

/// Fetches how much of an account is used.
///
/// It neither connects nor disconnects an account: a setup and a removal do that.
pub trait UsageSource<C>: Send + Sync {
    /// Fetches a snapshot.
    ///
    /// # When it is called
    ///
    /// By the host's poller and on request, separately for each account and profile. It is never called twice at once
    /// for one of them.
    ///
    /// # Repetition
    ///
    /// May run at any time and any number of times.
    ///
    /// # Cancellation
    ///
    /// The future is dropped at its deadline, or when the connection is removed.
    ///
    /// # Errors
    ///
    /// The errors of [`verify`](crate::ConnectionDefinition::verify): `?` on a [`NotLive`](crate::NotLive) says why
    /// there is no snapshot now. The host keeps the last good snapshot.
    fn fetch<'a>(
        &'a self,
        credential: &'a C,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>>;

    /// Returns how the account is paid for: `subscription`, `api_key` or another word.
    fn auth_mode(&self, credential: &C) -> Option<Text> {
        let _ = credential;
        None
    }

    /// Returns how often to fetch. The host keeps the interval within its bounds; `None` leaves it to the host.
    fn poll_interval(&self) -> Option<Duration> {
        None
    }

    /// Returns the metrics of a running session of the tool. It must be a pure function, and the same for every
    /// profile.
    fn format_session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric> {
        let _ = session;
        Vec::new()
    }
}

/// The context of a call of `fetch`: the services of the host, the connection and its directory.
#[derive(Clone, Copy, Debug)]
pub struct UsageContext<'a> {
    context: Context<'a>,
    connection: &'a Connection,
    directory: Option<&'a GrantedDirectory>,
}

impl<'a> UsageContext<'a> {
    /// Creates the context that a host passes to the plugin.
    pub fn new(services: Services<'a>, connection: &'a Connection, directory: Option<&'a GrantedDirectory>) -> Self {
        Self { context: Context::new(services), connection, directory }
    }

    /// Returns the connection whose usage is fetched.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// Returns the directory of the profile, for a kind that has profiles.
    pub fn directory(&self) -> Option<&'a GrantedDirectory> {
        self.directory
    }
}

impl<'a> Deref for UsageContext<'a> {
    type Target = Context<'a>;
    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

/// The usage of an account at one moment.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageSnapshot {
    /// Metrics in the order in which they are shown. May be empty.
    pub metrics: Vec<UsageMetric>,
    /// Time at which the usage was measured.
    pub observed_at: Timestamp,
    /// The provider's answer, for a host that needs more than the metrics. It contains no secret but may be private, so
    /// `Debug` does not show it.
    pub raw: Option<Value>,
}

impl UsageSnapshot {
    /// Creates a snapshot of this time without metrics.
    pub fn new(observed_at: Timestamp) -> Self {
        Self { metrics: Vec::new(), observed_at, raw: None }
    }

    /// Adds a metric after the others.
    #[must_use]
    pub fn metric(mut self, metric: impl Into<UsageMetric>) -> Self {
        self.metrics.push(metric.into());
        self
    }

    /// Sets the provider's answer, which must not contain a secret. A host drops an answer that is longer than its
    /// limit; the metrics are kept.
    #[must_use]
    pub fn raw(mut self, said: Value) -> Self {
        self.raw = Some(said);
        self
    }
}

impl fmt::Debug for UsageSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageSnapshot")
            .field("metrics", &self.metrics)
            .field("observed_at", &self.observed_at)
            // Providers name the account and its payer in it.
            .field("raw", &self.raw.as_ref().map(|_| format_args!("..")))
            .finish()
    }
}

/// One value that the provider measures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UsageMetric {
    /// Money spent in a month.
    MonthlySpend(MonthlySpend),
    /// A metric that this version does not know, unchanged.
    Other(Value),
    /// Usage within a window of time.
    TimeWindow(TimeWindow),
    /// Tokens used out of a total.
    TokenUtilization(TokenUtilization),
}

impl UsageMetric {
    /// Returns the id of the metric. One of an unknown kind may have none.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::MonthlySpend(spend) => Some(&spend.id),
            Self::Other(value) => value["id"].as_str(),
            Self::TimeWindow(window) => Some(&window.id),
            Self::TokenUtilization(tokens) => Some(&tokens.id),
        }
    }
}

/// Usage within a window of time that restarts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TimeWindow {
    /// Stable id, unique within a snapshot: `five_hour`.
    pub id: Text,
    /// Label that a person reads.
    pub label: DisplayText,
    /// Used part of the limit, from 0 to 1.
    pub utilization: f64,
    /// Amount that was used, counted in `unit`.
    pub used: Option<f64>,
    /// Amount that may be used within the window, counted in `unit`.
    pub limit: Option<f64>,
    /// Unit of the amounts: `tokens`, `requests` or another word.
    pub unit: Option<Text>,
    /// Time at which the window restarts.
    pub resets_at: Option<Timestamp>,
    /// Length of the window in seconds.
    pub window_seconds: Option<u64>,
    /// Fields that this version does not know, by name and unchanged. A later version or the plugin added them.
    pub others: Vec<(String, Value)>,
}

impl TimeWindow {
    /// Creates a window with its used part. A value below 0 or above 1 is clamped. A value that is not finite is kept,
    /// and a host rejects it.
    pub fn new(id: impl Into<Text>, label: impl Into<DisplayText>, utilization: f64) -> Self {
        let utilization = if utilization.is_finite() { utilization.clamp(0.0, 1.0) } else { utilization };
        Self {
            id: id.into(),
            label: label.into(),
            utilization,
            used: None,
            limit: None,
            unit: None,
            resets_at: None,
            window_seconds: None,
            others: Vec::new(),
        }
    }

    /// Sets the used and the total amount, and their unit.
    #[must_use]
    pub fn amount(mut self, used: f64, limit: f64, unit: impl Into<Text>) -> Self {
        (self.used, self.limit, self.unit) = (Some(used), Some(limit), Some(unit.into()));
        self
    }

    /// Sets the time at which the window restarts.
    #[must_use]
    pub fn resets_at(mut self, at: Timestamp) -> Self {
        self.resets_at = Some(at);
        self
    }

    /// Sets the length of the window.
    #[must_use]
    pub fn window(mut self, length: Duration) -> Self {
        self.window_seconds = Some(length.as_secs());
        self
    }
}

/// Tokens used out of a total that does not restart, such as the context of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenUtilization {
    /// Stable id, unique within a snapshot.
    pub id: Text,
    /// Label that a person reads.
    pub label: DisplayText,
    /// Number of tokens that were used.
    pub used: u64,
    /// Number of tokens that may be used, if there is a limit.
    pub max: Option<u64>,
    /// Fields that this version does not know, by name and unchanged. A later version or the plugin added them.
    pub others: Vec<(String, Value)>,
}

impl TokenUtilization {
    /// Creates a metric with the number of used tokens.
    pub fn new(id: impl Into<Text>, label: impl Into<DisplayText>, used: u64) -> Self {
        Self { id: id.into(), label: label.into(), used, max: None, others: Vec::new() }
    }

    /// Sets the total number of tokens.
    #[must_use]
    pub fn max(mut self, max: u64) -> Self {
        self.max = Some(max);
        self
    }
}

/// Money spent in a billing cycle.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MonthlySpend {
    /// Stable id, unique within a snapshot.
    pub id: Text,
    /// Label that a person reads.
    pub label: DisplayText,
    /// Money spent, in US dollars.
    pub spent_usd: f64,
    /// Money that may be spent in the cycle, in US dollars, if there is a limit.
    pub budget_usd: Option<f64>,
    /// Time at which the billing cycle begins.
    pub cycle_start: Timestamp,
    /// Time at which the billing cycle ends.
    pub cycle_end: Timestamp,
    /// Fields that this version does not know, by name and unchanged. A later version or the plugin added them.
    pub others: Vec<(String, Value)>,
}

impl MonthlySpend {
    /// Creates a metric with the money spent in a cycle, which is given by its start and its end.
    pub fn new(
        id: impl Into<Text>,
        label: impl Into<DisplayText>,
        spent_usd: f64,
        cycle_start: Timestamp,
        cycle_end: Timestamp,
    ) -> Self {
        Self {
            id: id.into(),
            label: label.into(),
            spent_usd,
            budget_usd: None,
            cycle_start,
            cycle_end,
            others: Vec::new(),
        }
    }

    /// Sets the budget, in US dollars.
    #[must_use]
    pub fn budget(mut self, usd: f64) -> Self {
        self.budget_usd = Some(usd);
        self
    }
}

impl From<MonthlySpend> for UsageMetric {
    fn from(metric: MonthlySpend) -> Self {
        Self::MonthlySpend(metric)
    }
}

impl From<TimeWindow> for UsageMetric {
    fn from(metric: TimeWindow) -> Self {
        Self::TimeWindow(metric)
    }
}

impl From<TokenUtilization> for UsageMetric {
    fn from(metric: TokenUtilization) -> Self {
        Self::TokenUtilization(metric)
    }
}

/// The tokens of a running session of a tool.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionTokens {
    /// Number of tokens that are now in the context of the session.
    pub context_used: u64,
    /// Number of tokens that fit into the context, if known.
    pub context_max: Option<u64>,
    /// The document in which the tool reports on its session, such as the one that Claude Code passes to a status line.
    /// It is unchanged; the plugin of the tool reads it. `Debug` does not show it.
    pub document: Option<Value>,
}

impl SessionTokens {
    /// Creates a session with the number of tokens in its context.
    pub fn new(context_used: u64, context_max: Option<u64>) -> Self {
        Self { context_used, context_max, document: None }
    }

    /// Sets the document in which the tool reports on its session. A host accepts at most 64 KiB.
    #[must_use]
    pub fn document(mut self, document: Value) -> Self {
        self.document = Some(document);
        self
    }
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokens")
            .field("context_used", &self.context_used)
            .field("context_max", &self.context_max)
            // Tools name directories and people in it.
            .field("said", &self.document.as_ref().map(|_| format_args!("..")))
            .finish()
    }
}
