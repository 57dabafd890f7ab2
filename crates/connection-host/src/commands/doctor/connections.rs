//! The connections that do not work, or of which a request was refused since they were verified, each with its reason and
//! its remedy.

use connection_api::{Check, Connection, Liveness};
use connection_contract::Timestamp;

use super::{failed, passed};
use crate::output::{
    connections_summary, is_application_refused, is_registered, is_restored, is_use_refused, name, reason_line,
    refused_applications, urgency,
};

/// The maximum number of connections that are named.
const MAX_NAMED: usize = 100;

/// Checks the last measured liveness of the connections, without asking a provider.
///
/// Returns one check for all connections, and one for each that does not work, of which a request was refused
/// since, or that is not refreshed since a restore.
/// Without connections there is no check.
pub(super) fn checks(rows: &[Connection], now: Timestamp) -> Vec<Check> {
    if rows.is_empty() {
        return Vec::new();
    }
    let (mut named, others): (Vec<_>, Vec<_>) = rows.iter().partition(|of| is_down(of));
    let down = named.len();
    // An application is named once, and not with each of its connections.
    let applications = refused_applications(rows.iter());
    named.retain(|of| !is_application_refused(of));
    let (refused, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|of| is_use_refused(of));
    let restored: Vec<_> = others.into_iter().filter(|of| is_restored(of)).collect();
    let unverified = rows.iter().filter(|of| of.liveness == Liveness::Unknown).count();
    let summary = connections_summary(rows.len(), unverified, down, refused.len(), restored.len());
    named.extend(refused.into_iter().chain(restored));
    named.sort_by_cached_key(|of| (urgency(of), name(of)));
    let all = "connections";
    // An application may be refused while all of its connections still work.
    let mut checks = vec![match down == 0 && named.is_empty() {
        true => passed(all, summary),
        false => failed(all, summary, "`connections list` shows all of them, those that need attention first"),
    }];
    checks.extend(applications.into_iter().map(|(what, remedy)| Check::failed("application", what, Some(remedy))));
    checks.extend(named.iter().take(MAX_NAMED).map(|of| check(of, now)));
    checks
}

fn is_down(of: &Connection) -> bool {
    !is_registered(of) || matches!(of.liveness, Liveness::Failing | Liveness::Offline)
}

fn check(of: &Connection, now: Timestamp) -> Check {
    let (reason, remedy) = reason_line(of, now);
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    Check::failed("connection", format!("{} is {}{reason}", name(of), of.liveness), remedy)
}
