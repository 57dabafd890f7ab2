//! Reads from an answer which scopes the request lacked (RFC 6750, section 3.1).

use connection_contract::{Challenge, Descriptor};

/// The maximum number of scopes that are recorded as lacking.
pub(crate) const MAX_SCOPES: usize = 32;

/// The scopes for lack of which a provider refused a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MissingScopes {
    pub(super) missing: Vec<String>,
    /// Those of them that a re-authorization may ask for in addition.
    pub(super) askable: Vec<String>,
}

impl MissingScopes {
    /// Reads the scopes from the headers of an answer. If the provider lists alternatives, the first one that the kind
    /// allows to ask for is missing, or else the first one.
    pub(super) fn of(headers: &[(String, String)], descriptor: &Descriptor) -> Self {
        let mut missing = Challenge::of(headers).missing_scopes.unwrap_or_default();
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
}

#[cfg(test)]
mod tests {
    use connection_contract::{AuthType, Kind};

    use super::*;

    #[test]
    fn of_alternatives_the_first_that_the_kind_allows_is_missing() {
        let text = r#"Bearer error="insufficient_scope", scope="wide narrow widest""#;
        let headers = [("www-authenticate".to_owned(), text.to_owned())];
        let descriptor = || Descriptor::new(Kind::from_static("acme"), "Acme", AuthType::OAuth);
        let missing = |descriptor: Descriptor| {
            let MissingScopes { missing, askable } = MissingScopes::of(&headers, &descriptor);
            (missing.join(" "), askable.join(" "))
        };
        let known = || descriptor().optional_scope("narrow").optional_scope("widest");
        assert_eq!(missing(known()), ("wide narrow widest".to_owned(), "narrow widest".to_owned()));
        assert_eq!(missing(known().alternative_scopes()), ("narrow".to_owned(), "narrow".to_owned()));
        assert_eq!(missing(descriptor().alternative_scopes()), ("wide".to_owned(), String::new()));
    }
}
