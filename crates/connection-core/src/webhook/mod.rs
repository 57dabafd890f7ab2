//! Webhooks: an address for each connection, the keys that may sign its deliveries, and an inbox that outlives the
//! process.
//!
//! An address contains 256 random bits, and only their hash is stored for lookups. The connection's plugin checks
//! each delivery over the bytes as they arrived, and the event is stored before the provider gets an answer. The
//! same signed content is one event, whichever process receives it and however often. An event is delivered to the
//! host until it is acknowledged.

mod address;
mod call_plugin;
mod checks;
mod deliveries;
mod inbox;
mod inbox_page;
mod manage;
mod receive;
mod self_test;
mod system;
mod webhooks;

pub use address::{WebhookInfo, WebhookKey, WebhookTest};
pub use deliveries::{BeginDeliveries, Deliveries};
pub use inbox::ReceivedEvent;
pub use receive::{Receipt, ReceiveError};
pub use self_test::SentWebhookTest;
pub use webhooks::{ConnectionWebhooks, Webhooks};

pub(crate) use system::System;

/// The time for which a key stays valid after it was replaced, in seconds. A person enters the new key at the provider.
const GRACE: i64 = 7 * 24 * 60 * 60;
/// The time for which a handshake waits for the provider's key, in seconds.
const HANDSHAKE: i64 = 15 * 60;
/// The time for which the digest of an acknowledged event is kept, in seconds: longer than providers retry.
pub(crate) const DEDUPLICATION_SECONDS: i64 = 7 * 24 * 60 * 60;
/// The maximum number of events of one connection that nobody has acknowledged. The provider keeps later ones and
/// retries.
const MAX_WAITING: i64 = 10_000;
/// The maximum size of the events of one connection that nobody has acknowledged, in bytes as they are stored.
const MAX_WAITING_BYTES: i64 = 64 << 20;
/// The maximum number of valid keys: the newest one, and earlier ones that have not expired.
const MAX_KEYS: usize = 4;
