//! What providers send by themselves: an address for each connection, who may have signed, and an inbox that outlives the
//! process.
//!
//! Whoever knows an address has learned 256 random bits; only their hash is looked for. What comes there is checked by the
//! connection's plugin, over the bytes as they came, and stored before the provider is answered. The same signed content is
//! one event, whichever process it reaches and however often. An event is handed over until somebody acknowledges it.

mod address;
mod ask;
mod checks;
mod deliveries;
mod inbox;
mod itself;
mod manage;
mod peek;
mod receive;

pub use address::{WebhookInfo, WebhookKey, WebhookTest};
pub use deliveries::{BeginDeliveries, Deliveries};
pub use inbox::ReceivedEvent;
pub use itself::SentWebhookTest;
pub use peek::InboxPage;
pub use receive::{Receipt, ReceiveError};

pub(crate) use checks::Checks;

/// How long a key is good beside the one that took its place, in seconds: the provider is told by hand.
const GRACE: i64 = 7 * 24 * 60 * 60;
/// How long a key that the provider tells is waited for, in seconds.
const HANDSHAKE: i64 = 15 * 60;
/// How long the digest of an event is kept that was acknowledged, in seconds: longer than providers try again.
const REMEMBERED: i64 = 7 * 24 * 60 * 60;
/// Events of one connection that nobody has acknowledged; the provider keeps the rest, and tries again.
const MOST_WAITING: i64 = 10_000;
/// The maximum number of bytes, as they are stored, of the events of one connection that nobody has acknowledged.
const MOST_WAITING_BYTES: i64 = 64 << 20;
/// So many keys at once: the newest, and those that are good for a while yet.
const MOST_KEYS: usize = 4;
