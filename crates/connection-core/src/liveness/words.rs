//! The words for a liveness in a column.

use connection_contract::Liveness;

pub(crate) fn liveness(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Live => "live",
        Liveness::Offline => "offline",
        Liveness::Failing => "failing",
        _ => "unknown",
    }
}

/// A word that nobody wrote says nothing.
pub(crate) fn to_liveness(word: &str) -> Liveness {
    match word {
        "live" => Liveness::Live,
        "offline" => Liveness::Offline,
        "failing" => Liveness::Failing,
        _ => Liveness::Unknown,
    }
}
