//! The credential of a connection: its sealed form, reading and opening it, replacing it, and the services for plugin
//! code that runs on it.

mod hot;
pub(crate) mod named_secrets;
mod open;
pub(crate) mod page;
mod payload;
pub(crate) mod provider_grant;
mod renewal;
pub(crate) mod repeated;
pub(crate) mod replace;
mod subject;
mod system;
mod teardown;
#[cfg(test)]
mod tests;

pub(crate) use hot::{HotRow, HotRows, ReadConnection, Stored};
pub(crate) use open::{Read, ShownConnection, open, open_as_one, open_read, read_shown, unreadable};
pub(crate) use payload::{DiscoveredOrigin, Operation, Payload};
pub(crate) use renewal::renewal;
pub(crate) use subject::{CredentialServices, Subject};
pub(crate) use system::System;
pub use teardown::Teardown;
pub(crate) use teardown::{AgreedKind, MAX_PREVIOUS_TEARDOWN_TIME, TeardownOutcome, give_back, tear_down};
