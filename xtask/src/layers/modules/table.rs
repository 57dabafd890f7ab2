//! The order of the core's modules, in which each module imports only from rows below its own.
//!
//! The order is the intended one. Imports that still violate it are listed in [`UPWARD`], which only gets shorter.

/// The crate whose modules have an order.
pub(crate) const CRATE: &str = "crates/connection-core";

/// The rows, the lowest first. Modules of one row do not import each other.
pub(crate) const ROWS: &[&[&str]] = &[
    &["ids", "owner", "platform", "readiness"],
    &["contain"],
    &["definition"],
    &["kinds", "limits"],
    &["store"],
    &["journal", "keys", "plan"],
    &["guard"],
    &["connection_info", "services"],
    &["changes", "error", "event", "liveness"],
    &["flights", "ground"],
    &["defaults", "grant"],
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
    &["sandbox", "usage", "webhook"],
    &["registry"],
];

/// The imports that still lead upward or stay within one row. The first module of each pair imports the second.
///
/// A pair that is no longer needed fails the check.
pub(crate) const UPWARD: &[(&str, &str)] = &[("sandbox", "registry"), ("usage", "registry")];
