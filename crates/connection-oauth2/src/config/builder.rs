//! The builder of an [`OAuth2Config`]; [`OAuth2Builder::build`] checks the whole description.

use std::time::Duration;

use connection_contract::{AuthType, Descriptor, DisplayText, Field, Kind, RefreshSemantics, Text};

use super::{
    Account, Attach, Body, Client, ClientAuth, ConfigError, Endpoint, Grant, Method, OAuth2Config, Renewal,
    RequestKind, Response, Step, Trim, check,
};

/// The redirect address used when the host receives no callbacks: the browser's error page shows the address to paste.
const PASTE_REDIRECT: &str = "http://127.0.0.1/callback";

/// A builder that describes a provider.
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
    pub(super) optional_scopes: Vec<String>,
    pub(super) alternative_scopes: bool,
    pub(super) scope_separator: String,
    pub(super) changes: Vec<(RequestKind, String, RawChange)>,
    pub(super) code_parameter: String,
    pub(super) callback_capture: Vec<String>,
    pub(super) scopes_in_callback: bool,
    pub(super) trims: Vec<Trim>,
    pub(super) response: Response,
    pub(super) step: Option<Step>,
    pub(super) renewal: Option<Renewal>,
    pub(super) semantics: RefreshSemantics,
    pub(super) idle_life: Option<Duration>,
    pub(super) authorization_life: Option<Duration>,
    pub(super) refresh_with_scope: bool,
    pub(super) account: Option<Account>,
    pub(super) attach: Attach,
    pub(super) credential_page: Option<String>,
    pub(super) grant_account: Option<String>,
    pub(super) client_key: Option<String>,
    pub(super) client_documents: bool,
    pub(super) callback_part: Option<String>,
    pub(super) discovered: bool,
    pub(super) allows: Vec<Unsafe>,
}

#[derive(Clone, Debug)]
pub(super) enum RawChange {
    Header(String),
    Remove,
    Rename(String),
    Set(String),
}

/// A choice that is refused unless the configuration allows it explicitly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsafe {
    PasswordGrant,
    PublicWithoutPkce,
    SharedConsent,
}

impl OAuth2Builder {
    pub(super) fn new(kind: Kind, name: impl Into<DisplayText>) -> Self {
        Self {
            descriptor: Descriptor::new(kind, name, AuthType::OAuth),
            api: Vec::new(),
            origins: Vec::new(),
            endpoints: Vec::new(),
            issuer: None,
            discover: false,
            iss_required: false,
            grant: Grant::AuthorizationCode,
            methods: None,
            ask_method: false,
            paste_redirect: PASTE_REDIRECT.to_owned(),
            pkce: true,
            client: Client::Prompted,
            client_auth: ClientAuth::Body,
            body: Body::Form,
            scopes: Vec::new(),
            required_scopes: Vec::new(),
            optional_scopes: Vec::new(),
            alternative_scopes: false,
            scope_separator: " ".to_owned(),
            changes: Vec::new(),
            code_parameter: "code".to_owned(),
            callback_capture: Vec::new(),
            scopes_in_callback: false,
            trims: Vec::new(),
            response: Response::new(),
            step: None,
            renewal: None,
            semantics: RefreshSemantics::Strict,
            idle_life: None,
            authorization_life: None,
            refresh_with_scope: false,
            account: None,
            attach: Attach::Bearer,
            credential_page: None,
            grant_account: None,
            client_key: None,
            client_documents: false,
            callback_part: None,
            discovered: false,
            allows: Vec::new(),
        }
    }

    /// Sets the provider, for kinds that share one.
    pub fn provider(mut self, provider: Kind) -> Self {
        self.descriptor.provider = provider;
        self
    }

    /// Adds an address of the API.
    ///
    /// Several addresses are alternatives: the first one whose variables all have a value is used.
    pub fn api(mut self, address: impl Into<String>) -> Self {
        self.api.push(address.into());
        self
    }

    /// Adds an origin, or a wildcard such as `https://*.acme.example` for addresses with a variable.
    pub fn origin(mut self, origin: impl Into<Text>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Adds an endpoint's address; several are alternatives, as in [`api`](Self::api).
    pub fn endpoint(mut self, endpoint: Endpoint, address: impl Into<String>) -> Self {
        self.endpoints.push((endpoint, address.into()));
        self
    }

    /// Sets the issuer of the tokens, as `iss` in a callback names it (RFC 9207).
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Refuses a callback without `iss`.
    pub fn issuer_in_callback(mut self) -> Self {
        self.iss_required = true;
        self
    }

    /// Reads the endpoints from the issuer's metadata (RFC 8414, OpenID Connect Discovery).
    ///
    /// Endpoints that are configured take precedence over those that are discovered.
    pub fn discover(mut self, issuer: impl Into<String>) -> Self {
        self.discover = true;
        self.issuer(issuer)
    }

    /// Sets how access is granted; the default is [`Grant::AuthorizationCode`].
    pub fn grant(mut self, grant: Grant) -> Self {
        self.grant = grant;
        self
    }

    /// Sets how a user may finish; the default is every method for which there is an endpoint.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = Some(methods.into_iter().collect());
        self
    }

