//! The connections that do not work, or of which a request was refused since they were verified, each with its reason and
//! its remedy.

use connection_contract::{Liveness, Timestamp};
use connection_core::ConnectionInfo;

use super::{failed, passed};
use crate::output::{
    condition, connections_summary, is_restored, is_use_refused, json::CheckBody, liveness_word, name, reason_line,
    urgency,
};

/// The maximum number of connections that are named.
const MAX_NAMED: usize = 100;

/// Checks the last measured liveness of the connections, without asking a provider.
///
/// Returns one check for all connections, and one for each that does not work, of which a request was refused
/// since, or that is not refreshed since a restore.
/// Without connections there is no check.
pub(super) fn checks(rows: &[ConnectionInfo], now: Timestamp) -> Vec<CheckBody> {
    if rows.is_empty() {
        return Vec::new();
    }
    let (mut named, others): (Vec<_>, Vec<_>) = rows.iter().partition(|info| is_down(info));
    let down = named.len();
    let (refused, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|info| is_use_refused(info));
    let restored: Vec<_> = others.into_iter().filter(|info| is_restored(info)).collect();
    let summary = connections_summary(rows, down, refused.len(), restored.len());
    named.extend(refused.into_iter().chain(restored));
    named.sort_by_cached_key(|info| (urgency(info, now), name(info)));
    let all = "connections";
    if named.is_empty() {
        return vec![passed(all, summary)];
    }
    let mut checks =
        vec![failed(all, summary, "`connections list` shows all of them, those that need attention first")];
    checks.extend(named.iter().take(MAX_NAMED).map(|info| of(info, now)));
    checks
}

fn is_down(info: &ConnectionInfo) -> bool {
    !info.registered || info.kind_changed || matches!(info.liveness, Liveness::Failing | Liveness::Offline)
}

fn of(info: &ConnectionInfo, now: Timestamp) -> CheckBody {
    let (reason, remedy) = reason_line(info, now);
    let reason = if reason.is_empty() { reason } else { format!(": {reason}") };
    let message = format!("{} is {}{reason}", name(info), liveness_word(condition(info).0));
    CheckBody::failed("connection", message, remedy)
}
