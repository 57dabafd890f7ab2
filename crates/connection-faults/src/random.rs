//! A generator of numbers that are the same in each run with the same seed (SplitMix64).

/// A generator of random numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Creates a generator from a seed.
    ///
    /// The state is a mixture of the seed, not a multiple of it: states that differ by a multiple of the increment give
    /// the same numbers, a few places apart, and processes with neighbouring seeds would then do the same things.
    pub fn new(seed: u64) -> Self {
        Self(mixed(seed.wrapping_add(INCREMENT)))
    }

    /// Returns the next number, which is below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        mixed(self.0) % end.max(1)
    }
}

const INCREMENT: u64 = 0x9e37_79b9_7f4a_7c15;

fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
