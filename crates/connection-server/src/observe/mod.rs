//! The observation of a server: the metrics, the log line of each request, and the checks of monitors.

mod metrics;
mod metrics_format;
mod readiness;
mod request;
mod request_id;

pub use metrics::Metrics;
pub use readiness::Readiness;

pub(crate) use metrics_format::MetricsFormat;
pub(crate) use request::{OwnId, RequestRecord};
