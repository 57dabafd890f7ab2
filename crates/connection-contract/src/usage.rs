//! How much of an account is used: what a plugin fetches and a host polls and shows.

use alloc::{string::String, vec::Vec};
use core::{fmt, ops::Deref, time::Duration};

use crate::{BoxFuture, Connection, ConnectionError, Context, DisplayText, Root, Services, Text, Timestamp, Value};

/// Fetches how much of an account is used.
///
/// Whether an account is connected is what its connection says; to connect one is a setup, to disconnect it a removal.
pub trait UsageSource<C>: Send + Sync {
    /// Fetches.
    ///
    /// # When it is called
    ///
    /// By the host's poller and on request, for each account and profile apart, never twice at once for one.
    ///
    /// # Repetition
    ///
    /// May run at any time and any number of times.
    ///
    /// # Cancellation
    ///
    /// Dropped at its deadline, or when the connection is removed.
    ///
    /// # Errors
    ///
    /// As [`verify`](crate::ConnectionDefinition::verify): `?` on a [`NotLive`](crate::NotLive) says why there is nothing
    /// now. The host keeps the last good snapshot.
    fn fetch<'a>(
        &'a self,
        credential: &'a C,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>>;

    /// How the account is paid for: `subscription`, `api_key`, or another word.
    fn auth_mode(&self, credential: &C) -> Option<Text> {
        let _ = credential;
        None
    }

    /// How often to fetch; the host keeps it within its bounds. `None` leaves it to the host.
    fn poll_interval(&self) -> Option<Duration> {
        None
    }

    /// What a running session of the tool tells of itself, as metrics: pure, and the same for every profile.
    fn format_session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric> {
        let _ = session;
        Vec::new()
    }
}

/// What a fetch gets.
#[derive(Clone, Copy, Debug)]
pub struct UsageContext<'a> {
    context: Context<'a>,
    connection: &'a Connection,
    directory: Option<&'a Root>,
}

impl<'a> UsageContext<'a> {
    /// Made by the host.
    pub fn new(services: Services<'a>, connection: &'a Connection, directory: Option<&'a Root>) -> Self {
        Self { context: Context::new(services), connection, directory }
    }
    /// Which connection.
    pub fn connection(&self) -> &'a Connection {
        self.connection
    }
    /// The directory of its profile, for a kind that has profiles.
    pub fn directory(&self) -> Option<&'a Root> {
        self.directory
    }
}

impl<'a> Deref for UsageContext<'a> {
    type Target = Context<'a>;
    fn deref(&self) -> &Context<'a> {
        &self.context
    }
}

/// What was fetched at one moment.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UsageSnapshot {
    /// In the order in which they are shown; there may be none.
    pub metrics: Vec<UsageMetric>,
    /// When that was so.
    pub observed_at: Timestamp,
    /// What the provider said, for a host that wants more of it than the metrics: nothing else reads it. It holds no secret,
    /// and may be private; `Debug` does not show it.
    pub raw: Option<Value>,
}

impl UsageSnapshot {
    /// Of that moment, with nothing measured.
    pub fn new(observed_at: Timestamp) -> Self {
        Self { metrics: Vec::new(), observed_at, raw: None }
    }
    /// Something that was measured.
    #[must_use]
    pub fn metric(mut self, metric: impl Into<UsageMetric>) -> Self {
        self.metrics.push(metric.into());
        self
    }
    /// What the provider said, without any secret. A host leaves out what is longer than it keeps; the metrics stay.
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
            // As a provider names the account and whoever pays for it.
            .field("raw", &self.raw.as_ref().map(|_| format_args!("..")))
            .finish()
    }
}

/// Something that was measured.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum UsageMetric {
    /// Money in a month.
    MonthlySpend(MonthlySpend),
    /// A metric that this version does not know, as it came.
    Other(Value),
    /// Use within a window of time.
    TimeWindow(TimeWindow),
    /// Tokens of a whole.
    TokenUtilization(TokenUtilization),
}

/// Use within a window of time that begins anew.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TimeWindow {
    /// Stable, once in a snapshot: `five_hour`.
    pub id: Text,
    /// For people.
    pub label: DisplayText,
    /// The part that is used, from 0 to 1.
    pub utilization: f64,
    /// How much is used, in `unit`.
    pub used: Option<f64>,
    /// How much there is, in `unit`.
    pub limit: Option<f64>,
    /// `tokens`, `requests`, or another word.
    pub unit: Option<Text>,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
    /// How long it is, in seconds.
    pub window_seconds: Option<u64>,
    /// Fields that this version does not know, as they came, by name: a later one's, or the plugin's own.
    pub others: Vec<(String, Value)>,
}

