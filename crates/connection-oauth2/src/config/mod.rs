//! The description of a provider: data that is checked when it is built.

mod account;
mod builder;
mod check;
mod error;
mod fields;
mod parts;
mod response;
mod suffix;
mod template;

use std::time::Duration;

use connection_contract::{Descriptor, RefreshSemantics, Text};

pub(crate) use self::{
    account::OPENID,
    check::is_safe_address,
    template::{Template, Values},
};
pub use self::{
    account::{Account, AccountFrom},
    builder::OAuth2Builder,
    error::ConfigError,
    fields::{CLIENT_DOCUMENT_KEY, CLIENT_KEY, CLIENT_SIGNING_KEY},
    parts::{
        Assertion, Attach, Audience, Body, Client, ClientAuth, Endpoint, Grant, Method, Renewal, RequestKind, Step,
    },
    response::{ErrorIf, Part, Response},
    suffix::is_public_suffix,
};

/// A provider and the way to talk to it, made by [`OAuth2Config::builder`].
#[derive(Debug)]
pub struct OAuth2Config {
    pub(crate) descriptor: Descriptor,
    pub(crate) api: Vec<Template>,
    pub(crate) endpoints: Vec<(Endpoint, Template)>,
    pub(crate) issuer: Option<String>,
    pub(crate) discover: bool,
    pub(crate) iss_required: bool,
    pub(crate) grant: Grant,
    pub(crate) methods: Vec<Method>,
    pub(crate) ask_method: bool,
    pub(crate) paste_redirect: String,
    pub(crate) pkce: bool,
    pub(crate) client: Client,
    /// The origins that receive the application's secret; `None` if a value of the connection decides them.
    pub(crate) application_origins: Option<Vec<Text>>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) body: Body,
    pub(crate) scopes: Vec<String>,
    pub(crate) required_scopes: Vec<String>,
    pub(crate) optional_scopes: Vec<String>,
    pub(crate) scope_separator: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) code_parameter: String,
    pub(crate) callback_capture: Vec<String>,
    pub(crate) scopes_in_callback: bool,
    pub(crate) trims: Vec<Trim>,
    pub(crate) own_fields: Vec<String>,
    pub(crate) response: Response,
    pub(crate) step: Option<CheckedStep>,
    pub(crate) renewal: CheckedRenewal,
    pub(crate) semantics: RefreshSemantics,
    pub(crate) idle_life: Option<Duration>,
    pub(crate) authorization_life: Option<Duration>,
    pub(crate) refresh_with_scope: bool,
    pub(crate) account: Account,
    pub(crate) attach: Attach,
    pub(crate) credential_page: Option<Template>,
    pub(crate) grant_account: Option<String>,
    /// The key under which the application is kept.
    pub(crate) client_key: String,
    pub(crate) client_documents: bool,
    pub(crate) callback_part: Option<String>,
}

/// A deviation from the standard parameters or headers of one request.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) on: RequestKind,
    pub(crate) name: String,
    pub(crate) how: ChangeKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ChangeKind {
    Header(Template),
    Remove,
    Rename(String),
    Set(Template),
}

/// The texts that are removed from the answer to a field.
#[derive(Clone, Debug)]
pub(crate) struct Trim {
    pub(crate) field: String,
    pub(crate) prefixes: Vec<String>,
    pub(crate) suffixes: Vec<String>,
}

impl Trim {
    /// Returns what is left of an answer.
    pub(crate) fn apply(&self, answer: &str) -> String {
        let mut text = answer.trim();
        for prefix in &self.prefixes {
            text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
        }
        for suffix in &self.suffixes {
            text = text.strip_suffix(suffix.as_str()).unwrap_or(text);
        }
        text.to_owned()
    }
}

/// A [`Step`] whose templates have been parsed.
#[derive(Clone, Debug)]
pub(crate) struct CheckedStep {
    pub(crate) method: &'static str,
    pub(crate) url: Template,
    pub(crate) parameters: Vec<(String, Template)>,
}

#[derive(Clone, Debug)]
pub(crate) enum CheckedRenewal {
    Never,
    RefreshToken,
    Rerun,
    Step(CheckedStep),
}

impl OAuth2Config {
    /// Returns a builder for a provider with this kind and display name.
    pub fn builder(
        kind: connection_contract::Kind,
        name: impl Into<connection_contract::DisplayText>,
    ) -> OAuth2Builder {
        OAuth2Builder::new(kind, name)
    }

    /// Returns the configured alternatives for an endpoint, in order.
    pub(crate) fn endpoint(&self, endpoint: Endpoint) -> impl Iterator<Item = &Template> {
        self.endpoints.iter().filter(move |(of, _)| *of == endpoint).map(|(_, template)| template)
    }

    pub(crate) fn changes(&self, on: RequestKind) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.on == on)
    }

    /// Returns those of these scopes that are optional ones of this configuration.
    pub(crate) fn optional<'s>(&self, scopes: impl IntoIterator<Item = &'s String>) -> Vec<String> {
        scopes.into_iter().filter(|scope| self.optional_scopes.contains(scope)).cloned().collect()
    }
}

/// A kind of connection that is defined by a configuration; see [`oauth2()`].
#[derive(Debug)]
pub struct OAuth2 {
    pub(crate) config: OAuth2Config,
}

/// Returns the kind that a configuration describes. It cannot fail, because the configuration was checked when it was
/// built.
pub fn oauth2(config: OAuth2Config) -> OAuth2 {
    OAuth2 { config }
}
