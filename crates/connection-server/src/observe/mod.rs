//! The observation of a server: the metrics, the log line of each request, and the checks of monitors.

mod metrics;
mod metrics_format;
mod readiness;
mod request;
mod request_id;
mod routes;

pub use metrics::Metrics;
pub use readiness::Readiness;
pub use routes::monitor_router;

pub(crate) use request::RequestRecord;
