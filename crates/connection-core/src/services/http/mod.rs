//! The HTTP client behind the egress policy: the only way out of the process.
//!
//! A request goes to an origin that was granted, over an address that was checked, and nowhere else: no redirect, proxy
//! variable or name server leads it away. What was denied was never sent.

mod body;
mod client;
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
mod tls;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    body::Streaming,
    client::{EgressHttp, HttpClient},
    egress::{AllowedOrigin, Egress},
    last_answer::LastAnswer,
    once::Once,
    outages::host,
    outgoing::is_sendable,
};
pub use policy::{HttpPolicy, HttpPolicyError};
pub(crate) use policy::{is_loopback, is_private_network};
