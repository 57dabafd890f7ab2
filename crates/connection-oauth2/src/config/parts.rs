//! What a provider's deviations are made of.

use connection_contract::{Secret, SignatureAlgorithm, Way};

/// An address of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Endpoint {
    /// Where the browser goes (RFC 6749, section 3.1).
    Authorize,
    /// Where a device asks for its code (RFC 8628, section 3.1).
    Device,
    /// Where an authorization request is pushed first (RFC 9126).
    PushedAuthorization,
    /// Where a renewal goes; the token's own unless given.
    Refresh,
    /// Where an application registers itself (RFC 7591).
    Registration,
    /// Where tokens are given back (RFC 7009).
    Revocation,
    /// Where codes become tokens (RFC 6749, section 3.2).
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

/// A request whose parameters a provider wants otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum On {
    /// The browser's address, also when it is pushed.
    Authorize,
    /// The request for a device's code.
    Device,
    /// The renewal. It inherits nothing from [`On::Token`].
    Refresh,
    /// The request for tokens.
    Token,
}

/// How a user may finish an authorization in the browser; those that are offered race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// The browser comes back to the host.
    Browser,
    /// A code is typed at the provider, on any machine.
    Device,
    /// The browser's last address, or the code in it, is pasted.
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

    pub(crate) fn way(self) -> Way {
        match self {
            Self::Browser => Way::Browser,
            Self::Device => Way::Device,
            Self::Paste => Way::Paste,
        }
    }
}

/// How access is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// A user in a browser (RFC 6749, section 4.1), or with a device's code where there is such an endpoint.
    AuthorizationCode,
    /// The application itself (RFC 6749, section 4.4).
    ClientCredentials,
    /// An administrator consents in a browser, and the application gets its own tokens.
    ConsentThenClientCredentials,
    /// A device's code alone (RFC 8628).
    DeviceCode,
    /// The user's own password, which no new application may ask for (RFC 9700, section 2.4): refused unless
    /// [`unsafe_password_grant`](super::OAuth2Builder::unsafe_password_grant) says so.
    Password,
}

/// Whose application it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Client {
    /// The first setup asks for it, and the next use it, per owner.
    Asked,
    /// The host's.
    Configured {
        /// Its id.
        id: String,
        /// Its secret, or its private key in PEM; none for a public one.
        secret: Option<Secret>,
    },
    /// Each setup asks for its own, which stays with the connection.
    PerConnection,
    /// It registers itself (RFC 7591), once per owner and redirect address.
    Registered,
}

/// How the application proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// HTTP Basic, form-encoded first as RFC 6749, section 2.3.1 says.
    Basic,
    /// HTTP Basic, as it is.
    BasicRaw,
    /// HTTP Basic of two templates: `${client.secret}` and nothing.
    BasicTemplate {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
    /// Id and secret in the body.
    Body,
    /// A public client: its id alone, and PKCE.
    None,
    /// A signed assertion (RFC 7523, section 2.2); the client's secret is its private key.
    PrivateKeyJwt(Assertion),
}

/// How an assertion is made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assertion {
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) key_id: Option<String>,
    pub(crate) audience: Audience,
    pub(crate) lifetime: u64,
}

impl Assertion {
    /// Signed so, for the issuer where there is one, else for the endpoint that it is sent to; for a minute.
    pub fn new(algorithm: SignatureAlgorithm) -> Self {
        Self { algorithm, key_id: None, audience: Audience::Issuer, lifetime: 60 }
    }

    /// Names the key.
    #[must_use]
    pub fn key_id(mut self, id: impl Into<String>) -> Self {
        self.key_id = Some(id.into());
        self
    }

    /// For whom it is. Never more than one: else one server could use it at another.
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }
}

/// For whom an assertion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Audience {
    /// The very endpoint that it is sent to.
    Endpoint,
    /// The issuer.
    Issuer,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// JSON with the same names.
    Json,
    /// In the address. Servers log addresses: only where nothing else works.
    Query,
}

/// A request after the tokens came, or in the place of a renewal; `${token.access}` is the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Step {
    /// A `GET` with a query.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), parameters: Vec::new() }
    }

    /// A `POST` with a form.
    pub fn post(url: impl Into<String>) -> Self {
        Self { method: "POST", ..Self::get(url) }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }
}

/// What renews.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Renewal {
    /// Nothing does.
    Never,
    /// The refresh token (RFC 6749, section 6).
    RefreshToken,
    /// The grant is run again; what client credentials do.
    Rerun,
    /// A request with the access token itself, while it still works.
    Step(Step),
}

/// How a token is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attach {
    /// `Authorization: Bearer …`, whatever the provider calls the token's type.
    #[default]
    Bearer,
    /// In a header of this name, behind these words.
    Header {
        /// `x-access-token`
        name: String,
        /// `Token `, or nothing.
        prefix: String,
    },
}
