//! A buffer for bytes that come in pieces and may be secret: it wipes what it leaves behind when it grows.

use connection_contract::Secret;

/// The piece did not fit under the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverLimit;

/// Grows up to a limit. Memory stays within twice the limit, whatever is offered.
#[derive(Debug)]
pub(crate) struct SecretBuffer {
    bytes: Vec<u8>,
    limit: usize,
}

impl SecretBuffer {
    const FIRST: usize = 16 * 1024;

    /// An empty buffer; `expected` is a hint that is not believed beyond the limit.
    pub(crate) fn new(limit: usize, expected: Option<u64>) -> Self {
        let expected = expected.map_or(Self::FIRST, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { bytes: Vec::with_capacity(expected.min(limit)), limit }
    }
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), OverLimit> {
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
    /// What was collected.
    pub(crate) fn into_secret(mut self) -> Secret {
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
}
