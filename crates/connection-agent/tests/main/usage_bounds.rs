//! The limits of what a plugin may report as usage: reports that are too large or not valid are its fault and are
//! not kept.

use connection_agent::{Usage, UsageMonitor, UsageReading};
use connection_contract::{
    MonthlySpend, SessionTokens, TimeWindow, Timestamp, TokenUtilization, UsageMetric, UsageSnapshot, Value, reason,
};

use crate::{
    log,
    test_host::World,
    usage_plugin::{METERED, Metered},
};

/// An account whose usage the test sets.
struct Account {
    plugin: Metered,
    usage: Usage,
    _world: World,
}

impl Account {
    async fn new() -> Self {
        let world = World::new().await;
        let plugin = Metered::new();
        let registry = world.open(plugin.clone()).await;
        plugin.connected(&registry, "ada").await;
        Self { plugin, usage: UsageMonitor::new(&registry).usage(&METERED), _world: world }
    }

    async fn fetch(&self, snapshot: &UsageSnapshot) -> UsageReading {
        *self.plugin.snapshot.lock().unwrap() = Some(snapshot.clone());
        self.usage.fetch(None).await.unwrap()
    }

    /// Returns the snapshot that is kept.
    async fn kept(&self, snapshot: &UsageSnapshot) -> UsageSnapshot {
        let reading = self.fetch(snapshot).await;
        assert_eq!(reading.error.map(|why| why.reason.message), None);
        (*reading.snapshot.unwrap()).clone()
    }

    /// Returns the message with which the snapshot is rejected.
    async fn refused(&self, snapshot: &UsageSnapshot) -> String {
        let why = self.fetch(snapshot).await.error.unwrap().reason;
        assert_eq!(&*why.code, reason::PLUGIN_FAULT);
        why.message.to_string()
    }
}

fn empty() -> UsageSnapshot {
    UsageSnapshot::new(Timestamp::from_seconds(1_800_000_000))
}

fn tokens(id: impl Into<connection_contract::Text>) -> TokenUtilization {
    TokenUtilization::new(id, "Tokens", 1)
}

/// Returns lists nested this many levels deep.
fn deep(levels: usize) -> Value {
    (1..levels).fold(Value::List(Vec::new()), |inner, _| Value::List(vec![inner]))
}

/// R-JACK-045
#[tokio::test]
async fn what_the_provider_said_is_kept_up_to_its_bound_and_the_metrics_whatever_it_is() {
    log::begin();
    let it = Account::new().await;
    let said = Value::object([("plan", "canary-plan".into()), ("left", Value::Number("1.50".into()))]);
    let snapshot = empty().metric(tokens("all")).raw(said.clone());
    let kept = it.kept(&snapshot).await;
    assert_eq!(kept.raw, Some(said));
    assert_eq!(it.usage.snapshot(None).await.unwrap().unwrap().snapshot.unwrap().raw, kept.raw);
    assert!(log::lines_with("canary-plan").is_empty());

    let most = 64 * 1024 - 2;
    for (raw, is_kept) in [
        (Value::Text("x".repeat(most)), true),
        (Value::Text("x".repeat(most + 1)), false),
        (deep(32), true),
        (deep(33), false),
        // It would make the whole snapshot invalid JSON.
        (Value::Number("NaN".into()), false),
        (Value::Null, false),
    ] {
        let kept = it.kept(&snapshot.clone().raw(raw.clone())).await;
        assert_eq!(kept.raw, is_kept.then_some(raw));
        assert_eq!(kept.metrics, snapshot.metrics);
    }
    assert!(!log::lines_with("a provider's answer about usage").is_empty());
}

