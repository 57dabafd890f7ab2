//! Says what a provider is like, one word after the other; [`OAuth2Builder::build`] checks it all.

use std::time::Duration;

use connection_contract::{AuthType, Descriptor, DisplayText, Field, Kind, RefreshSemantics, Text};

use super::{
    Account, Attach, Body, Client, ClientAuth, ConfigError, Endpoint, Grant, Method, OAuth2Config, On, Renewal,
    Response, Step, check,
};

/// Where the browser is sent when the host receives nothing: its error page shows the address to paste.
const PASTE_REDIRECT: &str = "http://127.0.0.1/callback";

/// Describes a provider.
#[derive(Debug)]
#[must_use = "call `build`"]
pub struct OAuth2Builder {
    pub(super) descriptor: Descriptor,
    pub(super) api: Vec<String>,
    pub(super) origins: Vec<Text>,
    pub(super) endpoints: Vec<(Endpoint, String)>,
    pub(super) issuer: Option<String>,
    pub(super) discover: bool,
    pub(super) iss_required: bool,
    pub(super) grant: Grant,
    pub(super) methods: Option<Vec<Method>>,
    pub(super) ask_method: bool,
    pub(super) paste_redirect: String,
    pub(super) pkce: bool,
    pub(super) client: Client,
    pub(super) client_auth: ClientAuth,
    pub(super) body: Body,
    pub(super) scopes: Vec<String>,
    pub(super) required_scopes: Vec<String>,
    pub(super) scope_separator: String,
    pub(super) changes: Vec<(On, String, RawChange)>,
    pub(super) code_parameter: String,
    pub(super) callback_capture: Vec<String>,
    pub(super) host_fields: Vec<(String, String)>,
    pub(super) response: Response,
    pub(super) step: Option<Step>,
    pub(super) renewal: Option<Renewal>,
    pub(super) semantics: RefreshSemantics,
    pub(super) idle_life: Option<Duration>,
    pub(super) refresh_with_scope: bool,
    pub(super) account: Option<Account>,
    pub(super) attach: Attach,
    pub(super) allows: Vec<Unsafe>,
}

#[derive(Clone, Debug)]
pub(super) enum RawChange {
    Header(String),
    Remove,
    Rename(String),
    Set(String),
}

/// What is refused unless somebody says that they mean it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsafe {
    PasswordGrant,
    PublicWithoutPkce,
    SharedConsent,
}

impl OAuth2Builder {
    pub(super) fn new(kind: Kind, name: impl Into<DisplayText>) -> Self {
        let (api, origins, endpoints, changes, callback_capture, host_fields) = Default::default();
        Self {
            descriptor: Descriptor::new(kind, name, AuthType::OAuth),
            api,
            origins,
            endpoints,
            issuer: None,
            discover: false,
            iss_required: false,
            grant: Grant::AuthorizationCode,
            methods: None,
            ask_method: false,
            paste_redirect: PASTE_REDIRECT.to_owned(),
            pkce: true,
            client: Client::Asked,
            client_auth: ClientAuth::Body,
            body: Body::Form,
            scopes: Vec::new(),
            required_scopes: Vec::new(),
            scope_separator: " ".to_owned(),
            changes,
            code_parameter: "code".to_owned(),
            callback_capture,
            host_fields,
            response: Response::new(),
            step: None,
            renewal: None,
            semantics: RefreshSemantics::Strict,
            idle_life: None,
            refresh_with_scope: false,
            account: None,
            attach: Attach::Bearer,
            allows: Vec::new(),
        }
    }

    /// Whose kind it is, where several kinds share a provider.
    pub fn provider(mut self, provider: Kind) -> Self {
        self.descriptor.provider = provider;
        self
    }

    /// The API's address; several are alternatives, of which the first counts whose variables all have a value.
    pub fn api(mut self, address: impl Into<String>) -> Self {
        self.api.push(address.into());
        self
    }

