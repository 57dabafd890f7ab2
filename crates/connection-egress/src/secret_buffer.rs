//! A buffer for bytes that arrive in pieces and may be secret. When it grows, it wipes the memory that it leaves.

use connection_contract::Secret;

/// The error for a piece that does not fit under the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it holds nothing")]
pub struct OverLimit;

/// A buffer that grows up to a limit. Its memory use never exceeds twice the limit.
#[derive(Debug)]
pub struct SecretBuffer {
    bytes: Vec<u8>,
    limit: usize,
}

impl SecretBuffer {
    const FIRST: usize = 16 * 1024;

    /// Creates an empty buffer. `expected` is a hint for its size, up to the limit.
    pub fn new(limit: usize, expected: Option<u64>) -> Self {
        let expected = expected.map_or(Self::FIRST, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { bytes: Vec::with_capacity(expected.min(limit)), limit }
    }

    /// Appends a piece, unless the buffer would exceed its limit.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), OverLimit> {
        let needed = self.bytes.len().saturating_add(piece.len());
        if needed > self.limit {
            return Err(OverLimit);
        }
        if needed > self.bytes.capacity() {
            let capacity = needed.max(self.bytes.capacity().saturating_mul(2)).min(self.limit);
            let mut grown = Vec::with_capacity(capacity);
            grown.extend_from_slice(&self.bytes);
            drop(Secret::new(std::mem::replace(&mut self.bytes, grown)));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// Returns the bytes that were added so far.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes that were added so far, as one secret.
    pub fn into_secret(mut self) -> Secret {
        Secret::new(std::mem::take(&mut self.bytes))
    }
}

impl Drop for SecretBuffer {
    fn drop(&mut self) {
        drop(Secret::new(std::mem::take(&mut self.bytes)));
    }
}

#[cfg(test)]
mod tests {
    use super::{OverLimit, SecretBuffer};

    #[test]
    fn pieces_are_joined_up_to_the_limit_and_memory_stays_within_it() {
        for expected in [None, Some(0), Some(5), Some(u64::MAX)] {
            let mut buffer = SecretBuffer::new(10, expected);
            assert_eq!((buffer.push(b"abc"), buffer.push(b"defg"), buffer.push(b"hij")), (Ok(()), Ok(()), Ok(())));
            assert_eq!(buffer.push(b"k"), Err(OverLimit));
            assert!(buffer.bytes.capacity() <= 10);
            assert_eq!(buffer.into_secret().expose(), b"abcdefghij");
        }
    }

    /// Reads the memory of this process, which Linux shows as a file.
    #[cfg(target_os = "linux")]
    mod memory {
        use std::{fs::File, os::unix::fs::FileExt as _};

        use super::SecretBuffer;

        const LENGTH: usize = 4096;

        /// Returns bytes of which no sixteen in a row are zero or repeat.
        fn secret(seed: u8) -> Vec<u8> {
            (0..LENGTH).map(|at| u8::try_from(at % 251).unwrap().wrapping_mul(7) ^ seed | 1).collect()
        }

        /// Returns `true` if part of the secret is still at that address. Freed memory may have been reused or
        /// unmapped.
        fn remains(address: usize, secret: &[u8]) -> bool {
            let mut there = vec![0; secret.len()];
            let memory = File::open("/proc/self/mem").unwrap();
            let is_there = memory.read_exact_at(&mut there, u64::try_from(address).unwrap()).is_ok();
            is_there && there.chunks(16).zip(secret.chunks(16)).any(|(one, other)| one == other)
        }

        #[test]
        fn what_is_left_behind_when_a_buffer_grows_or_goes_is_wiped() {
            let one = secret(0);
            let two = secret(2);
            let mut buffer = SecretBuffer::new(4 * LENGTH, Some(LENGTH as u64));
            buffer.push(&one).unwrap();
            let former = buffer.bytes.as_ptr().addr();
            assert!(remains(former, &one), "the control: it is seen while it is there");
            buffer.push(&two).unwrap();
            let address = buffer.bytes.as_ptr().addr();
            assert!(address != former && remains(address, &one) && remains(address + LENGTH, &two));
            assert!(!remains(former, &one), "when it grew");
            drop(buffer);
            assert!(!remains(address, &one) && !remains(address + LENGTH, &two), "when it was dropped");
            let mut buffer = SecretBuffer::new(LENGTH, None);
            buffer.push(&one).unwrap();
            let secret = buffer.into_secret();
            let address = secret.expose().as_ptr().addr();
            drop(secret);
            assert!(!remains(address, &one), "as a secret");
        }

        /// The control: freed memory that was not wiped still holds its content, unless it was reused.
        #[test]
        fn an_unwiped_buffer_is_found() {
            let is_found = || {
                let plain = secret(4);
                let address = plain.as_ptr().addr();
                drop(plain);
                remains(address, &secret(4))
            };
            assert!((0..100).any(|_| is_found()));
        }
    }
}