impl TimeWindow {
    /// A window of which that part is used. A number below 0 or above 1 is brought there; what is no number stays none, and
    /// a host refuses it.
    pub fn new(id: impl Into<Text>, label: impl Into<DisplayText>, utilization: f64) -> Self {
        let (used, limit, unit, resets_at, window_seconds, others) = Default::default();
        let utilization = if utilization.is_finite() { utilization.clamp(0.0, 1.0) } else { utilization };
        Self { id: id.into(), label: label.into(), utilization, used, limit, unit, resets_at, window_seconds, others }
    }
    /// How much is used of how much, and in what.
    #[must_use]
    pub fn amount(mut self, used: f64, limit: f64, unit: impl Into<Text>) -> Self {
        (self.used, self.limit, self.unit) = (Some(used), Some(limit), Some(unit.into()));
        self
    }
    /// When it begins anew.
    #[must_use]
    pub fn resets_at(mut self, at: Timestamp) -> Self {
        self.resets_at = Some(at);
        self
    }
    /// How long it is.
    #[must_use]
    pub fn window(mut self, length: Duration) -> Self {
        self.window_seconds = Some(length.as_secs());
        self
    }
}

/// Tokens of a whole that does not begin anew, as the context of a session.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TokenUtilization {
    /// Stable, once in a snapshot.
    pub id: Text,
    /// For people.
    pub label: DisplayText,
    /// So many are used.
    pub used: u64,
    /// So many there are.
    pub max: Option<u64>,
    /// Fields that this version does not know, as they came, by name: a later one's, or the plugin's own.
    pub others: Vec<(String, Value)>,
}

impl TokenUtilization {
    /// So many tokens.
    pub fn new(id: impl Into<Text>, label: impl Into<DisplayText>, used: u64) -> Self {
        Self { id: id.into(), label: label.into(), used, max: None, others: Vec::new() }
    }
    /// Of so many.
    #[must_use]
    pub fn max(mut self, max: u64) -> Self {
        self.max = Some(max);
        self
    }
}

/// Money in a cycle.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MonthlySpend {
    /// Stable, once in a snapshot.
    pub id: Text,
    /// For people.
    pub label: DisplayText,
    /// In US dollars.
    pub spent_usd: f64,
    /// What may be spent, in US dollars.
    pub budget_usd: Option<f64>,
    /// When the cycle began.
    pub cycle_start: Timestamp,
    /// When it ends.
    pub cycle_end: Timestamp,
    /// Fields that this version does not know, as they came, by name: a later one's, or the plugin's own.
    pub others: Vec<(String, Value)>,
}

impl MonthlySpend {
    /// So much in a cycle from then until then.
    pub fn new(
        id: impl Into<Text>,
        label: impl Into<DisplayText>,
        spent_usd: f64,
        (cycle_start, cycle_end): (Timestamp, Timestamp),
    ) -> Self {
        let (id, label) = (id.into(), label.into());
        Self { id, label, spent_usd, budget_usd: None, cycle_start, cycle_end, others: Vec::new() }
    }
    /// What may be spent.
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

/// What a running session of a tool tells of itself.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionTokens {
    /// Tokens in its context now.
    pub context_used: u64,
    /// So many fit, when that is known.
    pub context_max: Option<u64>,
    /// The document in which the tool tells of its session, such as the one that Claude Code hands to a status line, as the
    /// tool wrote it. The plugin of the tool reads from it what it knows. `Debug` does not show it.
    pub said: Option<Value>,
}

impl SessionTokens {
    /// A session with so many tokens in its context.
    pub fn new(context_used: u64, context_max: Option<u64>) -> Self {
        Self { context_used, context_max, said: None }
    }
    /// A session of which the tool tells in a document of its own. A host takes at most 64 KiB of it.
    #[must_use]
    pub fn said(mut self, document: Value) -> Self {
        self.said = Some(document);
        self
    }
}

impl fmt::Debug for SessionTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokens")
            .field("context_used", &self.context_used)
            .field("context_max", &self.context_max)
            // A tool names directories and people in it.
            .field("said", &self.said.as_ref().map(|_| format_args!("..")))
            .finish()
    }
}
