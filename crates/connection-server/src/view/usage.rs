//! The usage of an account.

use connection_agent::UsageMonitor;
use connection_api as api;
use connection_contract::SessionTokens;
use connection_core::{ConnectionInfo, Error};

use crate::convert;

/// The place from which the numbers of an account are read.
///
/// ```
/// use connection_contract::SessionTokens;
/// use connection_server::view::UsageSource;
///
/// let reported = UsageSource::Session(SessionTokens::new(1_200, Some(200_000)));
/// assert!(!matches!(reported, UsageSource::Fetch | UsageSource::Known));
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "the routes of the API have no other sources")]
pub enum UsageSource {
    /// A request to the provider.
    Fetch,
    /// What is known, without a request.
    Known,
    /// The report of a session, together with what is known.
    Session(SessionTokens),
}

/// Returns the usage of a connection. A provider that does not answer is part of the shape, and no error.
///
/// # Errors
///
/// [`Error::Closed`], the store's, and those of a kind or a request for which no usage exists.
pub async fn usage(monitor: &UsageMonitor, info: &ConnectionInfo, source: UsageSource) -> Result<api::Usage, Error> {
    let usage = monitor.usage(&info.kind).connection(info.id);
    let found = async {
        let status = usage.status(None).await?;
        let reading = match source {
            UsageSource::Fetch => Some(usage.fetch(None).await?),
            UsageSource::Known => usage.snapshot(None).await?,
            UsageSource::Session(session) => Some(usage.report_session(None, session).await?),
        };
        Ok((status, reading))
    };
    let shape = |found| convert::usage(&info.kind, info.profile, Some(info.id), found);
    match found.await {
        Ok((status, reading)) => Ok(shape(Ok((&status, reading.as_ref())))),
        Err(error @ (Error::Closed | Error::Store(_) | Error::NotSupported { .. } | Error::InvalidRequest(_))) => {
            Err(error)
        }
        Err(error) => Ok(shape(Err(convert::error(&error)))),
    }
}
