//! The keys of a store: opened or made at the start, read again when another process rotated them, moved and rotated.
//!
//! The cryptography and the key sources are in `connection-seal`. This module keeps the wrapped keyset in the store.

mod change;
mod error;
mod open;
mod rotate;
mod sealer;
#[cfg(test)]
mod tests;

pub use change::KeyChange;
pub use rotate::{KeyRotation, KeyStatus};

pub(crate) use change::change;
pub(crate) use error::OpenKeyError;
pub(crate) use open::{Other, Sources, open_keyset};
pub(crate) use rotate::{rotate, status};
pub(crate) use sealer::Sealer;

/// The key of a small value of a plugin, in a place of `connection_kv` with its owner and nothing more: each part with its
/// length before it.
pub(crate) fn kv_key(namespace: &str, key: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + namespace.len() + key.len());
    for part in [namespace, key] {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
