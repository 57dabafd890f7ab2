//! The number of requests that a token may send.
//!
//! Each process counts by itself, so a token that uses several processes may send as many requests to each of them.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use connection_contract::Timestamp;
use connection_core::AccessTokenId;

/// The maximum number of tokens that are remembered. A token that has sent nothing for a minute needs no memory.
const MAX_TOKENS: usize = 10_000;

/// The requests of a token that are left.
#[derive(Clone, Copy, Debug)]
struct Left {
    /// The number of requests, in sixtieths, so that it grows by whole numbers each second.
    sixtieths: u64,
    at: Timestamp,
}

/// The rates of all tokens.
///
/// A token that has been quiet for a minute may send the requests of a minute at once.
#[derive(Debug)]
pub(crate) struct Rates {
    per_minute: u32,
    left: Mutex<HashMap<AccessTokenId, Left>>,
}

impl Rates {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, left: Mutex::default() }
    }

    /// Counts a request of a token.
    ///
    /// # Errors
    ///
    /// The number of seconds after which the token may send the next request.
    pub(crate) fn count(&self, token: AccessTokenId, now: Timestamp) -> Result<(), u64> {
        const REQUEST: u64 = 60;
        let full = u64::from(self.per_minute) * REQUEST;
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_TOKENS && !all.contains_key(&token) {
            // These would be full again.
            all.retain(|_, left| now.seconds() - left.at.seconds() < 60);
        }
        let left = all.entry(token).or_insert(Left { sixtieths: full, at: now });
        let passed = u64::try_from(now.seconds() - left.at.seconds()).unwrap_or_default();
        let grown = left.sixtieths.saturating_add(passed.saturating_mul(u64::from(self.per_minute)));
        *left = Left { sixtieths: grown.min(full), at: now.max(left.at) };
        match left.sixtieths.checked_sub(REQUEST) {
            Some(rest) => {
                left.sixtieths = rest;
                Ok(())
            }
            None => {
                let missing = REQUEST - left.sixtieths;
                Err(missing.div_ceil(u64::from(self.per_minute).max(1)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> AccessTokenId {
        format!("00000000-0000-0000-0000-0000000000{number:02x}").parse().unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + second)
    }

    #[test]
    fn a_minute_of_requests_may_come_at_once_and_then_they_come_at_the_rate() {
        let rates = Rates::new(120);
        assert!((0..120).all(|_| rates.count(id(1), at(0)).is_ok()));
        assert_eq!(rates.count(id(1), at(0)), Err(1));
        assert!(rates.count(id(2), at(0)).is_ok(), "each token has a rate of its own");
        assert_eq!((rates.count(id(1), at(1)), rates.count(id(1), at(1))), (Ok(()), Ok(())));
        assert_eq!(rates.count(id(1), at(1)), Err(1));
        assert!((0..120).all(|_| rates.count(id(1), at(61)).is_ok()));
        assert_eq!(rates.count(id(1), at(61)), Err(1));
    }

    #[test]
    fn a_slow_rate_says_how_long_to_wait() {
        let rates = Rates::new(4);
        assert!((0..4).all(|_| rates.count(id(1), at(0)).is_ok()));
        assert_eq!(rates.count(id(1), at(0)), Err(15));
        assert_eq!(rates.count(id(1), at(14)), Err(1));
        assert_eq!(rates.count(id(1), at(15)), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_requests() {
        let rates = Rates::new(1);
        assert_eq!(rates.count(id(1), at(60)), Ok(()));
        assert_eq!(rates.count(id(1), at(0)), Err(60));
        assert_eq!(rates.count(id(1), at(120)), Ok(()));
    }
}
