//! Texts about connections, for people.

use connection_contract::{Kind, Liveness, Reason, Timestamp, reason};
use connection_core::ConnectionInfo;
pub(crate) use connection_server::shapes::{
    EXPIRES_SOON, condition, connections_summary, expires_soon, is_restored, is_use_refused, liveness_word,
};

use super::{table::Colour, time};

pub(super) fn colour(liveness: Liveness) -> Colour {
    match liveness {
        Liveness::Live => Colour::Green,
        Liveness::Failing => Colour::Red,
        _ => Colour::Yellow,
    }
}

/// Returns `KIND:LABEL`, the name of a connection in every command.
pub(crate) fn name(info: &ConnectionInfo) -> String {
    format!("{}:{}", info.kind, info.label)
}

/// Quotes a word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/' | '@' | '+' | ',' | '=');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains('\'') && !word.contains(['"', '$', '`', '\\', '!']) {
        format!("\"{word}\"")
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Returns the account and the name: `octocat (KIND:LABEL)`.
pub(crate) fn account(info: &ConnectionInfo) -> String {
    format!("{} ({})", info.identity.label, name(info))
}

/// Returns the end of an id that tables show. Any unique end of an id names it.
pub(crate) fn short_id(id: &str) -> &str {
    id.len().checked_sub(8).and_then(|start| id.get(start..)).unwrap_or(id)
}

/// Returns the position of a connection in a list; those that need attention come first.
pub(crate) fn urgency(info: &ConnectionInfo, now: Timestamp) -> u8 {
    match info.liveness {
        _ if info.kind_changed => 0,
        _ if !info.registered => 2,
        Liveness::Failing => 0,
        Liveness::Offline if info.is_to_choose() => 0,
        Liveness::Offline => 1,
        Liveness::Live if expires_soon(info, now) || is_use_refused(info) || is_restored(info) => 3,
        Liveness::Live => 4,
        _ => 2,
    }
}

/// Returns `true` if the provider asked to wait.
fn is_paused(reason: &Option<Reason>) -> bool {
    reason.as_ref().is_some_and(|reason| reason.code == reason::RATE_LIMITED)
}

/// The codes of reasons that no command of this program resolves.
const MENDED_ELSEWHERE: [&str; 4] = [reason::DENIED, "directory_not_allowed", "row_changed", "row_outdated"];

/// The remedy for a server whose certificate is not trusted.
pub(crate) const TRUST_CERTIFICATE: &str =
    "if an authority of your own issued the certificate, name its file in http.root_certificate";

/// Returns why a connection needs attention, and the command that resolves it, if there is one.
pub(crate) fn reason_line(info: &ConnectionInfo, now: Timestamp) -> (String, Option<String>) {
    let name = quoted(&name(info));
    let (liveness, reason) = condition(info);
    // A refusal by the host is resolved in its configuration, and an edited row by asking who edited it. No command of
    // this program does either; the remedy of the reason says what to do.
    if let Some(refused) = reason.as_ref().filter(|reason| MENDED_ELSEWHERE.contains(&&*reason.code)) {
        let remedy = refused.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        return (format!("{}{remedy}", refused.message), None);
    }
    let is_unverifiable = reason.as_ref().is_some_and(|reason| reason.code == "unverifiable");
    let is_tls = reason.as_ref().is_some_and(|reason| reason.code == reason::TLS);
    let ways =
        reason.as_ref().and_then(|reason| reason.remedy.clone()).filter(|_| info.registered && info.is_to_choose());
    let gone = reason.as_ref().and_then(|reason| reason.remedy.clone()).filter(|_| !info.registered);
    let reason = reason.map(|reason| reason.message.to_string()).unwrap_or_default();
    let reason = match &ways {
        Some(ways) => format!("{reason}; {ways}"),
        None if is_tls => format!("{reason}; {TRUST_CERTIFICATE}"),
        None => reason,
    };
    let noted = |expiry: String| match (reason.is_empty(), expiry.is_empty()) {
        (true, _) => expiry,
        (false, true) => reason.clone(),
        (false, false) => format!("{reason}; {expiry}"),
    };
    let expiry = || expiry(info, now).unwrap_or_default();
    let note = if liveness == Liveness::Live || expires_soon(info, now) { noted(expiry()) } else { reason.clone() };
    let again = || Some(format!("connections reauthorize {name}"));
    match liveness {
        _ if info.kind_changed => (note, Some(accept_command(&info.kind))),
        // The remedy is no command: removing the connection would be the last resort.
        _ if !info.registered => (gone.map_or(note.clone(), |remedy| format!("{note}; {remedy}")), None),
        Liveness::Failing => (note, again()),
        Liveness::Offline if ways.is_some() => (note, again()),
        Liveness::Live if expires_soon(info, now) || is_restored(info) => (note, again()),
        Liveness::Live if !is_use_refused(info) => (note, None),
        // The connection is verified again when the pause is over; asking the provider earlier makes it worse.
        Liveness::Offline if is_paused(&info.reason) => (note, None),
        Liveness::Unknown if is_unverifiable => (note, again().filter(|_| expires_soon(info, now))),
        _ => (note, Some(format!("connections verify {name}"))),
    }
}

/// Returns the command that authorizes the connection with this quoted name again, and asks for these scopes in addition.
pub(crate) fn reauthorize_command(name: &str, scopes: &[String]) -> String {
    let command = format!("connections reauthorize {name}");
    scopes.iter().fold(command, |command, scope| format!("{command} --scope {}", quoted(scope)))
}

/// Returns the command that shows how a kind changed, and accepts it.
pub(crate) fn accept_command(kind: &Kind) -> String {
    format!("connections kinds accept {kind}")
}

/// Returns `token expires in 5 days`, or `authorization expires in 5 days` for a connection that refreshes its token.
pub(crate) fn expiry(info: &ConnectionInfo, now: Timestamp) -> Option<String> {
    let until = info.ends_at()?;
    let what = if info.renews { "authorization" } else { "token" };
    let verb = if until.seconds() < now.seconds() { "expired" } else { "expires" };
    Some(format!("{what} {verb} {}", time::moment(until, now)))
}
