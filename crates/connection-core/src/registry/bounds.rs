//! What a host bounds: how long something is kept in memory, and how much there is of it.

use std::time::Duration;

use super::RegistryBuilder;

impl RegistryBuilder {
    /// How old a credential may be that is used: for so long it is kept in memory, opened. Half a second unless given, which
    /// is also the most that it can be; zero reads the store at each use. What this process changes is seen at once in any
    /// case.
    pub fn hot_rows(mut self, bound: Duration) -> Self {
        self.hot_rows = bound;
        self
    }
    /// How many setups of one owner may be open at once; 100 unless given. The next one is refused with
    /// [`Error::TooManySetups`](crate::Error::TooManySetups) until one of them ends.
    pub fn open_setups(mut self, most: u32) -> Self {
        self.most_setups = most;
        self
    }
}
