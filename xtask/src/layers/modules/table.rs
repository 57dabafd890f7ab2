//! The order of the core's modules, in which each module imports only from rows below its own.

/// The crate whose modules have an order.
pub(crate) const CRATE: &str = "crates/connection-core";

/// The rows, the lowest first. Modules of one row do not import each other.
pub(crate) const ROWS: &[&[&str]] = &[
    &["ids", "owner", "platform", "profile_variables", "readiness", "sentence", "tags"],
    &["asked", "contain", "sandbox_rules"],
    &["definition"],
    &["kinds", "limits"],
    &["store", "usage_json", "usage_report"],
    &["journal", "keys", "plan"],
    &["guard"],
    &["connection_info", "services"],
    &["changes", "error", "event", "liveness", "notification"],
    &["flights", "ground"],
    &["access_token", "defaults", "grant", "outbox"],
    &["host_services"],
    &["profile_rows"],
    &["credential"],
    &["exchange"],
    &["refresh"],
    &["verify"],
    &["setup"],
    &["connection"],
    &["extension"],
    &["profiles"],
    &["webhook"],
    &["registry"],
];
