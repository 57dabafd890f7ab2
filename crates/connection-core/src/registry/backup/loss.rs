//! Why a database may lack its newest records, and what a credential then says.

use connection_contract::{Reason, reason};

use crate::store::rows::RestoredUse;

/// Why a database may lack the newest records of the tokens in it.
#[derive(Clone, Copy, Debug)]
pub(super) enum LossCause {
    /// It was restored from a backup.
    Backup,
    /// Its server was lost, and another one took over that may lack the last commits.
    Failover {
        /// The number of the new server's timeline, if the server tells it.
        timeline: Option<i64>,
    },
}

impl LossCause {
    /// Returns the name in events.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Failover { .. } => "failover",
        }
    }
}

/// Returns the reason of a credential whose refresh token may be used up, because the database may lack the newest records.
pub(super) fn restored(restored: RestoredUse, cause: LossCause) -> Reason {
    if let LossCause::Failover { timeline } = cause {
        let timeline = timeline.map(|timeline| format!(" to timeline {timeline}")).unwrap_or_default();
        let message = format!(
            "the server of the database failed over{timeline}, and nothing shows whether a commit that used its refresh \
             token was lost, so it is not refreshed"
        );
        let forced = "or force a refresh if no commit was lost; otherwise, that may end the authorization";
        return Reason::new(reason::RESTORED, message).remedy(format!("{}, {forced}", reason::AUTHORIZE_AGAIN));
    }
    let (what, forced) = match restored {
        RestoredUse::Used => (
            "its refresh token was used after that backup was made",
            "; sending the old token by force may end the authorization",
        ),
        RestoredUse::Unknown => (
            "nothing shows whether its refresh token was used after that backup was made",
            ", or force a refresh if nothing has used the token since; otherwise, that may end the authorization",
        ),
    };
    let remedy = format!("{}{forced}", reason::AUTHORIZE_AGAIN);
    let message = format!("the database was restored from a backup, and {what}, so it is not refreshed");
    Reason::new(reason::RESTORED, message).remedy(remedy)
}
