//! Texts about connections, for people.

use std::fmt::Display;

use connection_api::{Connection, Liveness};
use connection_contract::{CertificateFault, Timestamp, reason};
pub(crate) use connection_server::convert::connections_summary;
use connection_server::{convert, reauthorization::after_another_step};

use super::table::Colour;
use crate::name::accept_command;

pub(super) fn colour(liveness: Liveness) -> Colour {
    match liveness {
        Liveness::Live => Colour::Green,
        Liveness::Failing => Colour::Red,
        _ => Colour::Yellow,
    }
}

/// Returns `KIND:LABEL`, the name of a connection in every command.
pub(crate) fn name(of: &Connection) -> String {
    format!("{}:{}", of.kind, of.label)
}

/// Returns words as people read them: `send, refresh`.
pub(crate) fn joined(words: &[impl Display]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
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
pub(crate) fn account(of: &Connection) -> String {
    format!("{} ({})", of.account.label, name(of))
}

/// Returns the end of an id that tables show. Any unique end of an id names it.
pub(crate) fn short_id(id: &str) -> &str {
    id.len().checked_sub(8).and_then(|start| id.get(start..)).unwrap_or(id)
}

/// Returns the code of the reason why a connection is as it is; empty if there is none.
fn why(of: &Connection) -> &str {
    of.reason.as_ref().map_or("", |reason| &reason.code)
}

/// Returns `true` unless the kind of the connection is gone.
pub(crate) fn is_registered(of: &Connection) -> bool {
    why(of) != reason::UNKNOWN_KIND
}

/// Returns `true` if the kind has changed since the account was connected, so that nothing is sent.
fn is_kind_changed(of: &Connection) -> bool {
    why(of) == reason::KIND_CHANGED
}

/// Returns `true` if the provider refused a request since the connection was verified.
pub(crate) fn is_use_refused(of: &Connection) -> bool {
    why(of) == reason::USE_REFUSED
}

/// Returns `true` if the connection was restored from a backup, or its database failed over, and it is not refreshed until it
/// is authorized again.
pub(crate) fn is_restored(of: &Connection) -> bool {
    why(of) == reason::RESTORED
}

/// Returns `true` if refreshing was tried for so long that a person must choose between waiting and authorizing again.
fn is_to_choose(of: &Connection) -> bool {
    of.liveness == Liveness::Offline
        && of.reason.as_ref().is_some_and(|why| why.code == reason::REFRESH_OUTCOME_UNKNOWN && why.remedy.is_some())
}

/// Returns the position of a connection in a list; those that need attention come first.
pub(crate) fn urgency(of: &Connection) -> u8 {
    match of.liveness {
        Liveness::Failing => 0,
        Liveness::Offline if is_to_choose(of) => 0,
        Liveness::Offline => 1,
        Liveness::Live if of.expiring || is_use_refused(of) || is_restored(of) => 3,
        Liveness::Live => 4,
        _ => 2,
    }
}

/// The codes of reasons that no command of this program resolves.
const MENDED_ELSEWHERE: [&str; 5] =
    [reason::DENIED, "directory_not_allowed", "row_changed", "row_outdated", "row_version"];

/// Returns the remedy for a server with which there is no TLS connection. Kinds and servers know no key of the configuration.
pub(crate) fn tls_remedy(remedy: Option<&str>) -> String {
    let is = |fault: CertificateFault| remedy == Some(fault.remedy().as_str());
    match remedy {
        Some(_) if is(CertificateFault::SelfSigned) => {
            "if the server is your own, name the file of its certificate in http.root_certificate".to_owned()
        }
        Some(remedy) if !is(CertificateFault::UnknownAuthority) => remedy.to_owned(),
        _ => "if an authority of your own issued the certificate, name its file in http.root_certificate".to_owned(),
    }
}

/// Returns `true` if the remedy of this reason, which no command of this program does, belongs to the line.
fn is_mended_elsewhere(code: &str) -> bool {
    // What concerns all connections of an application is told once for them.
    let is_told_here = reason::is_mended_elsewhere(code) && !reason::is_application_refused(code);
    is_told_here || MENDED_ELSEWHERE.contains(&code)
}

/// Returns why a connection needs attention, and the command that resolves it, if there is one.
pub(crate) fn reason_line(of: &Connection, now: Timestamp) -> (String, Option<String>) {
    let name = quoted(&name(of));
    // A refusal by the host is resolved in its configuration, an edited row by asking who edited it, a policy by an
    // administrator, and a clock by setting it. The remedy of the reason says what to do.
    if let Some(refused) = of.reason.as_ref().filter(|reason| is_mended_elsewhere(&reason.code)) {
        let remedy = refused.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        return (format!("{}{remedy}", refused.message), None);
    }
    let is_registered = is_registered(of);
    let remedy = || of.reason.as_ref().and_then(|reason| reason.remedy.clone());
    let ways = remedy().filter(|_| is_registered && is_to_choose(of));
    let gone = remedy().filter(|_| !is_registered);
    let reason = of.reason.as_ref().map(|reason| reason.message.clone()).unwrap_or_default();
    let reason = match &ways {
        Some(ways) => format!("{reason}; {ways}"),
        None if why(of) == reason::TLS => format!("{reason}; {}", tls_remedy(remedy().as_deref())),
        None => reason,
    };
    let noted = |expiry: String| match (reason.is_empty(), expiry.is_empty()) {
        (true, _) => expiry,
        (false, true) => reason.clone(),
        (false, false) => format!("{reason}; {expiry}"),
    };
    let expiry = || expiry(of, now).unwrap_or_default();
    let note = if of.liveness == Liveness::Live || of.expiring { noted(expiry()) } else { reason.clone() };
    let again = || Some(format!("connections reauthorize {name}"));
    match of.liveness {
        _ if is_kind_changed(of) => (note, Some(accept_command(&of.kind))),
        // The remedy is no command: removing the connection would be the last resort.
        _ if !is_registered => (gone.map_or(note.clone(), |remedy| format!("{note}; {remedy}")), None),
        // Its application is mended, not the connection, and the reason says where.
        Liveness::Failing if is_application_refused(of) => (note, None),
        Liveness::Failing => match after_another_step(remedy().as_deref(), &name) {
            Some(remedy) => (format!("{note}; {remedy}"), again()),
            None => (note, again()),
        },
        Liveness::Offline if ways.is_some() => (note, again()),
        Liveness::Live if of.expiring || is_restored(of) => (note, again()),
        Liveness::Live if !is_use_refused(of) => (note, None),
        // The connection is verified again when the pause is over; asking the provider earlier makes it worse.
        Liveness::Offline if why(of) == reason::RATE_LIMITED => (note, None),
        Liveness::Unknown if why(of) == "unverifiable" => (note, again().filter(|_| of.expiring)),
        _ => (note, Some(format!("connections verify {name}"))),
    }
}

/// Returns `true` if the provider does not accept the application with which the connection is authorized.
pub(crate) fn is_application_refused(of: &Connection) -> bool {
    reason::is_application_refused(why(of))
}

/// Returns one sentence for each application that a provider does not accept, with the number of its connections and the
/// remedy.
pub(crate) fn refused_applications<'a>(rows: impl Iterator<Item = &'a Connection>) -> Vec<(String, String)> {
    convert::refused_applications(rows.filter_map(|of| Some((of.kind.as_str(), of.reason.as_ref()?))))
}

/// Returns the command that authorizes the connection with this quoted name again, and asks for these scopes in addition.
pub(crate) fn reauthorize_command(name: &str, scopes: &[String]) -> String {
    let command = format!("connections reauthorize {name}");
    scopes.iter().fold(command, |command, scope| format!("{command} --scope {}", quoted(scope)))
}

/// Returns the time in a member of a shape. A time that cannot be read is absent.
pub(crate) fn time(member: Option<&String>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(member?)
}

/// Returns `token expires in 5 days`, or `authorization expires in 5 days` for a connection that refreshes its token.
pub(crate) fn expiry(of: &Connection, now: Timestamp) -> Option<String> {
    let (what, until) = match of.renews {
        true => ("authorization", time(of.authorized_until.as_ref())?),
        false => ("token", time(of.valid_until.as_ref())?),
    };
    let verb = if until.seconds() < now.seconds() { "expired" } else { "expires" };
    Some(format!("{what} {verb} {}", super::time::moment(until, now)))
}
