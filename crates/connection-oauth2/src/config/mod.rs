//! What describes a provider: data, checked when it is built.

mod account;
mod builder;
mod check;
mod error;
mod fields;
mod parts;
mod response;
mod template;

use std::time::Duration;

use connection_contract::{Descriptor, RefreshSemantics, Text};

pub use self::{
    account::{Account, AccountFrom, Unit},
    builder::OAuth2Builder,
    error::ConfigError,
    parts::{Assertion, Attach, Audience, Body, Client, ClientAuth, Endpoint, Grant, Method, On, Renewal, Step},
    response::{ErrorIf, Part, Response},
};
pub(crate) use self::{
    check::is_safe_address,
    template::{Template, Values, host_part},
};

/// A provider and how it is spoken to. Made by [`OAuth2Config::builder`].
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
    /// The origins that the application's secret is sent to; `None` when a value of the connection decides.
    pub(crate) application_origins: Option<Vec<Text>>,
    pub(crate) client_auth: ClientAuth,
    pub(crate) body: Body,
    pub(crate) scopes: Vec<String>,
    pub(crate) required_scopes: Vec<String>,
    pub(crate) scope_separator: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) code_parameter: String,
    pub(crate) callback_capture: Vec<String>,
    pub(crate) host_fields: Vec<(String, String)>,
    pub(crate) asked: Vec<String>,
    pub(crate) response: Response,
    pub(crate) step: Option<CheckedStep>,
    pub(crate) renewal: CheckedRenewal,
    pub(crate) semantics: RefreshSemantics,
    pub(crate) idle_life: Option<Duration>,
    pub(crate) refresh_with_scope: bool,
    pub(crate) account: Account,
    pub(crate) attach: Attach,
}

/// A deviation of one request's parameters or headers.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) on: On,
    pub(crate) name: String,
    pub(crate) how: How,
}

#[derive(Clone, Debug)]
pub(crate) enum How {
    Header(Template),
    Remove,
    Rename(String),
    Set(Template),
}

/// A [`Step`] whose texts were read.
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
    /// A provider of that kind and name.
    pub fn builder(
        kind: connection_contract::Kind,
        name: impl Into<connection_contract::DisplayText>,
    ) -> OAuth2Builder {
        OAuth2Builder::new(kind, name)
    }

    /// The configured alternatives of an address, in order.
    pub(crate) fn endpoint(&self, endpoint: Endpoint) -> impl Iterator<Item = &Template> {
        self.endpoints.iter().filter(move |(of, _)| *of == endpoint).map(|(_, template)| template)
    }

    pub(crate) fn changes(&self, on: On) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.on == on)
    }

    /// What is asked for, as one text.
    pub(crate) fn scope(&self) -> String {
        self.scopes.join(&self.scope_separator)
    }
}
