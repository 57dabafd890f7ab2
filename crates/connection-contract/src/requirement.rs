//! The connection that an extension needs, described by names only.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::{DisplayText, Kind, Text, Value};

/// The name of a secret that a credential can hand out: `accessToken`.
///
/// It has 1 to 64 characters of `A-Z a-z 0-9 _ - .` and begins with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Text);

impl SecretName {
    /// Parses a name. Returns `None` if it is not valid.
    pub fn parse(name: impl Into<Text>) -> Option<Self> {
        let name = name.into();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let fits =
            name.len() <= 64 && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && name.bytes().all(plain);
        fits.then_some(Self(name))
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The form of authentication that an extension expects, and the secrets that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirementAuth {
    /// The form of authentication that the connection must have.
    pub auth: crate::AuthType,
    /// Names of the secrets that the extension itself receives, in the order of the manifest. Without any, it asks only
    /// for the use of the connection. Empty for [`AuthType::None`](crate::AuthType::None).
    pub secret_names: Vec<SecretName>,
    /// Names of the secrets for which a setup asks if the declaration itself makes the kind of the connection. Without
    /// any, it asks for those in `secret_names`.
    pub setup_fields: Vec<SecretName>,
    /// OAuth parameters of the extension, for [`AuthType::OAuth`](crate::AuthType::OAuth). The kind of the provider
    /// decides how OAuth is done. These parameters let a host find out whether it can do that.
    pub oauth: Option<RequirementOAuth>,
}

impl RequirementAuth {
    /// Creates a form of authentication with the names of its secrets.
    pub fn new(auth: crate::AuthType, secret_names: impl IntoIterator<Item = SecretName>) -> Self {
        Self { auth, secret_names: secret_names.into_iter().collect(), setup_fields: Vec::new(), oauth: None }
    }

    /// Adds a secret for which a setup asks if the declaration itself makes the kind of the connection.
    #[must_use]
    pub fn setup_field(mut self, name: SecretName) -> Self {
        self.setup_fields.push(name);
        self
    }

    /// Returns the names of the secrets for which a setup of the declaration's own kind asks.
    pub fn asked_for(&self) -> &[SecretName] {
        if self.setup_fields.is_empty() { &self.secret_names } else { &self.setup_fields }
    }

    /// Sets the OAuth parameters of the extension.
    #[must_use]
    pub fn oauth(mut self, oauth: RequirementOAuth) -> Self {
        self.oauth = Some(oauth);
        self
    }
}

/// The OAuth parameters of an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirementOAuth {
    /// Address at which a person consents.
    pub authorization_url: Text,
    /// Address that exchanges the code for a token.
    pub token_url: Text,
    /// Address at which an application registers itself (RFC 7591).
    pub registration_url: Option<Text>,
    /// Public id of the application. It is never a secret.
    pub client_id: Text,
    /// Requested scopes. May be empty.
    pub scopes: Vec<Text>,
    /// The redirect to the extension after the consent.
    pub redirect: RequirementRedirect,
}

impl RequirementOAuth {
    /// Creates parameters that request no scopes and name no registration endpoint.
    pub fn new(
        authorization_url: impl Into<Text>,
        token_url: impl Into<Text>,
        client_id: impl Into<Text>,
        redirect: RequirementRedirect,
    ) -> Self {
        Self {
            authorization_url: authorization_url.into(),
            token_url: token_url.into(),
            registration_url: None,
            client_id: client_id.into(),
            scopes: Vec::new(),
            redirect,
        }
    }

    /// Sets the address at which an application registers itself.
    #[must_use]
    pub fn registration_url(mut self, url: impl Into<Text>) -> Self {
        self.registration_url = Some(url.into());
        self
    }

    /// Adds a scope to those that the extension requests.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Text>) -> Self {
        self.scopes.push(scope.into());
        self
    }
}

/// A redirect after the consent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequirementRedirect {
    /// A redirect to an application by a URI with an authority: `scheme://path`.
    AppScheme {
        /// Scheme of the application, without `:`.
        scheme: Text,
        /// Path of the URI, after the scheme.
        callback_path: Text,
    },
    /// A redirect to an application by a URI without an authority: `scheme:path`.
    AppUri {
        /// Scheme of the application, without `:`.
        uri_scheme: Text,
        /// Path of the URI, after the scheme.
        callback_path: Text,
    },
    /// A redirect to a loopback address (RFC 8252, section 7.3).
    Loopback,
    /// A form of redirect that this version does not know, with its name. It is not an error, but no host supports it.
    Other(Text),
    /// A redirect to a web page.
    Web {
        /// Address of the page that the provider redirects to.
        redirect_url: Text,
    },
}

impl RequirementRedirect {
    /// Returns the redirect URI as a provider receives it. Returns `None` if it is known only once a host listens, or
    /// if this version does not know the form.
    pub fn rendered(&self) -> Option<String> {
        match self {
            Self::AppScheme { scheme, callback_path } => {
                Some(format!("{scheme}://{}", callback_path.strip_prefix('/').unwrap_or(callback_path)))
            }
            Self::AppUri { uri_scheme, callback_path } => Some(format!("{uri_scheme}:{callback_path}")),
            Self::Loopback | Self::Other(_) => None,
            Self::Web { redirect_url } => Some(redirect_url.to_string()),
        }
    }
}

/// A connection that an extension needs. It contains names only: no secret and no state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// The extension's own name for the connection: `default`.
    pub id: Text,
    /// Provider that the connection must belong to.
    pub provider: Kind,
    /// Title that a person reads.
    pub title: DisplayText,
    /// Titles in other languages, by the name of the language: `zh_Hans`.
    pub titles: Vec<(Text, DisplayText)>,
    /// Form of authentication, with the names of the secrets.
    pub auth: RequirementAuth,
    /// Names of the public preferences that the extension reads: its own, or those of another extension with the same
    /// provider.
    pub public_preference_names: Vec<Text>,
    /// Instructions for people on how to connect.
    pub connect_guide: Option<DisplayText>,
    /// The requests of the provider's API, for a provider that no kind covers: an object with the members `request`,
    /// `verify` and `account`, in the form of kind files. A host that makes a kind of a declaration checks them.
    pub api: Option<Value>,
}

impl Requirement {
    /// Creates a requirement without preferences and guide.
    pub fn new(id: impl Into<Text>, provider: Kind, title: impl Into<DisplayText>, auth: RequirementAuth) -> Self {
        let id = id.into();
        let title = title.into();
        Self {
            id,
            provider,
            title,
            titles: Vec::new(),
            auth,
            public_preference_names: Vec::new(),
            connect_guide: None,
            api: None,
        }
    }

    /// Adds the title in another language.
    #[must_use]
    pub fn title_in(mut self, language: impl Into<Text>, title: impl Into<DisplayText>) -> Self {
        self.titles.push((language.into(), title.into()));
        self
    }

    /// Adds the name of a public preference.
    #[must_use]
    pub fn public_preference(mut self, name: impl Into<Text>) -> Self {
        self.public_preference_names.push(name.into());
        self
    }

    /// Sets the instructions for people on how to connect.
    #[must_use]
    pub fn connect_guide(mut self, text: impl Into<DisplayText>) -> Self {
        self.connect_guide = Some(text.into());
        self
    }

    /// Sets the requests of the provider's API.
    #[must_use]
    pub fn api(mut self, requests: Value) -> Self {
        self.api = Some(requests);
        self
    }
}
