//! What a person can do about a credential that could not be renewed.

use connection_client::Error as ClientError;
use connection_contract::{Liveness, NotLive, Timestamp, reason};
use connection_core::{ConnectionInfo, Error as CoreError};
use connection_server::reauthorization::{after_another_step, authorize_again, with_command};

use super::Remote;
use crate::{
    Error,
    output::{moment, name as name_of, quoted},
};

impl Remote {
    /// Converts the error of a use of a connection, or of a refresh. If its credential could not be renewed, the remedy
    /// names the command that authorizes the connection again.
    pub(super) async fn error_of_use(&self, error: ClientError, id: &str) -> Error {
        let error = Error::from(error);
        let Some(remedy) = error.remedy.clone().filter(|_| error.code == "not_renewed") else { return error };
        match self.client.connection(id).await {
            Ok(shown) => error.remedy(with_command(&remedy, &quoted(&name_of(&shown.listed.connection)))),
            // What to do is said without the name.
            Err(_) => error,
        }
    }
}

/// Converts the error of a use of a connection. If its credential could not be renewed, the remedy says how a person
/// authorizes the connection again, and when the next attempt comes by itself.
pub(crate) fn error_of_use(error: CoreError, info: &ConnectionInfo, now: Timestamp) -> Error {
    let CoreError::NotRenewed { why, .. } = &error else { return error.into() };
    if reason::is_mended_elsewhere(&why.reason.code) {
        return error.into();
    }
    let remedy = match why.recheck_after.filter(|_| !is_unknown(why)) {
        Some(after) => {
            let next = now.after(after.as_secs());
            let again = authorize_again(&name(info));
            format!("the next attempt is at {} ({}); to use it before, {again}", next.to_rfc3339(), moment(next, now))
        }
        None => {
            remedy(why, info, now).unwrap_or_else(|| format!("try again later, or {}", authorize_again(&name(info))))
        }
    };
    Error::from(error).remedy(remedy)
}

/// Converts the error of a refresh that a person asked for, with what still works and what to do.
pub(super) fn error_of_refresh(error: CoreError, info: &ConnectionInfo, now: Timestamp) -> Error {
    let CoreError::NotRenewed { why, .. } = &error else { return error.into() };
    let remedy = remedy(why, info, now);
    let waits = why.recheck_after.filter(|_| is_unknown(why));
    let mut error = Error::from(error);
    if let Some(until) = info.valid_until.filter(|until| *until > now) {
        error.message = format!("{}; the current token expires {}", error.message, moment(until, now));
    }
    if let Some(waits) = waits {
        let until = now.after(waits.as_secs());
        error.message =
            format!("{}; nothing is sent again before {} ({})", error.message, until.to_rfc3339(), moment(until, now));
    }
    match remedy {
        Some(remedy) => error.remedy(remedy),
        None => error,
    }
}

/// Returns what a person can do, with the command for it; `None` if the reason does not say anything, because it passes.
fn remedy(why: &NotLive, info: &ConnectionInfo, now: Timestamp) -> Option<String> {
    let code = &*why.reason.code;
    let own = why.reason.remedy.as_ref().map(ToString::to_string);
    if reason::is_mended_elsewhere(code) {
        return own;
    }
    if why.liveness == Liveness::Failing || code == reason::RESTORED {
        let named = name(info);
        let own = after_another_step(own.as_deref(), &named).unwrap_or_else(|| authorize_again(&named));
        return Some(remedy_of_final(code, own, is_over(info, now), &named));
    }
    own.map(|remedy| with_command(&remedy, &name(info)))
}

/// Returns `true` if nobody knows whether the token was used up, and the token may be sent again. The reason then has the
/// time of the next attempt.
fn is_unknown(why: &NotLive) -> bool {
    why.liveness != Liveness::Failing && &*why.reason.code == reason::REFRESH_OUTCOME_UNKNOWN
}

/// Returns the name of the connection in a command.
fn name(info: &ConnectionInfo) -> String {
    quoted(&format!("{}:{}", info.kind, info.label))
}

/// Returns `true` after the end that was stated, of the authorization or of an access that nothing renews.
fn is_over(info: &ConnectionInfo, now: Timestamp) -> bool {
    !info.renews || info.authorized_until.is_some_and(|until| until <= now)
}

/// Returns the remedy for a connection that fails until a person acts, which begins with `remedy`. `is_over` says
/// that its authorization has ended, so that a refresh has nothing to send. After an answer that was lost, a refresh
/// sends the former token only if it is forced.
fn remedy_of_final(code: &str, remedy: String, is_over: bool, named: &str) -> String {
    match code {
        reason::RESTORED => {
            format!("{remedy}; `connections refresh {named} --force` asks the provider all the same")
        }
        _ if is_over => remedy,
        reason::REFRESH_OUTCOME_UNKNOWN => {
            format!("{remedy}; `connections refresh {named} --force` sends the former token once more")
        }
        _ => format!("{remedy}; `connections refresh {named}` asks the provider once more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_a_refresh_only_if_it_asks_the_provider() {
        let remedy = |code, is_over| remedy_of_final(code, authorize_again("acme:ada"), is_over, "acme:ada");
        let reauthorize = "authorize it again with `connections reauthorize acme:ada`";
        let refused = remedy(reason::NEEDS_REAUTHORIZATION, false);
        assert_eq!(refused, format!("{reauthorize}; `connections refresh acme:ada` asks the provider once more"));
        let lost = remedy(reason::REFRESH_OUTCOME_UNKNOWN, false);
        assert!(
            lost.starts_with(reauthorize) && lost.contains("`connections refresh acme:ada --force` sends"),
            "{lost}"
        );
        for code in [reason::NEEDS_REAUTHORIZATION, reason::REFRESH_OUTCOME_UNKNOWN] {
            assert_eq!(remedy(code, true), reauthorize, "nothing renews an access that has ended");
        }
    }
}
