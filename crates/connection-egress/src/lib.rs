//! The HTTP client with the egress policy, and the clock that measures its deadlines.
//!
//! All requests to providers leave the process through this crate. A request goes only to an origin that was granted,
//! at an address that was checked; no redirect, proxy variable or name server can lead it elsewhere. A request that is
//! denied was not sent.
//!
//! ```
//! use std::sync::Arc;
//!
//! use connection_contract::{HttpError, HttpRequest, host};
//! use connection_egress::{AllowedOrigin, Egress, HttpClient, HttpPolicy, NamedBy, SystemClock};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #   // region: readme
//!     let client = HttpClient::new(HttpPolicy::new(), Arc::new(SystemClock::new()))?;
//!     let granted = host::origin("https://api.acme.example").ok_or("no origin")?;
//!     let egress = Egress { origins: vec![AllowedOrigin { origin: granted, named: NamedBy::Nobody }], ..Egress::default() };
//!
//!     // Another origin than the granted one: nothing is sent.
//!     let elsewhere = host::base_url("https://evil.example").ok_or("no address")?;
//!     let denied = client.send(&egress, HttpRequest::get(&elsewhere, "/")).await;
//!     assert_eq!(denied.unwrap_err(), HttpError::Denied);
//! #   // end: readme
//!     Ok(())
//! }
//! ```
//!
//! # What this crate is not
//!
//! It knows no provider, no connection and no credential: the caller attaches what a request needs, and names the
//! origins that it may go to. It keeps no cookies and reads no environment variables.
//!
//! # Stability
//!
//! The API is made for `connection-core`, and may change in any version. The core re-exports [`HttpPolicy`] and the
//! clocks and keeps their API stable.

mod again;
mod answering;
mod body;
mod certificate;
mod client;
mod clock;
mod coding;
mod decoder;
mod egress;
mod failure;
mod head;
mod last_answer;
mod observer;
mod once;
mod open;
mod outages;
mod outgoing;
mod parcel;
mod policy;
mod public_address;
mod redact;
mod redirect;
mod resolver;
mod reuse;
mod said;
mod secret_buffer;
mod tls;
mod upload;

#[cfg(test)]
mod tests;

pub use again::{MAX_RETRY_AFTER, SendOnceOutcome, asked_pause};
pub use body::Streaming;
pub use certificate::certificate_ends_at;
pub use client::{EgressHttp, HttpClient};
pub use clock::{Backoff, Boot, Clock, ManualClock, Moment, SystemClock, sleep_passed, until};
pub use decoder::{Decoder, UnknownCoding};
pub use egress::{AllowedOrigin, Egress, NamedBy};
pub use failure::tls_fault;
pub use last_answer::{LastAnswer, MAX_PAUSE};
pub use observer::HttpObserver;
pub use once::SendUntil;
pub use outages::{answered, host};
pub use outgoing::is_sendable;
pub use parcel::deliver;
pub use policy::{HttpPolicy, HttpPolicyError, is_loopback, is_private_network, may_be_public};
pub use public_address::is_public;
pub use redact::{LastSearch, Redactor, attached_secrets};
pub use secret_buffer::{OverLimit, SecretBuffer};
pub use tls::tls_config;
pub use upload::{BodyFault, BrokenBody, NotAnswered, Pieces, StreamedBody};

/// The log target for events that operators see also at the default level of a server: a loss, a recovery, a start or
/// an end.
pub const OPERATIONS: &str = "connections::operations";
