//! The orders of modules, in which each module imports only from rows below its own.

use super::Order;

/// The crates whose modules have an order.
pub(crate) const ORDERS: &[Order<'_>] =
    &[Order { package: "connection-core", rows: CORE }, Order { package: "connection-host", rows: HOST }];

/// The rows of the core, the lowest first. Modules of one row do not import each other.
const CORE: &[&[&str]] = &[
    &["ids", "missing_scopes", "owner", "page", "platform", "profile_variables", "sentence", "tags", "words"],
    &["approval_state", "asked", "contain", "readiness", "sandbox_rules"],
    &["definition"],
    &["kinds", "limits"],
    &["store", "usage_json", "usage_report"],
    &["budget", "journal", "keys", "plan"],
    &["guard"],
    &["connection_info", "services"],
    &["frozen", "uses"],
    &["error", "event", "extension_changes", "liveness", "notification"],
    &["executions", "flights", "ground"],
    &["lease"],
    &["access_token", "approval", "default_connection", "outbox"],
    &["grant"],
    &["agent", "freeze", "host_services"],
    &["profile_rows"],
    &["credential"],
    &["exchange"],
    &["refresh"],
    &["verify"],
    &["setup"],
    &["connection"],
    &["door", "extension"],
    &["approvals"],
    &["profiles"],
    &["webhook"],
    &["registry"],
];

/// The rows of the command, the lowest first.
const HOST: &[&[&str]] = &[
    &["name", "spelling"],
    &["error"],
    &["empty_store", "platform"],
    &["kinds_directory"],
    &["kind_entry"],
    &["config"],
    &["applications", "args", "courier", "inbound", "output", "words"],
    &["catalogue", "common", "completion", "input"],
    &["extensions"],
    &["backend"],
    &["program", "select"],
    &["commands"],
    &["cli"],
    &["plugins"],
];
