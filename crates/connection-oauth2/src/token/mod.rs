//! The stored credential of an authorization.

pub(crate) mod exchange;
pub(crate) mod expiry;
mod extra;
mod http_client;
mod login;
pub(crate) mod refusal;
pub(crate) mod response;
mod text;

use connection_contract::{CredentialError, Record, Secret, Timestamp};

pub(crate) use self::extra::Extra;
pub use self::{
    expiry::{LifeUnit, expires_at, expires_in, expires_in_at},
    login::{LoginAnswer, login_answer},
};
use crate::{
    config::{Endpoint, OPENID, Values},
    provider::DiscoveredEndpoints,
};

/// An access token, with the refresh token that replaces both, if there is one.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) valid_until: Option<Timestamp>,
}

impl Tokens {
    pub(crate) fn duplicate(&self) -> Self {
        let refresh = self.refresh.as_ref().map(Secret::duplicate);
        Self { access: self.access.duplicate(), refresh, valid_until: self.valid_until }
    }
}

/// The tokens of a connection, and everything needed to refresh and revoke them. `Debug` shows no secret.
#[derive(Debug)]
pub struct OAuth2Credential {
    pub(crate) tokens: Tokens,
    /// The further sets of tokens, each refreshed beside the main set.
    pub(crate) extra: Vec<Extra>,
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) authorized_until: Option<Timestamp>,
    /// The application that obtained the tokens; another one cannot refresh them.
    pub(crate) client_id: String,
    /// The application's secret, if each connection brings its own or the application registered itself.
    pub(crate) client_secret: Option<Secret>,
    /// How the application authenticates, if the server chose another way than the configuration.
    pub(crate) client_auth: Option<String>,
    /// The answered and captured values. They are stored here and not only as configuration, because values that decide
    /// where a secret goes must be sealed.
    pub(crate) values: Values,
    pub(crate) found: DiscoveredEndpoints,
    /// Whether the account is named by the `sub` of the ID token, if the kind asks for that. Later scopes do not change it.
    pub(crate) by_subject: Option<bool>,
}

/// The first field of every credential, which decides the fields that follow.
const VERSION: &str = "1";

impl OAuth2Credential {
    /// Returns the id of the application that obtained the tokens, which some APIs require in a header.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns the refresh token, which some providers require to revoke an authorization.
    pub fn refresh_token(&self) -> Option<&Secret> {
        self.tokens.refresh.as_ref()
    }

    /// Returns the access token, which is sent with each request.
    pub fn access_token(&self) -> &Secret {
        &self.tokens.access
    }

