//! Converts what a running session of a tool reports about itself to metrics.

use connection_contract::{BoxFuture, ConnectionError, Kind, SessionTokens, UsageMetric};
use connection_replay::usage::{MAX_RAW_LENGTH, check_metrics};

use super::Kinds;
use crate::{Error, connection::answered, contain, limits};

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
        Box::pin(async move {
            if session.document.as_ref().is_some_and(|document| !limits::is_json(document, MAX_RAW_LENGTH)) {
                return Err(Error::InvalidRequest("the document of a session may have at most 64 KiB and 32 levels"));
            }
            let shared = &self.registry.shared;
            let entry = shared.kinds.entry(kind).ok_or_else(|| Error::UnknownKind(kind.clone()))?;
            let definition = entry.definition.clone();
            let task = async move { contain::call(|| definition.session_metrics(&session)) };
            let metrics = answered(shared, kind, task).await?;
            match check_metrics(&metrics) {
                Ok(()) => Ok(metrics),
                Err(problem) => Err(Error::Plugin { kind: kind.clone(), source: ConnectionError::Bug(problem.into()) }),
            }
        })
    }
}
