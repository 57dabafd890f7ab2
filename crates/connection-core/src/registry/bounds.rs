//! The bounds that a host sets: how long rows are kept in memory, and how much may run or be open at once.

use std::time::Duration;

use super::RegistryBuilder;

impl RegistryBuilder {
    /// Sets the time for which the row of a connection in use is kept in memory. The default and the maximum is half a
    /// second; zero reads the store each time.
    ///
    /// A credential that is used, and the information of a [`Connection`](crate::Connection) handle that is created,
    /// may be this old. Changes that this process makes are seen at once in any case.
    pub fn hot_rows(mut self, bound: Duration) -> Self {
        self.hot_rows = bound;
        self
    }

    /// Sets the maximum number of open setups of one owner. The default is 100. A further setup is refused with
    /// [`Error::TooManySetups`](crate::Error::TooManySetups) until one of them ends.
    pub fn open_setups(mut self, most: u32) -> Self {
        self.most_setups = most;
        self
    }

    /// Sets the number of connections that [`preflight`](crate::ConnectionRegistry::preflight) and the scheduler of
    /// this process verify at once. The default is 64; zero counts as one.
    pub fn verify_at_once(mut self, most: usize) -> Self {
        self.probes.in_all = most;
        self
    }

    /// Sets the number of connections of one provider that are verified at once. The default is 16; zero counts as one.
    pub fn verify_per_provider(mut self, most: usize) -> Self {
        self.probes.of_one = most;
        self
    }
}
