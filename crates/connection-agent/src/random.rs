//! Random numbers that keep names and times apart. They protect nothing.

use std::hash::{BuildHasher as _, RandomState};

/// Returns a random number, from the keys that the standard library draws for its hash maps.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(())
}

pub(crate) fn byte() -> u8 {
    number().to_le_bytes()[0]
}
