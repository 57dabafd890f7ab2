//! What an extension asks of a host: a connection to a provider, by names alone.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::{DisplayText, Kind, Text};

/// The name of a secret that a credential can hand out: `accessToken`.
///
/// 1 to 64 of `A-Z a-z 0-9 _ - .`, first a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Text);

impl SecretName {
    /// The name; `None` when it is not one.
    pub fn parse(name: impl Into<Text>) -> Option<Self> {
        let name = name.into();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let fits =
            name.len() <= 64 && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && name.bytes().all(plain);
        fits.then_some(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an extension expects the provider to be reached, and which secrets it wants by name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirementAuth {
    /// The form of authentication.
    pub auth: crate::AuthType,
    /// The secrets, in the order of the manifest; empty for `none`.
    pub secret_names: Vec<SecretName>,
    /// What the extension says of OAuth, for `oauth`. A kind of the provider decides how it is done; this says whether this
    /// host can.
    pub oauth: Option<RequirementOAuth>,
}

impl RequirementAuth {
    /// A form of authentication with the names of its secrets.
    pub fn new(auth: crate::AuthType, secret_names: impl IntoIterator<Item = SecretName>) -> Self {
        Self { auth, secret_names: secret_names.into_iter().collect(), oauth: None }
    }
    /// What the extension says of OAuth.
    #[must_use]
    pub fn oauth(mut self, oauth: RequirementOAuth) -> Self {
        self.oauth = Some(oauth);
        self
    }
}

/// What an extension says of OAuth.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequirementOAuth {
    /// Where a person consents.
    pub authorization_url: Text,
    /// Where the code becomes a token.
    pub token_url: Text,
    /// The public name of the application; never a secret.
    pub client_id: Text,
    /// What is asked for; may be nothing.
    pub scopes: Vec<Text>,
    /// Where the browser comes back.
    pub redirect: RequirementRedirect,
}

impl RequirementOAuth {
    /// Endpoints, an application, and where the browser comes back; no scopes.
    pub fn new(
        authorization_url: impl Into<Text>,
        token_url: impl Into<Text>,
        client_id: impl Into<Text>,
        redirect: RequirementRedirect,
    ) -> Self {
        let (authorization_url, token_url) = (authorization_url.into(), token_url.into());
        Self { authorization_url, token_url, client_id: client_id.into(), scopes: Vec::new(), redirect }
    }
    /// Something that is asked for.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<Text>) -> Self {
        self.scopes.push(scope.into());
        self
    }
}

/// Where a browser comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequirementRedirect {
    /// To an application by its scheme: `scheme://path`.
    AppScheme {
        /// Its scheme, without `:`.
        scheme: Text,
        /// What follows.
        callback_path: Text,
    },
    /// To an application by a URI without an authority: `scheme:path`.
    AppUri {
        /// Its scheme, without `:`.
        uri_scheme: Text,
        /// What follows.
        callback_path: Text,
    },
    /// To this machine (RFC 8252, section 7.3).
    Loopback,
    /// In a way that this version does not know, by its own name: no error, and no host can do it.
    Other(Text),
    /// To a page.
    Web {
        /// Its address.
        redirect_url: Text,
    },
}

impl RequirementRedirect {
    /// The address as a provider is told it; `None` where it is known only when somebody listens, or not understood here.
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

/// A connection that an extension needs. Holds names only, never a secret or a state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// The extension's own name for it: `default`.
    pub id: Text,
    /// Whose connection.
    pub provider: Kind,
    /// For people.
    pub title: DisplayText,
    /// The title in other languages, by their names: `zh_Hans`.
    pub titles: Vec<(Text, DisplayText)>,
    /// How, and with which secrets.
    pub auth: RequirementAuth,
    /// Public preferences that it reads.
    pub public_preference_names: Vec<Text>,
    /// How to connect, for people.
    pub connect_guide: Option<DisplayText>,
}

impl Requirement {
    /// A requirement without preferences or guide.
    pub fn new(id: impl Into<Text>, provider: Kind, title: impl Into<DisplayText>, auth: RequirementAuth) -> Self {
        let (id, title) = (id.into(), title.into());
        let (titles, public_preference_names) = Default::default();
        Self { id, provider, title, titles, auth, public_preference_names, connect_guide: None }
    }

    /// The title in another language.
    #[must_use]
    pub fn title_in(mut self, language: impl Into<Text>, title: impl Into<DisplayText>) -> Self {
        self.titles.push((language.into(), title.into()));
        self
    }

    /// A public preference that it reads.
    #[must_use]
    pub fn public_preference(mut self, name: impl Into<Text>) -> Self {
        self.public_preference_names.push(name.into());
        self
    }

    /// How to connect, for people.
    #[must_use]
    pub fn connect_guide(mut self, text: impl Into<DisplayText>) -> Self {
        self.connect_guide = Some(text.into());
        self
    }
}
