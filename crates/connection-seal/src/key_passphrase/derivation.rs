//! Derives a key from a passphrase with Argon2id (RFC 9106). The salt and the cost are stored in this format:
//!
//! ```text
//! "CNXP" 4 | version 1 | memory in KiB 4 | passes 4 | lanes 4 | salt 16
//! ```

use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{SecretBox, zeroize::Zeroize as _};

use crate::{key_id::KEY_LEN, slot::PASSPHRASE};

const VERSION: u8 = 1;
const SALT_LEN: usize = 16;
pub(super) const HEADER_LEN: usize = 4 + 1 + 4 + 4 + 4 + SALT_LEN;

/// The cost of a new derivation: the second recommended option of RFC 9106, section 4.
const COST: [u32; 3] = [64 * 1024, 3, 4];
/// The bounds for a stored cost. An edited row must neither weaken the derivation nor exhaust the machine.
const MEMORY: RangeInclusive<u32> = 64 * 1024..=256 * 1024;
const PASSES: RangeInclusive<u32> = 3..=16;
const LANES: RangeInclusive<u32> = 1..=16;

/// The salt and the cost of one derivation.
pub(super) struct Derivation {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT_LEN],
}

impl Derivation {
    /// Creates a derivation with a random salt; `None` if the system provides no random numbers.
    pub(super) fn fresh() -> Option<Self> {
        let mut salt = [0; SALT_LEN];
        aws_lc_rs::rand::fill(&mut salt).ok()?;
        let [memory, passes, lanes] = COST;
        Some(Self { memory, passes, lanes, salt })
    }

    pub(super) fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let memory = self.memory.to_be_bytes();
        let passes = self.passes.to_be_bytes();
        let lanes = self.lanes.to_be_bytes();
        let parts = [&PASSPHRASE[..], &[VERSION], &memory, &passes, &lanes, &self.salt];
        for (to, from) in bytes.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) wrote. The error says what is wrong with them.
    pub(super) fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Self, &'static str> {
        let read = || {
            let (version, rest) = bytes.strip_prefix(PASSPHRASE)?.split_first()?;
            let (memory, rest) = rest.split_first_chunk()?;
            let (passes, rest) = rest.split_first_chunk()?;
            let (lanes, rest) = rest.split_first_chunk()?;
            let [memory, passes, lanes] = [memory, passes, lanes].map(|number| u32::from_be_bytes(*number));
            Some((*version, Self { memory, passes, lanes, salt: rest.try_into().ok()? }))
        };
        let (version, derivation) = read().ok_or("it is truncated")?;
        if version != VERSION {
            return Err("its version is unknown to this program");
        }
        let in_bounds = MEMORY.contains(&derivation.memory)
            && PASSES.contains(&derivation.passes)
            && LANES.contains(&derivation.lanes);
        if in_bounds { Ok(derivation) } else { Err("the cost of the derivation is out of bounds") }
    }

    /// Derives the key, which takes the time and memory that the cost demands.
    pub(super) fn key(&self, passphrase: &[u8]) -> Result<SecretBox<[u8; KEY_LEN]>, argon2::Error> {
        let params = Params::new(self.memory, self.passes, self.lanes, Some(KEY_LEN))?;
        let mut blocks = Vec::new();
        blocks.try_reserve_exact(params.block_count()).map_err(|_| argon2::Error::OutOfMemory)?;
        blocks.resize(params.block_count(), Block::new());
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut derived = Ok(());
        let key = SecretBox::init_with_mut(|key: &mut [u8; KEY_LEN]| {
            derived = argon2.hash_password_into_with_memory(passphrase, &self.salt, key, &mut *blocks);
        });
        blocks.iter_mut().for_each(Block::zeroize);
        derived.map(|()| key)
    }
}
