//! The rules for every type of the contract: it can grow without breaking a plugin.

use crate::api::listing::Listing;

/// Enums that will never grow, each with the reason.
const CLOSED: &[(&str, &str)] = &[("Value", "JSON has six kinds of value and no more")];

/// Returns the types of the contract that cannot grow, or that no other crate can create.
pub(crate) fn findings(listing: &Listing) -> Vec<String> {
    let mut findings = Vec::new();
    for (path, text) in listing {
        if text.starts_with("enum ") && !CLOSED.iter().any(|(closed, _)| closed == path) {
            findings.push(format!("{path}: an enum that plugins see is #[non_exhaustive]"));
        }
        let fields = format!("{path}.");
        let has_fields = listing.range(fields.clone()..).next().is_some_and(|(found, _)| found.starts_with(&fields));
        if text.starts_with("struct ") && has_fields {
            findings.push(format!("{path}: a struct with public fields is #[non_exhaustive]"));
        }
        if text.starts_with("#[non_exhaustive] struct ") && has_fields && !is_made(listing, path) {
            findings.push(format!("{path}: other crates cannot create it; it needs a constructor"));
        }
    }
    findings
}

/// Returns `true` if a function without a receiver returns the type, as its own constructor or as a function for
/// hosts.
fn is_made(listing: &Listing, path: &str) -> bool {
    listing.iter().any(|(function, text)| {
        let own = function.starts_with(&format!("{path}::"));
        let given = text.rsplit_once("-> ").map(|(_, given)| given);
        let takes_self = ["(self", "(&self", "(&mut self"].iter().any(|receiver| text.contains(receiver));
        let gives = |name: &str| given.is_some_and(|given| given == name || given.contains(&format!("<{name}")));
        text.contains("fn ") && !takes_self && (own && gives("Self") || gives(path))
    })
}
