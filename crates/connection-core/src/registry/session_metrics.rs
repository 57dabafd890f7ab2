//! Converts what a running session of a tool reports about itself to metrics.

use connection_contract::{BoxFuture, Kind, SessionTokens, UsageMetric};

use super::Kinds;
use crate::{Error, connection::session_metrics};

impl<'a> Kinds<'a> {
    /// Converts what a running session of the kind's tool reports about itself to metrics. The result depends on no
    /// account, and may be empty.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownKind`], [`Error::InvalidRequest`] for a document of more than 64 KiB or 32 levels,
    /// [`Error::PluginFault`] if the plugin panics, and [`Error::Plugin`] if it returns too much or numbers that
    /// are not finite.
    pub fn session_metrics(
        self,
        kind: &'a Kind,
        session: SessionTokens,
    ) -> BoxFuture<'a, Result<Vec<UsageMetric>, Error>> {
        Box::pin(session_metrics(&self.registry.systems.ground, kind, session))
    }
}