    /// Asks the user to choose a method (the field `method`). Otherwise all methods are offered at once.
    pub fn ask_method(mut self) -> Self {
        self.ask_method = true;
        self
    }

    /// Sets the redirect address for a host that receives no callbacks; the default is `http://127.0.0.1/callback`.
    pub fn paste_redirect(mut self, uri: impl Into<String>) -> Self {
        self.paste_redirect = uri.into();
        self
    }

    /// Disables PKCE, for a provider that does not tolerate it.
    pub fn without_pkce(mut self) -> Self {
        self.pkce = false;
        self
    }

    /// Sets where the application comes from; the default is [`Client::Prompted`].
    pub fn client(mut self, client: Client) -> Self {
        self.client = client;
        self
    }

    /// Sets how the application authenticates; the default is [`ClientAuth::Body`].
    pub fn client_auth(mut self, auth: ClientAuth) -> Self {
        self.client_auth = auth;
        self
    }

    /// Sets how request bodies for the token endpoint are encoded; the default is [`Body::Form`].
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Adds a scope to request.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Adds a scope to request without which nothing works. A setup that is not granted it fails and names it.
    pub fn required_scope(mut self, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        self.required_scopes.push(scope.clone());
        self.scope(scope)
    }

    /// Adds a scope that a setup does not request by itself. A re-authorization may ask for it, for example after the
    /// provider refused a request that lacked it.
    pub fn optional_scope(mut self, scope: impl Into<String>) -> Self {
        self.optional_scopes.push(scope.into());
        self
    }

    /// Says that the provider lists scopes of which one suffices when it refuses a request for lack of a scope.
    /// The first optional scope among them is then the missing one.
    pub fn alternative_scopes(mut self) -> Self {
        self.alternative_scopes = true;
        self
    }

    /// Sets the separator between scopes in a request; the default is a space.
    pub fn scope_separator(mut self, separator: impl Into<String>) -> Self {
        self.scope_separator = separator.into();
        self
    }

