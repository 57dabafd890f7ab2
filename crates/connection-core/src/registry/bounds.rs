//! What a host bounds: how long something is kept in memory, and how much there is of it.

use std::time::Duration;

use super::RegistryBuilder;

impl RegistryBuilder {
    /// How old a credential that is used may be, and what is known of a connection whose handle is made: for so long a
    /// connection in use is kept in memory. Half a second unless given, which is also the most that it can be; zero reads the
    /// store each time. What this process changes is seen at once in any case.
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
    /// The number of connections that [`preflight`](crate::ConnectionRegistry::preflight) and the scheduler of this process
    /// verify at once, 64 unless given. Zero counts as one.
    pub fn verify_at_once(mut self, most: usize) -> Self {
        self.probes.in_all = most;
        self
    }
    /// The number of connections of one provider that are verified at once, 16 unless given. Zero counts as one.
    pub fn verify_per_provider(mut self, most: usize) -> Self {
        self.probes.of_one = most;
        self
    }
}
