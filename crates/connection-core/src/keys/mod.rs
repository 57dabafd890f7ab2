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
