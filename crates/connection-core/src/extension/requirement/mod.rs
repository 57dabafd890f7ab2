//! Requirements of extensions, resolved to a connection, a status and public values, by presence alone.
//!
//! [`Facts`] are what is read for one extension or for all of an owner. From them, `candidate` selects the connection,
//! `resolve` computes the rest without a store, and [`status`](crate::status) computes the status.

mod candidate;
mod facts;
mod fingerprint;
mod names;
pub(crate) mod public;
pub(crate) mod resolve;
mod resolved;

pub(crate) use facts::Facts;
pub(crate) use fingerprint::fingerprint;
pub(crate) use resolve::{resolve_all, resolve_one};
pub use resolved::ResolvedConnection;
