//! The keys of a store: opening or creating them at the start, reading them again after another process has rotated
//! them, moving them to another source, and rotating them.
//!
//! The cryptography and the key sources are in `connection-seal`. This module keeps the wrapped keyset in the store.

mod change;
mod client_key;
mod error;
mod open;
mod rotate;
mod sealer;
#[cfg(test)]
mod tests;

pub use change::KeyChange;
pub use open::KeySources;
pub use rotate::{KeyRotation, KeyStatus};

pub(crate) use change::change;
pub(crate) use client_key::ClientKey;
pub(crate) use error::OpenKeyError;
#[cfg(feature = "sqlite")]
pub(crate) use open::check_keyset;
pub(crate) use open::open_keyset;
pub(crate) use rotate::{rotate, status};
pub(crate) use sealer::Sealer;

/// Returns the key of a small value of a plugin for its place in `connection_kv`: the namespace and the key, each with
/// its length before it. The place also has the owner, and nothing more.
pub(crate) fn kv_key(namespace: &str, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + namespace.len() + key.len());
    for part in [namespace, key] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