    /// Adds a parameter to the standard ones. The value is a template.
    pub fn parameter(mut self, on: RequestKind, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Set(value.into())));
        self
    }

    /// Adds a header to the request. The value is a template.
    pub fn header(mut self, on: RequestKind, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Header(value.into())));
        self
    }

    /// Sends a standard parameter of the request by another name.
    pub fn rename(mut self, on: RequestKind, name: impl Into<String>, to: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Rename(to.into())));
        self
    }

    /// Leaves a standard parameter out of the request.
    pub fn remove(mut self, on: RequestKind, name: impl Into<String>) -> Self {
        self.changes.push((on, name.into(), RawChange::Remove));
        self
    }

    /// Sets the name of the callback parameter that holds the code; the default is `code`.
    pub fn code_parameter(mut self, name: impl Into<String>) -> Self {
        self.code_parameter = name.into();
        self
    }

    /// Stores a parameter of the callback, which templates can use as `${config.NAME}` from then on.
    pub fn capture_from_callback(mut self, name: impl Into<String>) -> Self {
        self.callback_capture.push(name.into());
        self
    }

    /// Takes the granted scopes from the parameter `scope` of the callback, if the token response does not name them.
    pub fn scopes_in_callback(mut self) -> Self {
        self.scopes_in_callback = true;
        self
    }

    /// Adds a field that the setup asks for, which templates can use as `${config.NAME}`.
    pub fn field(mut self, field: Field) -> Self {
        self.descriptor = self.descriptor.field(field);
        self
    }

    /// Adds a field from whose answer these texts are removed, if it begins or ends with them.
    pub fn trimmed_field(
        mut self,
        field: Field,
        prefixes: impl IntoIterator<Item = impl Into<String>>,
        suffixes: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let prefixes = prefixes.into_iter().map(Into::into).collect();
        let suffixes = suffixes.into_iter().map(Into::into).collect();
        self.trims.push(Trim { field: field.name.to_string(), prefixes, suffixes });
        self.field(field)
    }

    /// Sets where the parts of a token response are.
    pub fn response(mut self, response: Response) -> Self {
        self.response = response;
        self
    }

    /// Adds a request that is sent after the tokens were received, and whose response holds the tokens to keep.
    pub fn then(mut self, step: Step) -> Self {
        self.step = Some(step);
        self
    }

    /// Sets how tokens are refreshed.
    ///
    /// The default is the refresh token, or running the grant again for grants that use client credentials.
    pub fn renewal(mut self, renewal: Renewal) -> Self {
        self.renewal = Some(renewal);
        self
    }

    /// Sets what becomes of a refresh token whose response is lost; the default is [`RefreshSemantics::Strict`].
    pub fn semantics(mut self, semantics: RefreshSemantics) -> Self {
        self.semantics = semantics;
        self
    }

    /// Sets the time without use after which a refresh token expires.
    pub fn idle_life(mut self, life: Duration) -> Self {
        self.idle_life = Some(life);
        self
    }

    /// Sets the time after the user's authorization at which the provider ends it, however often it is refreshed.
    ///
    /// A lifetime of the refresh token that the provider states takes precedence.
    pub fn authorization_life(mut self, life: Duration) -> Self {
        self.authorization_life = Some(life);
        self
    }

    /// Names the granted scopes in a refresh request.
    pub fn refresh_with_scope(mut self) -> Self {
        self.refresh_with_scope = true;
        self
    }

    /// Sets how the account is identified. Every kind must set it.
    pub fn account(mut self, account: Account) -> Self {
        self.descriptor.account_is_email = account.is_email;
        self.account = Some(account);
        self
    }

    /// Sets how a token is attached to requests; the default is [`Attach::Bearer`].
    pub fn attach(mut self, attach: Attach) -> Self {
        self.attach = attach;
        self
    }

    /// Sets the page on which a person ends the access of the application, as an `https` address. It may depend on the
    /// answers of the setup.
    pub fn credential_page(mut self, address: impl Into<String>) -> Self {
        self.credential_page = Some(address.into());
        self
    }

    /// Declares that the provider can only end everything that an account has granted to the application. The pointer
    /// leads, in the response to the probe, to the value that names the account alike in all kinds of the provider.
    pub fn revocation_ends_grant(mut self, account: impl Into<String>) -> Self {
        self.descriptor = self.descriptor.revocation_ends_grant();
        self.grant_account = Some(account.into());
        self
    }

    /// Adds a paragraph to the guide that tells people how to register an application.
    pub fn guide(mut self, text: impl Into<DisplayText>) -> Self {
        self.descriptor = self.descriptor.guide(text);
        self
    }

    /// Adds a link to the guide.
    pub fn guide_link(mut self, text: impl Into<DisplayText>, url: impl Into<Text>) -> Self {
        self.descriptor = self.descriptor.guide_link(text, url);
        self
    }

    /// States that no `GET` and no `HEAD` changes anything at the provider ([`Descriptor::gets_only_read`]).
    pub fn gets_only_read(mut self) -> Self {
        self.descriptor = self.descriptor.gets_only_read();
        self
    }

    /// Adds a preset of rules for programs that use a connection, from its name and its rules as JSON text
    /// ([`Descriptor::rule_preset`]).
    pub fn rule_preset(mut self, name: impl Into<Text>, rules: impl Into<Text>) -> Self {
        self.descriptor = self.descriptor.rule_preset(name, rules);
        self
    }

    /// Allows [`Grant::Password`], which sends the user's own password through this host.
    pub fn unsafe_password_grant(mut self) -> Self {
        self.allows.push(Unsafe::PasswordGrant);
        self
    }

    /// Allows a public client without PKCE. Anyone who intercepts a code can then redeem it.
    pub fn unsafe_public_without_pkce(mut self) -> Self {
        self.allows.push(Unsafe::PublicWithoutPkce);
        self
    }

    /// Allows [`Grant::ConsentThenClientCredentials`] with [`Client::Configured`].
    ///
    /// An owner who names another owner's tenant in the callback gets that tenant's tokens.
    pub fn unsafe_shared_consent(mut self) -> Self {
        self.allows.push(Unsafe::SharedConsent);
        self
    }

    /// Keeps the application under this key, in place of [`CLIENT_KEY`](crate::CLIENT_KEY), for a kind whose setups use
    /// several authorization servers.
    pub fn client_key(mut self, key: impl Into<String>) -> Self {
        self.client_key = Some(key.into());
        self
    }

    /// Says that the id of an application may be the address of a document. With [`Client::Registered`], a host that
    /// serves such a document then registers nothing.
    pub fn client_documents(mut self) -> Self {
        self.client_documents = true;
        self
    }

    /// Takes the callback at an address of its own, which ends with this part. Pasted text must then be a whole address.
    pub fn callback_part(mut self, part: impl Into<String>) -> Self {
        self.callback_part = Some(part.into());
        self
    }

    /// Says that a setup has [discovered](connection_contract::SetupContext::discovered) the addresses, so that the host
    /// decides which of them are used.
    pub fn discovered(mut self) -> Self {
        self.discovered = true;
        self
    }

    /// Checks the description and builds the configuration.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names what is missing, contradictory or unsafe.
    pub fn build(self) -> Result<OAuth2Config, ConfigError> {
        check::built(self)
    }
}
