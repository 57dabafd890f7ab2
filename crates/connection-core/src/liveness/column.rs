//! Converts a liveness to and from its word in a column.

use connection_contract::Liveness;

pub(crate) fn liveness(liveness: Liveness) -> &'static str {
    match liveness {
        Liveness::Live => "live",
        Liveness::Offline => "offline",
        Liveness::Failing => "failing",
        _ => "unknown",
    }
}

/// Returns the liveness for a word. An unknown word counts as [`Liveness::Unknown`].
pub(crate) fn to_liveness(word: &str) -> Liveness {
    match word {
        "live" => Liveness::Live,
        "offline" => Liveness::Offline,
        "failing" => Liveness::Failing,
        _ => Liveness::Unknown,
    }
}
