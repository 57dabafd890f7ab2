//! The limits that a host sets: how long rows are kept in memory, and how much may run or be open at once.

use std::time::Duration;

use super::RegistryBuilder;

/// Limits of a registry. What is not set keeps its default, or the value of an earlier call of
/// [`RegistryBuilder::limits`].
///
/// # Examples
///
/// ```
/// use connection_core::{ConnectionRegistry, Limits};
///
/// // A server with few outgoing connections, whose users may have ten setups open each.
/// let limits = Limits::new().verify_at_once(8).verify_per_provider(2).open_setups(10);
/// let builder = ConnectionRegistry::builder().store("connections.db").limits(limits);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "limits take effect in the builder of a registry"]
pub struct Limits {
    hot_rows: Option<Duration>,
    open_setups: Option<u32>,
    verify_at_once: Option<usize>,
    verify_per_provider: Option<usize>,
}

impl Limits {
    /// Creates limits of which none is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time for which the row of a connection in use is kept in memory. The default and the maximum is half a
    /// second; zero reads the store each time.
    ///
    /// A credential that is used, and the information of a [`Connection`](crate::Connection) handle that is created,
    /// may be this old. Changes that this process makes are seen at once in any case, and so is what another process takes
    /// back, once its call has returned. With zero, a use that has read its rows before that may still be sent.
    pub fn hot_rows(mut self, bound: Duration) -> Self {
        self.hot_rows = Some(bound);
        self
    }

    /// Sets the maximum number of open setups of one owner. The default is 100. A further setup is refused with
    /// [`Error::TooManySetups`](crate::Error::TooManySetups) until one of them ends.
    pub fn open_setups(mut self, most: u32) -> Self {
        self.open_setups = Some(most);
        self
    }

    /// Sets the number of connections that [`preflight`](crate::ConnectionRegistry::preflight) and the scheduler of
    /// this process verify at once. The default is 64; zero counts as one.
    pub fn verify_at_once(mut self, most: usize) -> Self {
        self.verify_at_once = Some(most);
        self
    }

    /// Sets the number of connections of one provider that are verified at once. The default is 16; zero counts as one.
    pub fn verify_per_provider(mut self, most: usize) -> Self {
        self.verify_per_provider = Some(most);
        self
    }
}

impl RegistryBuilder {
    /// Sets limits. A later call replaces what its value sets, and leaves the rest.
    pub fn limits(mut self, limits: Limits) -> Self {
        let Limits { hot_rows, open_setups, verify_at_once, verify_per_provider } = limits;
        self.hot_rows = hot_rows.unwrap_or(self.hot_rows);
        self.max_setups = open_setups.unwrap_or(self.max_setups);
        self.probes.in_all = verify_at_once.unwrap_or(self.probes.in_all);
        self.probes.of_one = verify_per_provider.unwrap_or(self.probes.of_one);
        self
    }
}
