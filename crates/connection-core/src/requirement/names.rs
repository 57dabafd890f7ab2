//! Maps the secret names of a requirement to those of a kind, and explains why no kind meets a requirement.

use std::collections::BTreeSet;

use connection_contract::{AuthType, Kind, Reason, Requirement, SecretName};

use crate::registry::Shared;

/// Returns the name by which a kind hands out the secret that a requirement calls `name`; `None` if it does not hand it
/// out.
///
/// If a requirement and a kind have one secret each, they are the same: an extension may call `accessToken` what a kind
/// calls `apiKey`.
pub(crate) fn of_kind<'n>(kind: &'n [impl AsRef<str>], declared: usize, name: &'n str) -> Option<&'n str> {
    match kind {
        [only] if declared == 1 => Some(only.as_ref()),
        known => known.iter().any(|known| known.as_ref() == name).then_some(name),
    }
}

/// Returns the reason why no registered kind can meet the requirement; `None` if one can.
pub(super) fn unmet(shared: &Shared, requirement: &Requirement) -> Option<Reason> {
    let Requirement { provider, auth, .. } = requirement;
    let kinds = shared.kinds.of_provider(provider);
    let names = &auth.secret_names;
    let gives = |held: &[_]| names.iter().all(|name| of_kind(held, names.len(), name.as_str()).is_some());
    if auth.auth == AuthType::None || kinds.iter().any(|entry| gives(&entry.descriptor.secret_names)) {
        return None;
    }
    let remedy = "correct the extension's declaration, or use a host that has such a kind";
    let message = if kinds.is_empty() {
        let providers: BTreeSet<_> = shared.kinds.all().into_iter().map(|info| info.descriptor.provider).collect();
        format!(
            "this host has no kind for '{provider}'; it has kinds for {}",
            listed(providers.iter().map(Kind::as_str))
        )
    } else {
        let held: BTreeSet<&str> =
            kinds.iter().flat_map(|entry| entry.descriptor.secret_names.iter().map(|name| &**name)).collect();
        let lacking = names.iter().map(SecretName::as_str).filter(|name| !held.contains(name));
        format!(
            "no kind on this host hands out {} of '{provider}'; '{provider}' hands out {}",
            listed(lacking),
            listed(held.iter().copied())
        )
    };
    Some(Reason::new("connection_unsupported", message).remedy(remedy))
}

/// Returns `'one', 'two'`, or `nothing`.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("'{name}'")).collect();
    if quoted.is_empty() { "nothing".to_owned() } else { quoted.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::of_kind;

    #[test]
    fn one_secret_each_is_the_same_one_and_of_several_each_has_its_own_name() {
        assert_eq!(of_kind(&["apiKey"], 1, "accessToken"), Some("apiKey"));
        assert_eq!(of_kind(&["apiKey"], 2, "accessToken"), None);
        assert_eq!(of_kind(&["apiKey"], 2, "apiKey"), Some("apiKey"));
        assert_eq!(of_kind(&["apiKey", "apiSecret"], 1, "accessToken"), None);
        assert_eq!(of_kind(&["apiKey", "apiSecret"], 1, "apiSecret"), Some("apiSecret"));
        assert_eq!(of_kind(&[""; 0], 1, "apiKey"), None);
    }
}
