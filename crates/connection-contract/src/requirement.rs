//! What an extension asks of a host: a connection to a provider, by names alone.

use alloc::vec::Vec;
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
}

impl RequirementAuth {
    /// A form of authentication with the names of its secrets.
    pub fn new(auth: crate::AuthType, secret_names: impl IntoIterator<Item = SecretName>) -> Self {
        Self { auth, secret_names: secret_names.into_iter().collect() }
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
        Self { id, provider, title, auth, public_preference_names: Vec::new(), connect_guide: None }
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
