//! The metrics of a process, in the text formats of OpenMetrics and of Prometheus.
//!
//! No label holds a secret, and none names an owner, an account, a connection or a path. All kinds that belong to one
//! extension count as the kind `extension`, so that nobody who adds extensions makes new labels.

use std::{fmt, sync::Arc, time::Duration};

use connection_contract::Kind;
use connection_core::{ConnectionRegistry, Notification, NotificationListener, StoreCounts};
use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};
use tokio::sync::Mutex;

use crate::convert;

const PREFIX: &str = "connections";
/// The time for which the numbers of the store are kept, since one of the queries reads every connection.
const MAX_AGE: Duration = Duration::from_secs(10);
/// The time limit of these queries.
const PATIENCE: Duration = Duration::from_secs(3);
/// The upper bounds of the buckets in seconds.
const REQUEST_BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const PROBE_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LivenessLabels {
    kind: String,
    liveness: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    kind: String,
    outcome: &'static str,
}

/// The metrics of a process. Clones share them.
///
/// [`monitor_router`](crate::monitor_router) shows them at `/metrics`, and [`observe`](Self::observe) counts the
/// requests of a host's routes. `docs/spec/api.md` lists the metrics.
///
/// ```
/// use axum::{Router, routing::get};
/// use connection_core::ConnectionRegistry;
/// use connection_server::{ApiOptions, Metrics, Readiness, api_router, monitor_router};
///
/// fn routes(registry: &ConnectionRegistry, options: ApiOptions, readiness: Readiness) -> Router {
///     let metrics = Metrics::new(registry, env!("CARGO_PKG_VERSION"));
///     let routes = api_router(registry.clone(), options.clone())
///         .merge(monitor_router(registry.clone(), options, metrics.clone(), readiness));
///     metrics.observe(routes, "")
/// }
/// # drop(routes);
/// ```
#[derive(Clone)]
pub struct Metrics(pub(super) Arc<Shared>);

/// The metrics, and what they are read from.
pub(super) struct Shared {
    pub(super) source: ConnectionRegistry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    pub(super) in_flight: Gauge,
    /// The metrics that this process counts.
    counted: Registry,
    /// The numbers of the store, and when they were read.
    stored: Mutex<Option<(Duration, Arc<StoreCounts>)>>,
    _listener: NotificationListener,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// The values of the labels of a request.
pub(super) struct RequestKind<'a> {
    /// The template of the route, such as `/api/v1/connections/{id}`.
    pub(super) route: &'a str,
    pub(super) method: &'static str,
    /// The class of the status, such as `2xx`.
    pub(super) status: &'static str,
}

impl Metrics {
    /// Creates metrics of this registry, and of a program of this version. They count from now on.
    pub fn new(registry: &ConnectionRegistry, version: &str) -> Self {
        let requests = Family::default();
        let durations = Family::new_with_constructor((|| Histogram::new(REQUEST_BUCKETS)) as fn() -> Histogram);
        let probes = Family::<KindLabels, Histogram>::new_with_constructor(|| Histogram::new(PROBE_BUCKETS));
        let in_flight = Gauge::default();
        let mut counted = Registry::with_prefix(PREFIX);
        counted.register("build", "The program", Info::new(vec![("version", version.to_owned())]));
        counted.register("http_requests", "Requests that were answered", requests.clone());
        let help = "The time until the head of the answer was sent";
        counted.register_with_unit("http_request_duration", help, Unit::Seconds, durations.clone());
        let help = "Requests whose answers are not sent completely, with streams of live events";
        counted.register("http_requests_in_flight", help, in_flight.clone());
        let help = "The time that plugins took to verify a credential";
        counted.register_with_unit("probe_duration", help, Unit::Seconds, probes.clone());
        let listener = registry.events().listen(move |notification| {
            if let Notification::Probed(probed) = notification {
                let labels = KindLabels { kind: kind_label(&probed.kind) };
                probes.get_or_create(&labels).observe(probed.duration.as_secs_f64());
            }
        });
        let source = registry.clone();
        let stored = Mutex::default();
        Self(Arc::new(Shared { source, requests, durations, in_flight, counted, stored, _listener: listener }))
    }

