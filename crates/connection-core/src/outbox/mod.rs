//! Events that are sent to an address of the operator, in the format of [Standard Webhooks][format].
//!
//! The record of events is the source. [`collect`] adds a message to `connection_outbox` for each event that is due,
//! and [`send`] sends the messages that are due; [`run`] does both. Any number of processes may do so: a message is
//! added once, by the process that takes the event, and an attempt is claimed by its number. A message is sent again
//! with the same id if its sender died before it recorded the answer.
//!
//! [format]: https://www.standardwebhooks.com

mod attention_url;
mod collect;
mod failed;
mod message;
mod receiver;
mod run;
mod send;

pub use attention_url::{AttentionUrl, AttentionUrlError};
pub(crate) use failed::{end_failed, oldest_kept};
pub use message::MESSAGE_TYPES;
pub use receiver::{EventReceiver, EventReceiverError};
pub(crate) use run::run;
