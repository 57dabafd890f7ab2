//! Explains why no kind meets a requirement.

use std::collections::BTreeSet;

use connection_contract::{AuthType, ExtensionDeclaration, Kind, Reason, Requirement, SecretName};

use crate::{ground::Ground, kinds::held_name};

/// Returns the reason why no registered kind can meet the requirement of an extension; `None` if one can.
pub(super) fn unmet(ground: &Ground, declaration: &ExtensionDeclaration) -> Option<Reason> {
    let Requirement { provider, auth, .. } = &declaration.requirement;
    let kinds = ground.kinds.of_provider(provider);
    let names = &auth.secret_names;
    let gives = |held: &[_]| names.iter().all(|name| held_name(held, names.len(), name.as_str()).is_some());
    if auth.auth == AuthType::None || kinds.iter().any(|entry| gives(&entry.descriptor.secret_names)) {
        return None;
    }
    let remedy = "correct the extension's declaration, or use a host that has such a kind";
    let message = if kinds.is_empty() {
        match ground.kinds.own.declared(declaration) {
            Some(Ok(())) => return None,
            Some(Err(reason)) => {
                let message = format!(
                    "this host has no kind for '{provider}', and the declaration of the extension makes none: {}",
                    reason.message
                );
                let remedy = reason
                    .remedy
                    .map_or_else(|| remedy.to_owned(), |remedy| format!("{remedy}, and add the extension again"));
                return Some(Reason::new("connection_unsupported", message).remedy(remedy));
            }
            None => {}
        }
        let providers = ground.kinds.providers();
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