    pub(super) fn count(&self, request: &RequestKind<'_>, duration: Duration) {
        let RequestKind { route, method, status } = *request;
        let route = route.to_owned();
        self.0.requests.get_or_create(&RequestLabels { route: route.clone(), method, status }).inc();
        self.0.durations.get_or_create(&RouteLabels { route, method }).observe(duration.as_secs_f64());
    }

    /// Returns the metrics as text of OpenMetrics. If the store does not answer, its numbers are left out.
    pub(crate) async fn text(&self) -> Result<String, fmt::Error> {
        let read = self.read();
        let stored = self.stored().await;
        let read = with_stored(read, stored.as_deref());
        let mut text = String::new();
        encode_registry(&mut text, &self.0.counted)?;
        encode_registry(&mut text, &read)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// Returns the metrics that the core counts.
    fn read(&self) -> Registry {
        let mut registry = Registry::with_prefix(PREFIX);
        let refreshes = Family::<RefreshLabels, Counter>::default();
        registry.register("refreshes", "Refreshes of credentials", refreshes.clone());
        for (kind, outcome, count) in self.0.source.events().refresh_outcomes().iter() {
            let labels = RefreshLabels { kind: kind_label(kind), outcome: outcome.as_str() };
            refreshes.get_or_create(&labels).inc_by(count);
        }
        registry
    }

    /// Returns the numbers of the store, which are a few seconds old; `None` if it does not answer.
    async fn stored(&self) -> Option<Arc<StoreCounts>> {
        let Shared { source, stored, .. } = &*self.0;
        // One scrape reads, and those that come meanwhile get its answer.
        let mut stored = stored.lock().await;
        let clock = source.clock();
        if let Some((at, counts)) = &*stored
            && clock.passed().saturating_sub(*at) < MAX_AGE
        {
            return Some(counts.clone());
        }
        let counts = tokio::select! {
            biased;
            counts = source.store().counts() => counts.ok(),
            () = clock.sleep(PATIENCE) => None,
        };
        let counts = Arc::new(counts?);
        *stored = Some((clock.passed(), counts.clone()));
        Some(counts)
    }
}

/// Adds the numbers of the store.
fn with_stored(mut registry: Registry, counts: Option<&StoreCounts>) -> Registry {
    let is_up = Gauge::<i64>::default();
    is_up.set(i64::from(counts.is_some()));
    registry.register("store_up", "1 if the database answers, else 0", is_up);
    let Some(counts) = counts else { return registry };
    let connections = Family::<LivenessLabels, Gauge>::default();
    registry.register("connections", "Connections in the database", connections.clone());
    for (kind, liveness, count) in &counts.connections {
        let labels = LivenessLabels { kind: kind_label(kind), liveness: convert::liveness(*liveness).as_str() };
        connections.get_or_create(&labels).inc_by(number(*count));
    }
    let waiting = [
        ("setups_open", "Setups that have not ended", counts.setups_open),
        ("refreshes_due", "Credentials that are due for a refresh", counts.refreshes_due),
        ("probes_due", "Connections that are due for a verification", counts.probes_due),
        ("webhooks_waiting", "Webhooks that no receiver has acknowledged", counts.webhooks_waiting),
        ("exchanges_open", "Requests that use up a token and whose answer is not known", counts.exchanges_open),
    ];
    for (name, help, count) in waiting {
        let gauge = Gauge::<i64>::default();
        gauge.set(number(count));
        registry.register(name, help, gauge);
    }
    registry
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Returns the name of a kind, or one name for all kinds that belong to an extension: who adds extensions chooses their
/// names.
fn kind_label(kind: &Kind) -> String {
    if kind.extension().is_some() { "extension".to_owned() } else { kind.to_string() }
}
