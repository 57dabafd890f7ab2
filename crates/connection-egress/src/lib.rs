//! The HTTP client behind the egress policy, and the clock by which it measures: the only way out of the process.
//!
//! A request goes to an origin that was granted, over an address that was checked, and nowhere else: no redirect, proxy
//! variable or name server leads it away. What was denied was never sent.
//!
//! ```
//! use std::sync::Arc;
//!
//! use connection_contract::{HttpError, HttpRequest, host};
//! use connection_egress::{AllowedOrigin, Egress, HttpClient, HttpPolicy, SystemClock};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = HttpClient::new(HttpPolicy::new(), Arc::new(SystemClock::new()))?;
//!     let granted = host::origin("https://api.acme.example").ok_or("no origin")?;
//!     let egress = Egress { origins: vec![AllowedOrigin { origin: granted, named: false }], ..Egress::default() };
//!
//!     // Another origin than the granted one: nothing is sent.
//!     let elsewhere = host::base_url("https://evil.example").ok_or("no address")?;
//!     let denied = client.send(&egress, HttpRequest::get(&elsewhere, "/")).await;
//!     assert_eq!(denied.unwrap_err(), HttpError::Denied);
//!     Ok(())
//! }
//! ```
//!
//! # What this crate is not
//!
//! It knows no provider, no connection and no credential: whoever sends a request has attached what it needs, and says to
//! which origins it may go. It keeps no cookies and reads no variables of the environment.
//!
//! # Stability
//!
//! The API is made for `connection-core`, and may change in any version; [`HttpPolicy`] and the clocks are promised by the
//! core, which re-exports them.

mod body;
mod client;
mod clock;
mod egress;
mod failure;
mod last_answer;
mod once;
mod outages;
mod outgoing;
mod policy;
mod public_address;
mod redirect;
mod resolver;
mod secret_buffer;
mod tls;

#[cfg(test)]
mod tests;

pub use body::Streaming;
pub use client::{EgressHttp, HttpClient};
pub use clock::{Boot, Clock, ManualClock, Moment, SystemClock, asleep, until};
pub use egress::{AllowedOrigin, Egress};
pub use last_answer::{LONGEST_PAUSE, LastAnswer};
pub use once::Once;
pub use outages::host;
pub use outgoing::is_sendable;
pub use policy::{HttpPolicy, HttpPolicyError, is_loopback, is_private_network};
pub use secret_buffer::{OverLimit, SecretBuffer};

/// The target of what an operator reads also at the default level of a server: a loss, a recovery, a beginning or an end.
pub const OPERATIONS: &str = "connections::operations";
