//! Sealed values and keysets: the cases in which they open, and the errors otherwise.

mod envelopes;
#[cfg(unix)]
mod key_files;
mod keys;
mod keysets;
mod newest;

use connection_contract::Timestamp;
use uuid::Uuid;

use crate::{Keys, Keyset};

/// Creates keys that no other test holds.
fn fresh() -> Keys {
    Keys::new(Uuid::from_u128(1), &Keyset::fresh(Timestamp::from_seconds(0)).unwrap()).unwrap()
}
