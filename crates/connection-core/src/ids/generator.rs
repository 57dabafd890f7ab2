//! The default generator of ids, and the trait with which a host replaces it. Default ids are UUIDv7, made from the
//! system's clock and random numbers.
//!
//! The 74 bits after the time start at a random value and grow by a random amount within a millisecond (RFC 9562,
//! section 6.2, method 2). Ids therefore stay in order and cannot be guessed from each other.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use uuid::{Builder, Uuid};

/// Generates ids.
///
/// # Repetition
///
/// Every call returns another id, and later ids sort after earlier ones.
pub trait IdGenerator: Send + Sync {
    /// Returns the next id, a version 7 UUID.
    fn next(&self) -> Uuid;
}

/// The number of bits after the time in a version 7 UUID.
const TAIL_BITS: u32 = 74;

/// The default generator of ids.
pub struct UuidV7 {
    milliseconds: Box<dyn Fn() -> u64 + Send + Sync>,
    last: Mutex<(u64, u128)>,
}

impl UuidV7 {
    /// Creates a generator that uses the system's clock.
    pub fn new() -> Self {
        Self::from_milliseconds(system_milliseconds)
    }

    /// Creates a generator that uses another clock, which returns milliseconds since 1970-01-01T00:00:00Z.
    pub fn from_milliseconds(milliseconds: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { milliseconds: Box::new(milliseconds), last: Mutex::new((0, 0)) }
    }
}

impl IdGenerator for UuidV7 {
    fn next(&self) -> Uuid {
        let now = (self.milliseconds)();
        let random = random_bits();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            // The top bit starts as zero, so that the value can grow within the millisecond.
            (before, _) if before < now => (now, random >> (128 - TAIL_BITS + 1)),
            (before, tail) => {
                let grown = tail + 1 + u128::from(random as u32);
                if grown >> TAIL_BITS == 0 { (before, grown) } else { (before + 1, u128::from(random as u32)) }
            }
        };
        let (milliseconds, tail) = *last;
        drop(last);
        let mut bytes = [0; 10];
        // The upper 12 bits of the tail are followed by the lower 62. Between them, the builder writes the variant,
        // and before them the version.
        let spread = (tail >> 62) << 64 | tail & ((1 << 62) - 1);
        bytes.copy_from_slice(&spread.to_be_bytes()[6..]);
        Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid()
    }
}

impl Default for UuidV7 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for UuidV7 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UuidV7").finish_non_exhaustive()
    }
}

fn random_bits() -> u128 {
    let mut bytes = [0; 16];
    // Without random numbers no key could be generated either. The counter alone still keeps the ids apart.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        return 0;
    }
    u128::from_be_bytes(bytes)
}

#[expect(
    clippy::disallowed_methods,
    reason = "whole seconds of the injected clock are too coarse; hosts may replace it"
)]
fn system_milliseconds() -> u64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
