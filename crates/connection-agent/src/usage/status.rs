//! The status of an account: is it connected, and as whom, according to the connection's row.

use connection_contract::{BoxFuture, ConnectionError, Identity, Liveness, Reason, Text, reason};
use connection_core::{ConnectionId, Error, ProfileId};

use super::Usage;

/// The remedy for a fault of a plugin.
const REPORT: &str = "report this to the plugin's author";

/// The status of an account.
///
/// # Examples
///
/// ```
/// use connection_agent::UsageStatus;
///
/// fn line(status: &UsageStatus) -> String {
///     match (&status.identity, &status.error) {
///         (Some(identity), None) => format!("connected as {}", identity.label),
///         (Some(identity), Some(error)) => format!("{}: {}", identity.label, error.message),
///         (None, _) => "not connected".to_owned(),
///     }
/// }
///
/// assert_eq!(line(&UsageStatus::default()), "not connected");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UsageStatus {
    /// `true` if there is a connection, unless it is known that only a person can repair it.
    pub connected: bool,
    /// The id of the connection; `None` if no account is connected.
    pub connection: Option<ConnectionId>,
    /// The profile of the connection; `None` for a kind without profiles.
    pub profile: Option<ProfileId>,
    /// The account that the connection reaches, if it is known.
    pub identity: Option<Identity>,
    /// The payment mode of the account: `subscription`, `api_key`, or another word.
    pub auth_mode: Option<Text>,
    /// The reason why the connection does not work, as last measured.
    pub error: Option<Reason>,
}

impl Usage {
    /// Returns the status of an account. Sends no request; a connection that does not work is data.
    ///
    /// # Errors
    ///
    /// The errors of [`fetch`](Self::fetch), except that a missing connection is not an error.
    pub fn status(&self, profile: Option<ProfileId>) -> BoxFuture<'_, Result<UsageStatus, Error>> {
        Box::pin(async move {
            let target = self.target(profile).await?;
            let empty = UsageStatus { profile: target.profile, ..UsageStatus::default() };
            let Some(connection) = self.connected(&target).await? else { return Ok(empty) };
            let info = connection.info();
            let mut status = UsageStatus {
                connected: info.liveness != Liveness::Failing,
                connection: Some(info.id),
                identity: Some(info.identity.clone()),
                error: info.reason.clone().filter(|_| info.liveness != Liveness::Live),
                ..empty
            };
            match connection.payment_mode().await {
                Ok(mode) => status.auth_mode = mode,
                Err(Error::Sealed { .. } | Error::Credential { .. }) => {
                    let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read");
                    status.connected = false;
                    status.error = Some(unreadable.remedy(reason::AUTHORIZE_AGAIN));
                }
                Err(Error::Plugin { kind, source }) => {
                    let ConnectionError::Bug(problem) = *source else { return Err(Error::Plugin { kind, source }) };
                    status.error = Some(Reason::new(reason::PLUGIN_FAULT, problem).remedy(REPORT));
                }
                Err(Error::PluginFault { .. }) => {
                    let problem = "the plugin could not report how the account is paid for";
                    status.error = Some(Reason::new(reason::PLUGIN_FAULT, problem));
                }
                Err(error) => return Err(error),
            }
            Ok(status)
        })
    }
}
