//! The condition of a connection, as a person reads it.

use std::collections::BTreeMap;

use connection_api as api;
use connection_contract::{Liveness, Reason, reason};
use connection_core::ConnectionInfo;

/// Converts a liveness.
pub fn liveness(liveness: Liveness) -> api::Liveness {
    match liveness {
        Liveness::Live => api::Liveness::Live,
        Liveness::Offline => api::Liveness::Offline,
        Liveness::Failing => api::Liveness::Failing,
        _ => api::Liveness::Unknown,
    }
}

/// Returns the current liveness and its reason.
pub fn condition(info: &ConnectionInfo) -> (Liveness, Option<Reason>) {
    if info.registered {
        return (info.current_liveness(), info.reason.clone());
    }
    let (why, remedy) = match info.kind.extension() {
        None => (
            "its file in the directory of kinds is gone or has a problem, or this program was built without it"
                .to_owned(),
            "put the file back, use a program that has the kind, or remove the connection",
        ),
        Some(extension) => (
            format!("the extension '{extension}' was removed, or its declaration can no longer be used"),
            "add the extension again, or remove the connection",
        ),
    };
    let gone = Reason::new(reason::UNKNOWN_KIND, format!("no kind '{}' is registered: {why}", info.kind));
    (info.current_liveness(), Some(gone.remedy(remedy)))
}

/// Returns `true` if the provider refused a request with the connection's credential, and the connection was not verified
/// since.
pub fn is_use_refused(info: &ConnectionInfo) -> bool {
    info.reason.as_ref().is_some_and(|why| why.code == reason::USE_REFUSED)
}

/// Returns how many of these connections do not work, how many were never verified, of how many a request was refused
/// since their last verification, and how many are not refreshed since a restore or a failover.
pub fn connections_summary(all: usize, unverified: usize, down: usize, refused: usize, restored: usize) -> String {
    let down = match (down, unverified) {
        (0, 0) => format!("none of {all} failed when it was last verified"),
        (0, unverified) if unverified == all => format!("none of {all} was ever verified"),
        (0, unverified) => format!("none of {all} failed when it was last verified; {unverified} were never verified"),
        (down, 0) => format!("{down} of {all} do not work"),
        (down, unverified) => format!("{down} of {all} do not work; {unverified} were never verified"),
    };
    let refused = match refused {
        0 => down,
        1 => format!("{down}, but the provider of 1 refused a request since"),
        refused => format!("{down}, but the providers of {refused} refused a request since"),
    };
    match restored {
        0 => refused,
        1 => format!("{refused}; 1 is not refreshed since a restore or a failover"),
        restored => format!("{refused}; {restored} are not refreshed since a restore or a failover"),
    }
}

/// Returns one sentence for each application that a provider does not accept, with the number of its connections and the
/// remedy. `reasons` are those of connections, each with the kind.
pub fn refused_applications<'a>(reasons: impl Iterator<Item = (&'a str, &'a api::Reason)>) -> Vec<(String, String)> {
    let mut of_kinds = BTreeMap::<_, (usize, &api::Reason)>::new();
    for (kind, why) in reasons.filter(|(_, why)| reason::is_application_refused(&why.code)) {
        of_kinds.entry((kind, why.code.as_str())).or_insert((0, why)).0 += 1;
    }
    let mut sentences = Vec::new();
    for ((kind, _), (count, why)) in of_kinds {
        let those = if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") };
        let remedy = why.remedy.clone().unwrap_or_else(|| "replace the application's secret".to_owned());
        let what = format!("The application of the kind '{kind}' is refused, which concerns {those}: {}", why.message);
        sentences.push((what, remedy));
    }
    sentences
}
