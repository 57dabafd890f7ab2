//! Sealing: what opens, what does not, and why.

mod envelopes;
#[cfg(unix)]
mod key_files;
mod keys;
mod keysets;
mod newest;

use connection_contract::Timestamp;
use uuid::Uuid;

use crate::{Keys, Keyset};

/// Keys that nobody else has.
fn fresh() -> Keys {
    Keys::new(Uuid::from_u128(1), &Keyset::fresh(Timestamp::from_seconds(0)).unwrap()).unwrap()
}
