//! Finds the scopes for lack of which a provider refused a request or a verification (RFC 6750, section 3.1).

use connection_contract::{Descriptor, NotLive, Secret, VerifyResult, reason};

/// The maximum number of scopes that are recorded as lacking.
pub(crate) const MAX_SCOPES: usize = 32;

/// The scopes for lack of which a provider refused a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MissingScopes {
    pub(crate) missing: Vec<String>,
    /// Those of them that a re-authorization may ask for in addition.
    pub(crate) askable: Vec<String>,
}

impl MissingScopes {
    /// Returns the scopes that a challenge names, without those that are granted: some providers name all that a request
    /// needs. If the provider lists alternatives, the first one that the kind allows to ask for is missing, or else the first
    /// one.
    pub(crate) fn of(named: Vec<String>, granted: &[String], descriptor: &Descriptor) -> Self {
        let mut missing = named;
        missing.retain(|scope| !granted.contains(scope));
        // Such a kind learns its scopes from the provider, so it can ask for each of them.
        if descriptor.discovers {
            return Self { askable: missing.clone(), missing };
        }
        let optional = descriptor.optional_scopes.iter().map(ToString::to_string);
        let mut askable: Vec<_> = optional.filter(|scope| missing.contains(scope)).collect();
        if descriptor.alternative_scopes {
            askable.truncate(1);
            missing.truncate(1);
            missing = askable.first().map_or(missing, |scope| vec![scope.clone()]);
        }
        Self { missing, askable }
    }

    /// Leaves those scopes in the reason of a verification that the credential lacks. `granted` are the scopes that it is
    /// known to have, unless the verification reports them.
    pub(crate) fn narrow(found: &mut VerifyResult<Secret>, granted: &[String], descriptor: &Descriptor) {
        let granted = found.granted_scopes.as_deref().unwrap_or(granted);
        let Some(reason) = found.reason.as_mut().filter(|reason| reason.code == reason::SCOPE_MISSING) else { return };
        if reason.missing_scopes.is_empty() {
            return;
        }
        let named = reason.missing_scopes.to_vec();
        let general = NotLive::scope_missing(&named).reason;
        let narrowed = NotLive::scope_missing(&Self::of(named, granted, descriptor).missing).reason;
        if reason.message == general.message {
            reason.message = narrowed.message;
        }
        reason.missing_scopes = narrowed.missing_scopes;
    }
}

#[cfg(test)]
mod tests {
    use connection_contract::{AuthType, Kind};

    use super::*;

    fn missing(descriptor: &Descriptor, granted: &[&str]) -> (String, String) {
        let named = ["wide", "narrow", "widest"].map(str::to_owned).to_vec();
        let granted: Vec<_> = granted.iter().map(ToString::to_string).collect();
        let MissingScopes { missing, askable } = MissingScopes::of(named, &granted, descriptor);
        (missing.join(" "), askable.join(" "))
    }

    fn descriptor() -> Descriptor {
        Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::OAuth)
    }

    #[test]
    fn of_alternatives_the_first_that_the_kind_allows_is_missing() {
        let known = || descriptor().optional_scope("narrow").optional_scope("widest");
        assert_eq!(missing(&known(), &[]), ("wide narrow widest".to_owned(), "narrow widest".to_owned()));
        let alternatives = known().alternative_scopes();
        assert_eq!(missing(&alternatives, &[]), ("narrow".to_owned(), "narrow".to_owned()));
        assert_eq!(missing(&alternatives, &["narrow"]), ("widest".to_owned(), "widest".to_owned()));
        assert_eq!(missing(&descriptor().alternative_scopes(), &[]), ("wide".to_owned(), String::new()));
    }

    #[test]
    fn scopes_that_are_granted_are_not_missing() {
        let known = descriptor().optional_scope("narrow").optional_scope("widest");
        assert_eq!(missing(&known, &["wide", "widest", "other"]), ("narrow".to_owned(), "narrow".to_owned()));
        assert_eq!(missing(&known, &["wide", "narrow", "widest"]), (String::new(), String::new()));
        assert_eq!(
            missing(&descriptor().discovers(), &["narrow"]),
            ("wide widest".to_owned(), "wide widest".to_owned())
        );
    }
}
