//! The shapes of extensions, their grants and their preferences.

use connection_api::Grant;

use crate::output::quoted;

/// Returns the name of the connection of a grant, for people: `github:work`.
pub(crate) fn granted_name(grant: &Grant) -> String {
    format!("{}:{}", grant.kind, grant.label)
}

/// Returns the name with the granted secrets: `github:work (accessToken)`.
pub(crate) fn granted_secrets(grant: &Grant) -> String {
    let names = if grant.secret_names.is_empty() { "no secret".to_owned() } else { grant.secret_names.join(", ") };
    format!("{} ({names})", granted_name(grant))
}

/// Returns the remedy for an extension that was not added.
pub(crate) fn unadded_remedy(name: &str) -> String {
    let own = quoted(name);
    format!(
        "add it with `connections extensions add FILE`, or revoke its grants with `connections extensions revoke {own}`"
    )
}
