//! The order of the core's modules, in which each module imports only from rows below its own.
//!
//! The order is the intended one. Imports that still violate it are listed in [`UPWARD`], which only gets shorter.

/// The crate whose modules have an order.
pub(crate) const CRATE: &str = "crates/connection-core";

/// The rows, the lowest first. Modules of one row do not import each other.
pub(crate) const ROWS: &[&[&str]] = &[
    &["ids", "platform"],
    &["contain"],
    &["definition"],
    &["limits"],
    &["store"],
    &["keys"],
    &["guard"],
    &["services"],
    &["error", "event", "liveness"],
    &["profiles"],
    &["host_services"],
    &["exchange"],
    &["refresh", "verify"],
    &["setup"],
    &["connection"],
    &["requirement"],
    &["extension"],
    &["sandbox", "usage", "webhook"],
    &["registry"],
];

/// The imports that still lead upward or stay within one row. The first module of each pair imports the second.
///
/// A pair that is no longer needed fails the check.
pub(crate) const UPWARD: &[(&str, &str)] = &[
    ("connection", "extension"),
    ("connection", "registry"),
    ("connection", "requirement"),
    ("definition", "connection"),
    ("error", "extension"),
    ("error", "profiles"),
    ("error", "registry"),
    ("error", "sandbox"),
    ("exchange", "registry"),
    ("exchange", "setup"),
    ("extension", "registry"),
    ("host_services", "registry"),
    ("host_services", "setup"),
    ("profiles", "connection"),
    ("profiles", "host_services"),
    ("profiles", "registry"),
    ("refresh", "connection"),
    ("refresh", "extension"),
    ("refresh", "registry"),
    ("refresh", "setup"),
    ("refresh", "verify"),
    ("requirement", "extension"),
    ("requirement", "registry"),
    ("sandbox", "registry"),
    ("services", "registry"),
    ("setup", "connection"),
    ("setup", "extension"),
    ("setup", "registry"),
    ("usage", "registry"),
    ("verify", "connection"),
    ("verify", "extension"),
    ("verify", "refresh"),
    ("verify", "registry"),
    ("webhook", "registry"),
];
