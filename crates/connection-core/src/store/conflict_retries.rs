//! Work that begins again because the row that it read was changed by another caller.

use super::StoreError;

/// The maximum number of attempts. An attempt fails only if another caller was faster, so as many callers as this may
/// change one row at the same time.
const MAX_ATTEMPTS: u32 = 16;

/// The attempts of work that reads a row and then changes it, unless the row was changed in between.
///
/// The work is a loop whose body calls [`begin_attempt`](Self::begin_attempt), and which ends with its result.
#[derive(Debug)]
pub(crate) struct ConflictRetries {
    what: &'static str,
    begun: u32,
}

impl ConflictRetries {
    /// Prepares the attempts. `what` names the row in the error.
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, begun: 0 }
    }

    /// Begins the first attempt or the next one.
    ///
    /// # Errors
    ///
    /// [`StoreError::ChangedMeanwhile`] if the row was changed during all attempts.
    pub(crate) fn begin_attempt(&mut self) -> Result<(), StoreError> {
        if self.begun == MAX_ATTEMPTS {
            return Err(StoreError::ChangedMeanwhile { what: self.what });
        }
        self.begun += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_last_attempt_the_row_is_named() {
        let mut retries = ConflictRetries::of("header of a setup session");
        for _ in 0..MAX_ATTEMPTS {
            assert_eq!(retries.begin_attempt(), Ok(()));
        }
        let conflict = Err(StoreError::ChangedMeanwhile { what: "header of a setup session" });
        assert_eq!(retries.begin_attempt(), conflict);
        assert_eq!(retries.begin_attempt(), conflict);
    }
}
