//! The parts of a configuration: endpoints, grants, methods, client authentication and other choices.

use connection_contract::{Secret, SetupMethod, SignatureAlgorithm};

/// An endpoint of the provider, by its role in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Endpoint {
    /// The page that the browser opens (RFC 6749, section 3.1).
    Authorize,
    /// The endpoint that issues device codes (RFC 8628, section 3.1).
    Device,
    /// The endpoint that an authorization request is pushed to first (RFC 9126).
    PushedAuthorization,
    /// The endpoint for refresh requests; the token endpoint unless given.
    Refresh,
    /// The endpoint where an application registers itself (RFC 7591).
    Registration,
    /// The endpoint that revokes tokens (RFC 7009).
    Revocation,
    /// The endpoint that exchanges codes for tokens (RFC 6749, section 3.2).
    Token,
}

impl Endpoint {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorization endpoint",
            Self::Device => "device authorization endpoint",
            Self::PushedAuthorization => "pushed authorization request endpoint",
            Self::Refresh => "refresh endpoint",
            Self::Registration => "registration endpoint",
            Self::Revocation => "revocation endpoint",
            Self::Token => "token endpoint",
        }
    }
}

/// A request whose parameters or headers can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RequestKind {
    /// The authorization request, whether the browser carries it or it is pushed.
    Authorize,
    /// The request for a device code.
    Device,
    /// The refresh request. It inherits nothing from [`RequestKind::Token`].
    Refresh,
    /// The request that exchanges a grant for tokens.
    Token,
}

/// The way in which a user finishes an authorization. The methods that are offered run at once; the first to succeed
/// wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// The browser returns to the host.
    Browser,
    /// A code is typed at the provider, on any machine.
    Device,
    /// The user pastes the address that the browser ends on, or the code in it.
    Paste,
}

impl Method {
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Device => "device",
            Self::Paste => "paste",
        }
    }

    pub(crate) fn setup_method(self) -> SetupMethod {
        match self {
            Self::Browser => SetupMethod::Browser,
            Self::Device => SetupMethod::Device,
            Self::Paste => SetupMethod::Paste,
        }
    }
}

/// The grant by which the application obtains tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// A user authorizes in a browser (RFC 6749, section 4.1), or with a device code if the provider has that endpoint.
    AuthorizationCode,
    /// The application acts for itself (RFC 6749, section 4.4).
    ClientCredentials,
    /// An administrator consents in a browser, and the application then gets its own tokens.
    ConsentThenClientCredentials,
    /// A user authorizes with a device code only (RFC 8628).
    DeviceCode,
    /// The user's own password is exchanged for tokens, which no new application may do (RFC 9700, section 2.4).
    ///
    /// Refused unless [`unsafe_password_grant`](super::OAuth2Builder::unsafe_password_grant) allows it.
    Password,
}

/// The way in which a kind gets its OAuth application.
#[derive(Debug)]
#[non_exhaustive]
pub enum Client {
    /// The first setup asks for the application; later setups of the same owner use it.
    Prompted,
    /// The host provides the application.
    Configured {
        /// The `client_id` that the provider assigned to the application.
        id: String,
        /// The secret of the application, or its private key in PEM; `None` for a public client.
        secret: Option<Secret>,
    },
    /// Each setup asks for an application, which is stored with the connection.
    PerConnection,
    /// The application registers itself (RFC 7591), once per owner and redirect address.
    Registered,
}

/// The way in which the application authenticates to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// HTTP Basic with form-encoded values, as RFC 6749, section 2.3.1, requires.
    Basic,
    /// HTTP Basic with the values as they are.
    BasicRaw,
    /// HTTP Basic with two templates, such as `${client.secret}` and an empty password.
    BasicTemplate {
        /// The template of the user name.
        user: String,
        /// The template of the password, which may be empty.
        password: String,
    },
    /// The id and the secret in the body.
    Body,
    /// A public client, which sends its id alone and relies on PKCE.
    None,
    /// A signed assertion (RFC 7523, section 2.2); the client's secret is its private key.
    PrivateKeyJwt(Assertion),
}

impl ClientAuth {
    /// Returns the way with this name of the registry for `token_endpoint_auth_method` (RFC 7591, section 2), for those
    /// that need no more than the secret.
    pub fn of_method(name: &str) -> Option<Self> {
        match name {
            "client_secret_basic" => Some(Self::Basic),
            "client_secret_post" => Some(Self::Body),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// Returns the name in that registry.
    pub(crate) fn method(&self) -> Option<&'static str> {
        match self {
            Self::Basic | Self::BasicRaw | Self::BasicTemplate { .. } => Some("client_secret_basic"),
            Self::Body => Some("client_secret_post"),
            Self::None => Some("none"),
            Self::PrivateKeyJwt(_) => Some("private_key_jwt"),
        }
    }
}

/// The description of a client assertion: its algorithm, key id and audience.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assertion {
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) key_id: Option<String>,
    pub(crate) audience: Audience,
    pub(crate) lifetime: u64,
}

impl Assertion {
    /// Returns an assertion that is signed with this algorithm and valid for one minute.
    ///
    /// Its audience is the issuer if one is configured, otherwise the endpoint that it is sent to.
    pub fn new(algorithm: SignatureAlgorithm) -> Self {
        Self { algorithm, key_id: None, audience: Audience::Issuer, lifetime: 60 }
    }

    /// Sets the id of the key (`kid`).
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    /// Sets the audience. It is always a single one, because with several one server could use the assertion at
    /// another.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }
}

/// The value of `aud` in an assertion that authenticates the application (RFC 7523, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// The endpoint that the assertion is sent to.
    Endpoint,
    /// The issuer; the endpoint if no issuer is configured.
    Issuer,
}

/// The encoding of a request body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// A form, which is sent as `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// JSON with the same names.
    Json,
    /// The query of the address. Servers log addresses, so use it only where nothing else works.
    Query,
}

/// A request after the tokens were received, or in place of a refresh; `${token.access}` is the access token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Step {
    /// Returns a `GET` whose parameters are in the query.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), parameters: Vec::new() }
    }

    /// Returns a `POST` whose parameters are in a form.
    pub fn post(url: impl Into<String>) -> Self {
        Self { method: "POST", ..Self::get(url) }
    }

    /// Adds a parameter after the others.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }
}

/// The way in which tokens are refreshed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Renewal {
    /// Tokens are not refreshed: when they expire, a person authorizes again.
    Never,
    /// The refresh token is exchanged (RFC 6749, section 6).
    RefreshToken,
    /// The grant is run again, as for client credentials.
    Rerun,
    /// A request is sent with the access token itself, while it still works.
    Step(Step),
}

/// The way in which a token is attached to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attach {
    /// `Authorization: Bearer …`, whatever the provider calls the token's type.
    #[default]
    Bearer,
    /// A header of this name whose value is the prefix followed by the token.
    Header {
        /// The name of the header, such as `x-access-token`.
        name: String,
        /// The text before the token, such as `Token `, or nothing.
        prefix: String,
    },
}
