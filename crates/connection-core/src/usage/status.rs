//! The status of an account: is it connected, and as whom, according to the connection's row.

use connection_contract::{BoxFuture, Identity, Liveness, Reason, Text, reason};

use super::{
    Usage,
    fetch::{MAX_WORD_LENGTH, answered},
};
use crate::{ConnectionId, Error, ProfileId, contain, limits};

/// The status of an account.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UsageStatus {
    /// `true` if there is a connection, unless it is known that only a person can repair it.
    pub connected: bool,
    /// The id of the connection.
    pub connection: Option<ConnectionId>,
    /// The profile of the connection; `None` for a kind without profiles.
    pub profile: Option<ProfileId>,
    /// The account.
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
            let info = &connection.info;
            let mut status = UsageStatus {
                connected: info.liveness != Liveness::Failing,
                connection: Some(info.id),
                identity: Some(info.identity.clone()),
                error: info.reason.clone().filter(|_| info.liveness != Liveness::Live),
                ..empty
            };
            let unreadable = || {
                let unreadable = Reason::new(reason::CREDENTIAL_UNREADABLE, "the stored credential cannot be read");
                Some(unreadable.remedy("authorize this connection again"))
            };
            let row = match connection.open().await {
                Ok((_, row)) => row,
                Err(Error::Sealed { .. }) => {
                    (status.connected, status.error) = (false, unreadable());
                    return Ok(status);
                }
                Err(error) => return Err(error),
            };
            let definition = target.entry.definition.clone();
            let task = async move { contain::call(|| definition.usage_auth_mode(&row.payload.credential)) };
            match answered(&self.registry.shared, &self.kind, task).await {
                Ok(Ok(mode)) if mode.as_ref().is_none_or(|mode| mode.len() <= MAX_WORD_LENGTH) => {
                    status.auth_mode = mode
                }
                Ok(Ok(_)) => {
                    let problem = "the plugin describes how the account is paid for in more than 128 bytes";
                    status.error = Some(Reason::new(reason::PLUGIN_FAULT, problem).remedy(limits::REPORT));
                }
                Ok(Err(_)) => (status.connected, status.error) = (false, unreadable()),
                Err(Error::PluginFault { .. }) => {
                    status.error = Some(Reason::new(
                        reason::PLUGIN_FAULT,
                        "the plugin could not report how the account is paid for",
                    ));
                }
                Err(error) => return Err(error),
            }
            Ok(status)
        })
    }
}