    /// A further origin, or a wildcard such as `https://*.acme.example` for addresses with a variable.
    pub fn origin(mut self, origin: impl Into<Text>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// An address; several are alternatives as in [`api`](Self::api).
    pub fn endpoint(mut self, endpoint: Endpoint, address: impl Into<String>) -> Self {
        self.endpoints.push((endpoint, address.into()));
        self
    }

    /// Who issues tokens, as `iss` in a callback has it (RFC 9207).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// A callback without `iss` is refused.
    pub fn issuer_in_callback(mut self) -> Self {
        self.iss_required = true;
        self
    }

    /// Asks the issuer for its addresses (RFC 8414, OpenID Connect Discovery); those that are given here win.
    pub fn discover(mut self, issuer: impl Into<String>) -> Self {
        self.discover = true;
        self.issuer(issuer)
    }

    /// How access is granted; [`Grant::AuthorizationCode`] unless given.
    pub fn grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// How a user may finish; every way that the addresses allow unless given.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// Asks the user which way (the field `method`); else all of them race.
    pub fn ask_method(mut self) -> Self {
        self.ask_method = true;
        self
    }

    /// Where the browser ends when the host receives no callbacks; `http://127.0.0.1/callback` unless given.
    pub fn paste_redirect(mut self, uri: impl Into<String>) -> Self {
        self.paste_redirect = uri.into();
        self
    }

    /// Leaves PKCE out, for a provider that it breaks.
    pub fn without_pkce(mut self) -> Self {
        self.pkce = false;
        self
    }

    /// Whose application it is; [`Client::Asked`] unless given.
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// How the application proves who it is; [`ClientAuth::Body`] unless given.
    pub fn client_auth(mut self, auth: ClientAuth) -> Self {
        self.client_auth = auth;
        self
    }

    /// How bodies for the token endpoint are written.
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Asks for a scope.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Asks for a scope without which nothing works: a setup that does not get it fails and names it.
    pub fn required_scope(mut self, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        self.required_scopes.push(scope.clone());
        self.scope(scope)
    }

    /// What stands between scopes in a request; a space unless given.
    pub fn scope_separator(mut self, separator: impl Into<String>) -> Self {
        self.scope_separator = separator.into();
        self
    }

    /// A parameter beside the standard ones; a template.
    pub fn parameter(mut self, on: On, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Set(value.into())));
        self
    }

    /// A header of the request; a template.
    pub fn header(mut self, on: On, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Header(value.into())));
        self
    }

    /// Another name of a standard parameter.
    pub fn rename(mut self, on: On, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Rename(to.into())));
        self
    }

    /// Leaves a standard parameter out.
    pub fn remove(mut self, on: On, name: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Remove));
        self
    }

    /// What the callback calls the code; `code` unless given.
    pub fn code_parameter(mut self, name: impl Into<String>) -> Self {
        self.code_parameter = name.into();
        self
    }

    /// A parameter of the callback that is kept: `${config.NAME}` from then on.
    pub fn capture_from_callback(mut self, name: impl Into<String>) -> Self {
        self.callback_capture.push(name.into());
        self
    }

    /// Something that setup asks: `${config.NAME}`.
    pub fn field(mut self, field: Field) -> Self {
        self.descriptor = self.descriptor.field(field);
        self
    }

    /// Asks for what stands before `suffix` in a host's name; who types the whole address means the same.
    pub fn host_field(mut self, field: Field, suffix: impl Into<String>) -> Self {
        self.host_fields.push((field.name.to_string(), suffix.into()));
        self.field(field)
    }

    /// Where things are in an answer with tokens.
    pub fn response(mut self, response: Response) -> Self {
        self.response = response;
        self
    }

    /// A request after the tokens came, whose answer has the tokens to keep.
    pub fn then(mut self, step: Step) -> Self {
        self.step = Some(step);
        self
    }

    /// What renews; the refresh token unless given, and the grant itself for client credentials.
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// What becomes of a refresh token whose answer is lost; [`RefreshSemantics::Strict`] unless given.
    pub fn semantics(mut self, semantics: RefreshSemantics) -> Self {
        self.semantics = semantics;
        self
    }

    /// A refresh token dies when it is not used for so long.
    pub fn idle_life(mut self, life: Duration) -> Self {
        self.idle_life = Some(life);
        self
    }

    /// A renewal names the scopes that were granted.
    pub fn refresh_with_scope(mut self) -> Self {
        self.refresh_with_scope = true;
        self
    }

    /// Which account it is. Every kind must say it.
    pub fn account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }

    /// How a token is attached to requests.
    pub fn attach(mut self, attach: Attach) -> Self {
        self.attach = attach;
        self
    }

    /// Words for people: how to register an application.
    pub fn guide(mut self, text: impl Into<DisplayText>) -> Self {
        self.descriptor = self.descriptor.guide(text);
        self
    }

    /// An address for people.
    pub fn guide_link(mut self, text: impl Into<DisplayText>, url: impl Into<Text>) -> Self {
        self.descriptor = self.descriptor.guide_link(text, url);
        self
    }

    /// Allows [`Grant::Password`]: the user's own password goes through this host.
    pub fn unsafe_password_grant(mut self) -> Self {
        self.allows.push(Unsafe::PasswordGrant);
        self
    }

    /// Allows a public client without PKCE: who intercepts a code can use it.
    pub fn unsafe_public_without_pkce(mut self) -> Self {
        self.allows.push(Unsafe::PublicWithoutPkce);
        self
    }

    /// Allows [`Grant::ConsentThenClientCredentials`] with [`Client::Configured`]: an owner who names another's tenant in
    /// the callback gets its tokens.
    pub fn unsafe_shared_consent(mut self) -> Self {
        self.allows.push(Unsafe::SharedConsent);
        self
    }

    /// Checks it all.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what is missing, contradictory or unsafe.
    pub fn build(self) -> Result<OAuth2Config, ConfigError> {
        check::built(self)
    }
}
