//! What extensions need, resolved to what is there: a connection, a status and public values, by presence alone.
//!
//! Entry points: [`resolve`](resolve::resolve) is the whole rule without a store, [`status`] the one projection,
//! [`pick`](candidate::pick) which connection is meant.

mod bulk;
pub(crate) mod candidate;
mod fingerprint;
pub(crate) mod names;
pub(crate) mod public;
pub(crate) mod resolve;
mod resolved;
mod status;

pub(crate) use fingerprint::fingerprint;
pub use resolved::ResolvedConnection;
pub use status::{ConnectionStatus, Readiness, status};
