//! Events that are sent to an address of the operator, in the format of [Standard Webhooks][format].
//!
//! The record of events is the source. [`collect`] copies what the operator is told of into `connection_outbox`, from a
//! stored position on, and [`send`] sends what is due there. Any number of processes may do both: an event is added once
//! by its id, and an attempt is claimed by its number. An event is sent again with the same id if its sender died before
//! it recorded the answer.
//!
//! [format]: https://www.standardwebhooks.com

pub(crate) mod collect;
mod message;
mod receiver;
pub(crate) mod send;

pub use message::MESSAGE_TYPES;
pub use receiver::{EventReceiver, EventReceiverError};