#[tokio::test]
async fn metrics_are_as_many_and_as_long_as_they_may_be_and_each_is_there_once() {
    let it = Account::new().await;
    let many = |count: u32| (0..count).map(|number| tokens(number.to_string())).fold(empty(), UsageSnapshot::metric);
    assert_eq!(it.kept(&many(100)).await.metrics.len(), 100);
    assert_eq!(it.refused(&many(101)).await, "the plugin reports more than 100 metrics");
    it.kept(&empty().metric(tokens("x".repeat(128)))).await;
    for id in [String::new(), "x".repeat(129)] {
        let said = it.refused(&empty().metric(tokens(id))).await;
        assert_eq!(said, "a metric's id is empty or has more than 128 bytes");
    }
    let twice = empty().metric(tokens("a")).metric(TimeWindow::new("a", "A", 0.5));
    assert_eq!(it.refused(&twice).await, "two metrics have the same id");
    let other = |length: usize| {
        let mut snapshot = empty();
        snapshot.metrics.push(UsageMetric::Other(Value::Text("x".repeat(length))));
        snapshot
    };
    it.kept(&other(16 * 1024 - 2)).await;
    let not_taken = "the plugin reports a metric that is not JSON, or has more than 16 KiB or 32 levels";
    assert_eq!(it.refused(&other(16 * 1024 - 1)).await, not_taken);
    for (value, is_taken) in [(deep(32), true), (deep(33), false), (Value::Number("NaN".into()), false)] {
        let mut snapshot = empty();
        snapshot.metrics.push(UsageMetric::Other(value));
        match is_taken {
            true => drop(it.kept(&snapshot).await),
            false => assert_eq!(it.refused(&snapshot).await, not_taken),
        }
    }
}

/// The constructors check the values, but every field can be changed afterwards.
#[tokio::test]
async fn what_is_no_measure_is_a_fault_of_the_plugin() {
    let it = Account::new().await;
    let at = Timestamp::from_seconds(1_800_000_000);
    let window = |change: fn(&mut TimeWindow)| {
        let mut window = TimeWindow::new("week", "Week", 0.5).amount(1.0, 2.0, "tokens");
        change(&mut window);
        empty().metric(window)
    };
    let spend = |usd, budget| empty().metric(MonthlySpend::new("spend", "Spend", usd, at, at).budget(budget));
    it.kept(&window(|window| window.utilization = 1.0)).await;
    it.kept(&window(|window| window.unit = Some("x".repeat(128).into()))).await;
    it.kept(&spend(-1.0, 0.0)).await;
    let part = "the used part of a window is not between 0 and 1";
    let unit = "a metric's unit has more than 128 bytes";
    let number = "a metric has a number that is not finite";
    for (snapshot, problem) in [
        (window(|window| window.utilization = 1.5), part),
        (window(|window| window.utilization = f64::NAN), part),
        (window(|window| window.unit = Some("x".repeat(129).into())), unit),
        (window(|window| window.used = Some(f64::INFINITY)), number),
        (window(|window| window.limit = Some(f64::NAN)), number),
        (spend(f64::NAN, 1.0), number),
        (spend(1.0, f64::INFINITY), number),
    ] {
        assert_eq!(it.refused(&snapshot).await, problem);
        // The same holds for a running session.
        let error = it.usage.format_session_metrics(SessionTokens::default()).await.unwrap_err();
        assert_eq!(error.code(), "plugin_fault");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains(problem), "{source}");
    }
}

#[tokio::test]
async fn a_document_of_a_session_is_bounded_and_shown_by_no_debug() {
    let it = Account::new().await;
    *it.plugin.snapshot.lock().unwrap() = None;
    let document = |text: String| SessionTokens::default().document(Value::object([("a", Value::Text(text))]));
    let fits = document("x".repeat(64 * 1024 - 8));
    assert_eq!(it.usage.format_session_metrics(fits).await.unwrap().len(), 1);
    for session in [document("x".repeat(64 * 1024 - 7)), SessionTokens::default().document(deep(33))] {
        let error = it.usage.format_session_metrics(session).await.unwrap_err();
        assert_eq!(error.code(), "invalid_request");
        assert!(error.to_string().contains("at most 64 KiB and 32 levels"), "{error}");
    }
    assert!(!format!("{:?}", document("canary".into())).contains("canary"));
}

#[tokio::test]
async fn the_payment_method_of_an_account_is_a_word() {
    let it = Account::new().await;
    *it.plugin.mode.lock().unwrap() = "x".repeat(128).into();
    assert_eq!(it.usage.status(None).await.unwrap().auth_mode.unwrap().len(), 128);
    *it.plugin.mode.lock().unwrap() = "x".repeat(129).into();
    let status = it.usage.status(None).await.unwrap();
    assert!(status.connected && status.auth_mode.is_none());
    assert_eq!(status.error.unwrap().code, reason::PLUGIN_FAULT);
}
