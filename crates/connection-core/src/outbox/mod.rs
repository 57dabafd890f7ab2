//! Events that are sent to an address of the operator, in the format of [Standard Webhooks][format].
//!
//! The record of events is the source. [`collect`] copies the events for the operator into `connection_outbox`,
//! starting at a stored position, and [`send`] sends the messages that are due. Any number of processes may do both: an
//! event is added once, by its id, and an attempt is claimed by its number. An event is sent again with the same id if
//! its sender died before it recorded the answer.
//!
//! [format]: https://www.standardwebhooks.com

pub(crate) mod collect;
mod message;
mod receiver;
pub(crate) mod send;

pub use message::MESSAGE_TYPES;
pub use receiver::{EventReceiver, EventReceiverError};
