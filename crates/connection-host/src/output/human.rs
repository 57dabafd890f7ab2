//! Words for people about connections.

use std::time::Duration;

use connection_contract::{Liveness, Reason, Timestamp, reason};
use connection_core::ConnectionInfo;

use super::{table::Colour, time};

/// `live`, `offline`, `failing`, `unknown`.
pub(crate) fn liveness_word(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Live => "live",
        Liveness::Offline => "offline",
        Liveness::Failing => "failing",
        _ => "unknown",
    }
}

pub(super) fn colour(liveness: Liveness) -> Colour {
    match liveness {
        Liveness::Live => Colour::Green,
        Liveness::Failing => Colour::Red,
        _ => Colour::Yellow,
    }
}

/// `KIND:LABEL`, which names it everywhere.
pub(crate) fn name(info: &ConnectionInfo) -> String {
    format!("{}:{}", info.kind, info.label)
}

/// A word, as a shell takes it.
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

/// `octocat (KIND:LABEL)`.
pub(crate) fn account(info: &ConnectionInfo) -> String {
    format!("{} ({})", info.identity.label, name(info))
}

/// The end of an id that tables show; any unique end names it.
pub(crate) fn short_id(id: &str) -> &str {
    id.len().checked_sub(8).and_then(|start| id.get(start..)).unwrap_or(id)
}

/// Whether it works, and why not. What was measured says nothing while no plugin of its kind is here.
pub(crate) fn condition(info: &ConnectionInfo) -> (Liveness, Option<Reason>) {
    if info.registered {
        return (info.liveness, info.reason.clone());
    }
    let gone = Reason::new(reason::UNKNOWN_KIND, "no plugin of this kind is here");
    (Liveness::Unknown, Some(gone.remedy("use a program that has one, or remove the connection")))
}

/// What needs a hand comes first.
pub(crate) fn urgency(info: &ConnectionInfo, now: Timestamp) -> u8 {
    match info.liveness {
        _ if !info.registered => 2,
        Liveness::Failing => 0,
        Liveness::Offline if is_to_choose(info) => 0,
        Liveness::Offline => 1,
        Liveness::Live if expires_soon(info, now) => 3,
        Liveness::Live => 4,
        _ => 2,
    }
}

/// Whether it was tried to renew it for so long that a person has two ways out.
fn is_to_choose(info: &ConnectionInfo) -> bool {
    let is_unclear = |reason: &Reason| reason.code == reason::REFRESH_OUTCOME_UNKNOWN && reason.remedy.is_some();
    info.liveness == Liveness::Offline && info.reason.as_ref().is_some_and(is_unclear)
}

/// Returns `true` if the provider asks to wait.
fn is_paused(reason: &Option<Reason>) -> bool {
    reason.as_ref().is_some_and(|reason| reason.code == reason::RATE_LIMITED)
}

/// What expires within it is told ahead.
pub(crate) const SOON: Duration = Duration::from_secs(7 * 86_400);

pub(crate) fn expires_soon(info: &ConnectionInfo, now: Timestamp) -> bool {
    info.ends_at().is_some_and(|until| until <= now.after(SOON.as_secs()))
}

/// Codes of reasons that no command of ours mends.
const MENDED_ELSEWHERE: [&str; 4] = [reason::DENIED, "directory_not_allowed", "row_changed", "row_outdated"];

/// Why it needs a hand, and the command that mends it; no command when it does not.
pub(crate) fn reason_line(info: &ConnectionInfo, now: Timestamp) -> (String, Option<String>) {
    let name = quoted(&name(info));
    let (liveness, reason) = condition(info);
    // What the host refuses is mended in its configuration, and an edited row begins with the question who edited it: no
    // command of ours does either, and the remedy of the reason tells what to do.
    if let Some(refused) = reason.as_ref().filter(|reason| MENDED_ELSEWHERE.contains(&&*reason.code)) {
        let remedy = refused.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        return (format!("{}{remedy}", refused.message), None);
    }
    let ways =
        reason.as_ref().and_then(|reason| reason.remedy.clone()).filter(|_| info.registered && is_to_choose(info));
    let reason = reason.map(|reason| reason.message.to_string()).unwrap_or_default();
    let reason = match &ways {
        Some(ways) => format!("{reason}; {ways}"),
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
        _ if !info.registered => (note, Some(format!("connections remove {name}"))),
        Liveness::Failing => (note, again()),
        Liveness::Offline if ways.is_some() => (note, again()),
        Liveness::Live if expires_soon(info, now) => (note, again()),
        Liveness::Live => (note, None),
        // It is asked again when its time has come; before that, asking makes it worse.
        Liveness::Offline if is_paused(&info.reason) => (note, None),
        _ => (note, Some(format!("connections verify {name}"))),
    }
}

/// `token expires in 5 days`; of what renews by itself, `authorization expires in 5 days`.
pub(crate) fn expiry(info: &ConnectionInfo, now: Timestamp) -> Option<String> {
    let until = info.ends_at()?;
    let what = if info.renews { "authorization" } else { "token" };
    let verb = if until.seconds() < now.seconds() { "expired" } else { "expires" };
    Some(format!("{what} {verb} {}", time::moment(until, now)))
}
