//! Limits of this host, and the checks of what a plugin says, which come from [`connection_replay::limits`].
//!
//! A credential that a provider has rotated is kept whatever else is wrong, because the one before it may be dead.

use connection_contract::{ConnectionError, DisplayText, Refreshed, Secret};
use connection_replay::limits;

pub(crate) use connection_replay::limits::{
    Bounds, REPORT, account_id, bounded, failure, is_json, not_live, reach, setup_result,
};

use crate::definition::Probed;

/// Time, in seconds, for which a replaced credential is kept for a rollback.
pub(crate) const PREVIOUS_KEPT: i64 = 7 * 24 * 60 * 60;

/// Time, in seconds, for which a request under a key is remembered.
pub(crate) const REQUEST_KEPT: i64 = 24 * 60 * 60;

/// Time, in seconds, for which the answer of a provider to an approved request waits for the agent.
pub(crate) const APPROVAL_ANSWER_KEPT: i64 = 24 * 60 * 60;

/// Time, in seconds, for which an approval is kept after its last change.
pub(crate) const APPROVAL_KEPT: i64 = 30 * 24 * 60 * 60;

/// Time, in seconds, for which the ticket of a settings hand-off can be used.
pub(crate) const TICKET_KEPT: i64 = 30 * 24 * 60 * 60;

/// Time, in seconds, for which the numbers of the history of usage are kept.
pub(crate) const USAGE_KEPT: i64 = 90 * 24 * 60 * 60;

/// Maximum number of open setups of one owner, unless the host sets another.
///
/// A person has a few. A program that keeps beginning setups must not fill the store.
pub(crate) const MAX_SETUPS: u32 = 100;

/// Returns what a verification found, or a fault of the plugin if that exceeds a limit.
pub(crate) fn probed(probed: Result<Probed, ConnectionError>) -> Result<Probed, ConnectionError> {
    match probed {
        Ok(Probed { found, secret_names, secrets, asked }) => {
            let is_rotated = found.credential.is_some();
            let found = bounded(found);
            // The names are those of the fresh credential, which may have been refused.
            let secret_names = secret_names.filter(|_| found.credential.is_some() == is_rotated);
            Ok(Probed { found, secret_names, secrets, asked })
        }
        Err(ConnectionError::NotLive(not_live)) => {
            let probed = Probed::from(not_live);
            Ok(Probed { found: bounded(probed.found), ..probed })
        }
        Err(ConnectionError::Bug(text)) => {
            Err(ConnectionError::Bug(DisplayText::from(text).as_str().to_owned().into()))
        }
        Err(error) => Err(error),
    }
}

/// Returns what a refresh made, without its scopes where those exceed a limit, which is logged.
pub(crate) fn refreshed(refreshed: Refreshed<Secret>) -> Result<Refreshed<Secret>, &'static str> {
    let (refreshed, left_out) = limits::refreshed(refreshed)?;
    if let Some(problem) = left_out {
        tracing::warn!(problem, "the scopes in the result of a refresh are ignored");
    }
    Ok(refreshed)
}
