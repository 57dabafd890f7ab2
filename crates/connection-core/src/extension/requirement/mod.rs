//! Requirements of extensions, resolved to a connection, a status and public values, by presence alone.
//!
//! [`resolve`](resolve::resolve) is the whole rule without a store, [`status`](crate::status) computes the status, and
//! [`pick`](candidate::select) selects the connection.

mod bulk;
pub(crate) mod candidate;
mod fingerprint;
pub(crate) mod names;
pub(crate) mod public;
pub(crate) mod resolve;
mod resolved;

pub(crate) use bulk::resolve_all;
pub(crate) use fingerprint::fingerprint;
pub use resolved::ResolvedConnection;
