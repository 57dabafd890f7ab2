//! The fingerprint of a requirement. Two requirements with the same fingerprint are equal in every word.

use connection_contract::{AuthType, Crypto as _, Requirement, RequirementRedirect};

use crate::services::crypto::SystemCrypto;

/// Returns the fingerprint of the requirement alone. The extension's name and its preferences are not part of it.
pub(crate) fn fingerprint(requirement: &Requirement) -> [u8; 32] {
    let Requirement { id, provider, title, titles, auth, public_preference_names, connect_guide, api, .. } =
        requirement;
    let mut parts = Parts(b"connections/requirement/v1".to_vec());
    parts.add(id).add(provider.as_str()).add(title.as_str());
    parts.list(titles.iter().flat_map(|(language, title)| [&**language, title.as_str()]));
    parts.add(match auth.auth {
        AuthType::ApiKey => "apiKey",
        AuthType::Basic => "basic",
        AuthType::None => "none",
        AuthType::OAuth => "oauth",
        AuthType::PersonalAccessToken => "personalAccessToken",
        _ => "custom",
    });
    parts.list(auth.secret_names.iter().map(connection_contract::SecretName::as_str));
    if !auth.setup_fields.is_empty() {
        parts.add("fields").list(auth.setup_fields.iter().map(connection_contract::SecretName::as_str));
    }
    parts.list(public_preference_names.iter().map(|name| &**name));
    parts.list(connect_guide.iter().map(connection_contract::DisplayText::as_str));
    if let Some(oauth) = &auth.oauth {
        parts.add("oauth").add(&oauth.authorization_url).add(&oauth.token_url).add(&oauth.client_id);
        parts.list(oauth.scopes.iter().map(|scope| &**scope));
        match &oauth.redirect {
            RequirementRedirect::AppScheme { scheme, callback_path } => parts.list(["scheme", scheme, callback_path]),
            RequirementRedirect::AppUri { uri_scheme, callback_path } => {
                parts.list(["uri", uri_scheme, callback_path]);
            }
            RequirementRedirect::Loopback => parts.list(["loopback"]),
            RequirementRedirect::Web { redirect_url } => parts.list(["web", redirect_url]),
            RequirementRedirect::Other(name) => parts.list(["other", name]),
            _ => parts.list(["later"]),
        }
        if let Some(url) = &oauth.registration_url {
            parts.add("registration").add(url);
        }
    }
    if let Some(api) = api {
        parts.add("api").add(&api.to_string());
    }
    SystemCrypto.sha256(&parts.0)
}

/// The encoded parts, each with its length, so that nothing moves from one part to the next unnoticed.
struct Parts(Vec<u8>);

impl Parts {
    fn add(&mut self, part: &str) -> &mut Self {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part.as_bytes());
        self
    }

    fn list<'p>(&mut self, parts: impl IntoIterator<Item = &'p str>) {
        let parts: Vec<_> = parts.into_iter().collect();
        self.0.extend_from_slice(&(parts.len() as u64).to_be_bytes());
        for part in parts {
            self.add(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use connection_contract::{Kind, RequirementAuth, SecretName};

    use super::*;

    fn requirement(names: &[&str]) -> Requirement {
        let names = names.iter().map(|name| SecretName::parse(name.to_string()).unwrap());
        let auth = RequirementAuth::new(AuthType::ApiKey, names);
        Requirement::new("default", Kind::from_static("acme"), "Acme", auth)
    }

    /// Existing rows hold this fingerprint, and so do sessions that were begun before an upgrade.
    #[test]
    fn the_same_words_have_the_same_one_for_ever_and_others_another() {
        let hex = |requirement: &Requirement| connection_contract::encode::hex(&fingerprint(requirement));
        let one = requirement(&["accessToken"]);
        assert_eq!(hex(&one), "f1397b558b9fbd3f57105747619a3b026258e31899870af61cc48561119d0536");
        for other in [
            requirement(&["access", "Token"]),
            requirement(&[]),
            one.clone().connect_guide("a guide"),
            one.clone().public_preference("apiBaseUrl"),
            one.clone().title_in("zh_Hans", "t"),
            one.clone().api(connection_contract::Value::object([])),
        ] {
            assert_ne!(hex(&other), hex(&one));
        }
        let ab = one.clone().public_preference("a").public_preference("b");
        assert_ne!(hex(&ab), hex(&one.clone().public_preference("ab")));
    }
}
