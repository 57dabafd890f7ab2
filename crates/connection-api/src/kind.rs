//! The kinds of connections that a server can make, and changes of their terms.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// The way of authentication of a kind.
    AuthType {
        /// The provider needs no credential.
        None = "none",
        /// A key of an API.
        ApiKey = "apiKey",
        /// A token that a person made at the provider.
        PersonalAccessToken = "personalAccessToken",
        /// OAuth 2.0.
        OAuth = "oauth",
        /// A name and a password.
        Basic = "basic",
        /// A way of the kind's own.
        Custom = "custom",
        _ => Unrecognized,
    }
    /// A capability of connections of a kind.
    Capability {
        /// Requests are sent with the credential.
        Send = "send",
        /// An extension may receive secrets.
        Secrets = "secrets",
        /// The credential is refreshed.
        Refresh = "refresh",
        /// The provider delivers events.
        Webhooks = "webhooks",
        /// The provider reports the usage of the account.
        Usage = "usage",
        /// A local tool has profiles.
        Profiles = "profiles",
        /// A local tool runs in a container.
        Sandbox = "sandbox",
        /// Files below granted directories are read.
        Files = "files",
        _ => Unrecognized,
    }
    /// The input of a field.
    Input {
        /// A text.
        Text = "text",
        /// A secret text, which is never shown.
        Secret = "secret",
        /// An address.
        Url = "url",
        /// The path of a directory.
        Directory = "directory",
        /// One of the choices of the field.
        Choice = "choice",
        /// `true` or `false`.
        Bool = "bool",
        /// A number.
        Number = "number",
        _ => Unrecognized,
    }
    /// The way of finishing a setup.
    Way {
        /// A browser returns from the provider to the server.
        Browser = "browser",
        /// A person types a code at the provider.
        Device = "device",
        /// A person pastes the address to which the browser returned.
        Paste = "paste",
        /// Another way, such as a form alone.
        Other = "other",
        _ => Unrecognized,
    }
}

/// The names of a kind, and its way of authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KindSummary {
    /// The name of the kind, such as `github`.
    pub kind: String,
    /// The id of the provider, such as `github`.
    pub provider: String,
    /// The name that a person reads.
    pub title: String,
    /// The way of authentication.
    pub auth: AuthType,
}

/// A kind in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ListedKind {
    /// The names of the kind, and its way of authentication.
    #[serde(flatten)]
    pub summary: KindSummary,
    /// `true` if connections of the kind are for one extension alone.
    pub own: bool,
    /// `true` if the kind is a local tool with profiles.
    pub profiles: bool,
    /// The number of the owner's connections of this kind. The visitor of a setup link sees 0.
    pub connections: u64,
}

/// A kind, with what a person needs to know before connecting an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Kind {
    /// The kind, as in a list.
    #[serde(flatten)]
    pub listed: ListedKind,
    /// The description of the kind.
    #[serde(flatten)]
    pub description: KindDescription,
}

/// The description of a kind: what a person needs to know before connecting an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KindDescription {
    /// The only extension that may use connections of the kind.
    pub extension: Option<String>,
    /// Instructions for obtaining the requested values.
    pub guide: Vec<Guide>,
    /// The fields that a setup may ask for.
    pub fields: Vec<KindField>,
    /// The capabilities of connections of the kind: `send`, `secrets`, `refresh`, `webhooks`, `usage`, `profiles`, `sandbox`
    /// or `files`.
    pub capabilities: Vec<Capability>,
    /// The ways of finishing a setup: `browser`, `device`, `paste` or `other`.
    pub ways: Vec<Way>,
    /// The address to register at the provider, if browsers return to this host. The visitor of a setup link does not
    /// get it.
    pub redirect_uri: Option<String>,
}

/// A part of the guide: a sentence, or an address and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Guide {
    /// The sentence, or the name of the address.
    pub text: String,
    /// The address to open.
    pub open: Option<String>,
}

/// A field that a setup of the kind may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KindField {
    /// The name of the field in answers.
    pub name: String,
    /// The label that a person reads.
    pub label: String,
    /// `text`, `secret`, `url`, `number`, `bool`, `choice` or `directory`.
    pub input: Input,
    /// `true` if the field must be answered.
    pub required: bool,
    /// `true` if the field takes several values.
    pub many: bool,
    /// The question with which the field is offered to a person, if it is optional and not asked for at once.
    pub offer: Option<String>,
    /// The text that a person reads beside the field.
    pub help: Option<String>,
    /// The value that is used if the field is not answered.
    pub default: Option<String>,
    /// The values to choose from.
    pub choices: Vec<FieldChoice>,
    /// The way of finishing the setup that asks for the field; `null` for all ways.
    pub way: Option<Way>,
    /// `true` if the host keeps the answer and asks only once for all connections of the kind.
    pub once: bool,
}

/// A value to choose for a field or a preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldChoice {
    /// The value to answer with.
    pub value: String,
    /// The label that a person reads.
    pub label: String,
}

/// The application of a kind that was asked for in a setup and kept for the next ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ForgottenClient {
    /// The name of the kind.
    pub kind: String,
    /// `true` if there was one.
    pub forgotten: bool,
}

/// A change of the terms of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct KindChange {
    /// The number of connections that were made under the old terms.
    pub connections: u64,
    /// `true` if the connections are not used until the change is accepted; `false` if only the revocation changed, or
    /// what programs get that ask for a credential (lines that begin with `helpers.`).
    pub stops_use: bool,
    /// The lines that the new terms lack.
    pub removed: Vec<String>,
    /// The lines that the old terms lack.
    pub added: Vec<String>,
}

/// The changes of a kind since accounts were connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KindChanges {
    /// The name of the kind.
    pub kind: String,
    /// The number of connections that wait for a change to be accepted, or that a change was accepted for.
    pub connections: u64,
    /// The changes, each with the connections that it concerns.
    pub changes: Vec<KindChange>,
    /// The text to send with an acceptance of these changes.
    pub seen: String,
}

/// The acceptance of changes that a person has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AcceptKind {
    /// The text that came with the changes that a person has seen.
    pub seen: String,
}