    /// Returns `true` if the provider granted this scope, or named none when it was requested.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().flatten().any(|granted| granted == scope)
    }

    /// Returns `true` if the account was named by the `sub` of its ID token when it was authorized. A credential that an
    /// earlier version stored does not say so; its scopes do.
    pub fn is_by_subject(&self) -> bool {
        self.by_subject.unwrap_or_else(|| self.has_scope(OPENID))
    }

    /// Returns the earliest end of an access token that a refresh extends.
    pub(crate) fn valid_until(&self) -> Option<Timestamp> {
        self.tokens.valid_until.into_iter().chain(self.extra.iter().filter_map(Extra::valid_until)).min()
    }

    /// Returns the set with this name.
    pub(crate) fn extra(&self, name: &str) -> Option<&Extra> {
        self.extra.iter().find(|extra| extra.name == name)
    }

    /// Returns all sets that may still work, the main set first.
    pub(crate) fn sets(&self) -> impl Iterator<Item = &Tokens> {
        let extra = self.extra.iter().filter(|extra| extra.works()).map(|extra| &extra.tokens);
        std::iter::once(&self.tokens).chain(extra)
    }

    /// Returns the credential as bytes, for a kind that stores it with facts of its own.
    pub fn encode(&self) -> Secret {
        let mut record = Record::new().with("version", VERSION).with("clientId", self.client_id.as_str());
        if let Some(secret) = &self.client_secret {
            record = record.with("clientSecret", secret.duplicate());
        }
        if let Some(auth) = &self.client_auth {
            record = record.with("clientAuth", auth.as_str());
        }
        record = with_tokens(record, &self.tokens);
        if let Some(scopes) = &self.scopes {
            record = record.with("scopes", scopes.join(" "));
        }
        if let Some(until) = self.authorized_until {
            record = record.with("authorizedUntil", until.to_rfc3339());
        }
        if let Some(is_by_subject) = self.by_subject {
            record = record.with("bySubject", if is_by_subject { "yes" } else { "no" });
        }
        for (name, value) in self.values.config() {
            record = record.with("value", name).with("is", value);
        }
        for (endpoint, url) in &self.found.endpoints {
            record = record.with("endpoint", endpoint_name(*endpoint)).with("at", url.as_str());
        }
        for extra in &self.extra {
            record = with_tokens(record.with("set", extra.name.as_str()), &extra.tokens);
            if let Some(state) = extra.state() {
                record = record.with("state", state);
            }
        }
        record.encode()
    }

    /// Reads what [`encode`](Self::encode) of this or an earlier version has written.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] for other bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let record = Record::decode(bytes)?;
        if record.text("version")? != VERSION {
            return Err(CredentialError::Malformed);
        }
        let mut read = Self {
            tokens: Tokens { access: Secret::default(), refresh: None, valid_until: None },
            extra: Vec::new(),
            scopes: None,
            authorized_until: None,
            client_id: String::new(),
            client_secret: None,
            client_auth: None,
            values: Values::default(),
            found: DiscoveredEndpoints::default(),
            by_subject: None,
        };
        let mut value_of = None;
        let mut endpoint_of = None;
        for (name, field) in record.fields() {
            let text = || field.expose_str().ok_or(CredentialError::Malformed);
            let time = || Timestamp::parse_rfc3339(text()?).map(Some).ok_or(CredentialError::Malformed);
            let tokens = read.extra.last_mut().map_or(&mut read.tokens, |extra| &mut extra.tokens);
            match name {
                "version" => {}
                "access" => tokens.access = field.duplicate(),
                "refresh" => tokens.refresh = Some(field.duplicate()),
                "until" => tokens.valid_until = time()?,
                "clientId" => text()?.clone_into(&mut read.client_id),
                "clientAuth" => read.client_auth = Some(text()?.to_owned()),
                "clientSecret" => read.client_secret = Some(field.duplicate()),
                "scopes" => read.scopes = Some(text()?.split(' ').filter(|s| !s.is_empty()).map(Into::into).collect()),
                "authorizedUntil" => read.authorized_until = time()?,
                "bySubject" => match text()? {
                    "yes" => read.by_subject = Some(true),
                    "no" => read.by_subject = Some(false),
                    _ => return Err(CredentialError::Malformed),
                },
                "value" => value_of = Some(text()?.to_owned()),
                "is" => read.values.set("config", &value_of.take().ok_or(CredentialError::Malformed)?, text()?),
                "endpoint" => endpoint_of = Some(endpoint_called(text()?).ok_or(CredentialError::Malformed)?),
                "at" => {
                    let endpoint = endpoint_of.take().ok_or(CredentialError::Malformed)?;
                    read.found.endpoints.push((endpoint, text()?.to_owned()));
                }
                "set" => {
                    let tokens = Tokens { access: Secret::default(), refresh: None, valid_until: None };
                    read.extra.push(Extra::new(text()?, tokens));
                }
                "state" => read.extra.last_mut().ok_or(CredentialError::Malformed)?.set_state(text()?)?,
                // A later version may have more fields.
                _ => return Err(CredentialError::Malformed),
            }
        }
        let is_empty = |tokens: &Tokens| tokens.access.is_empty();
        if is_empty(&read.tokens) || read.extra.iter().any(|extra| is_empty(&extra.tokens)) {
            return Err(CredentialError::MissingField("access".into()));
        }
        Ok(read)
    }
}

fn with_tokens(record: Record, tokens: &Tokens) -> Record {
    let mut record = record.with("access", tokens.access.duplicate());
    if let Some(refresh) = &tokens.refresh {
        record = record.with("refresh", refresh.duplicate());
    }
    if let Some(until) = tokens.valid_until {
        record = record.with("until", until.to_rfc3339());
    }
    record
}

/// The endpoints that a stored credential needs.
const STORED_ENDPOINTS: [(Endpoint, &str); 3] =
    [(Endpoint::Refresh, "refresh"), (Endpoint::Revocation, "revocation"), (Endpoint::Token, "token")];

fn endpoint_name(endpoint: Endpoint) -> &'static str {
    STORED_ENDPOINTS.iter().find(|(known, _)| *known == endpoint).map_or("token", |(_, name)| name)
}

fn endpoint_called(name: &str) -> Option<Endpoint> {
    STORED_ENDPOINTS.iter().find(|(_, known)| *known == name).map(|(endpoint, _)| *endpoint)
}
