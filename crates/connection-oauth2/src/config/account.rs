//! The account that a connection reaches, and the request that identifies it.

use connection_contract::Value;

use super::{Attach, ConfigError, ErrorIf};

/// Headers that a configuration may not set: they hold the credential, or belong to the HTTP connection.
const OWN: [&str; 7] =
    ["authorization", "connection", "content-length", "cookie", "host", "proxy-authorization", "transfer-encoding"];

/// The place from which a setup reads the id and the label of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountFrom {
    /// The application itself, identified by its id.
    Client,
    /// The claims of `id_token`, if there is one. Otherwise the account has an empty id.
    IfKnown,
    /// The claims of `id_token`, received directly from the token endpoint.
    IdToken,
    /// The response to the request that verifies the connection.
    Probe,
    /// The response of the token endpoint.
    TokenResponse,
}

/// The account that a connection reaches, and the request that verifies it.
///
/// The example describes a GraphQL API that answers a refusal or a rate limit with status 400:
///
/// ```
/// use connection_contract::Value;
/// use connection_oauth2::{Account, ErrorIf};
///
/// let code = |code: &'static str| ErrorIf::equals("/errors/0/extensions/code", code);
/// Account::probe("/graphql", "/data/viewer/id", "/data/viewer/name")
///     .json(Value::object([("query", Value::from("{ viewer { id name } }"))]))
///     .error_if(code("AUTHENTICATION_ERROR"))
///     .limited_if(code("RATELIMITED"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Account {
    pub(crate) from: AccountFrom,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) id: Vec<String>,
    pub(crate) label: Vec<String>,
    pub(crate) errors: Vec<ErrorIf>,
    pub(crate) limits: Vec<ErrorIf>,
    /// The probe is sent when an account is connected.
    pub(crate) probes: bool,
    /// The id that the probe reads can be changed at the provider.
    pub(crate) is_mutable: bool,
    /// The id that the probe reads is an e-mail address.
    pub(crate) is_email: bool,
    /// The `sub` of an ID token is the id of an account whose authorization has one.
    pub(crate) by_subject: bool,
}

/// The scope with which a provider issues an ID token (OpenID Connect Core, section 3.1.2.1).
pub(crate) const OPENID: &str = "openid";

impl Account {
    /// Identifies the account by a `GET` of this path below the API's address, at these JSON pointers.
    ///
    /// A path that begins with `https://` is an address of its own, for a userinfo endpoint elsewhere.
    pub fn probe(path: impl Into<String>, id: impl Into<String>, label: impl Into<String>) -> Self {
        let id = vec![id.into()];
        let label = vec![label.into()];
        Self {
            from: AccountFrom::Probe,
            method: "GET",
            path: path.into(),
            headers: Vec::new(),
            body: None,
            id,
            label,
            errors: Vec::new(),
            limits: Vec::new(),
            probes: true,
            is_mutable: false,
            is_email: false,
            by_subject: false,
        }
    }

    /// Declares that the id which the probe reads can be changed at the provider, such as a user name.
    #[must_use]
    pub fn mutable(mut self) -> Self {
        self.is_mutable = true;
        self
    }

    /// Declares that the id which the probe reads is an e-mail address, in which capital letters make no difference.
    #[must_use]
    pub fn email(mut self) -> Self {
        self.is_email = true;
        self
    }

    /// Names the account by the `sub` of its ID token instead of the e-mail address that the probe reads, which remains
    /// its label, if the authorization has the scope `openid`. The id of an earlier authorization remains the address.
    #[must_use]
    pub fn by_subject(mut self) -> Self {
        self.by_subject = true;
        self
    }

    /// Connects an account without sending the probe, for a kind that sends a request of its own afterwards.
    ///
    /// The account is then identified by another source than the probe; see [`from`](Self::from).
    #[must_use]
    pub fn without_probe(mut self) -> Self {
        self.probes = false;
        self
    }

    /// Returns the address of the probe if it is not a path below the API's address.
    pub(crate) fn elsewhere(&self) -> Option<&str> {
        Some(self.path.as_str()).filter(|path| path.contains("://"))
    }

    /// Takes the account from the claims of `id_token` if the answer to the code has one, and lets the caller of the setup
    /// name it otherwise: its id is then empty.
    pub fn if_known(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self::probe("/", id, label).from(AccountFrom::IfKnown).without_probe()
    }

    /// Reads the pointers from this source instead. The probe then verifies only that the token works.
    #[must_use]
    pub fn from(mut self, from: AccountFrom) -> Self {
        self.from = from;
        self
    }

    /// Sets the method of the request; the default is `GET`.
    #[must_use]
    pub fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// Adds a header to the request. The value must not be a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets a JSON body and makes the request a `POST`, unless [`method`](Self::method) is called after this.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self.method("POST")
    }

    /// Adds an alternative pointer to the account's id.
    #[must_use]
    pub fn or_id(mut self, pointer: impl Into<String>) -> Self {
        self.id.push(pointer.into());
        self
    }

    /// Adds an alternative pointer to the account's display name.
    #[must_use]
    pub fn or_label(mut self, pointer: impl Into<String>) -> Self {
        self.label.push(pointer.into());
        self
    }

    /// Treats a matching response as a rate limit, whatever its status.
    #[must_use]
    pub fn limited_if(mut self, limit: ErrorIf) -> Self {
        self.limits.push(limit);
        self
    }

    /// Treats a matching response as a refusal of the token, whatever its status.
    ///
    /// A response with status 408, 429 or 5xx never is one, because the condition is temporary.
    #[must_use]
    pub fn error_if(mut self, error: ErrorIf) -> Self {
        self.errors.push(error);
        self
    }

    /// Checks that the request is well-formed and sets no reserved header.
    pub(super) fn check(&self, attach: &Attach) -> Result<(), ConfigError> {
        if !self.probes && self.from == AccountFrom::Probe {
            return Err(ConfigError::Contradiction("the account is identified by a probe that is not sent"));
        }
        let is_method = !self.method.is_empty() && self.method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_method {
            return Err(ConfigError::Contradiction("the account's method is not a word in capital letters"));
        }
        if self.body.is_some() && self.method == "GET" {
            return Err(ConfigError::Contradiction("the account's request is a GET with a body"));
        }
        for (name, value) in &self.headers {
            let is_token =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            let is_line = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            let attached = matches!(attach, Attach::Header { name: own, .. } if own.eq_ignore_ascii_case(name));
            let is_own = attached || OWN.iter().any(|own| own.eq_ignore_ascii_case(name));
            if !is_token || !is_line || is_own {
                return Err(ConfigError::Header { name: name.clone() });
            }
        }
        Ok(())
    }
}
