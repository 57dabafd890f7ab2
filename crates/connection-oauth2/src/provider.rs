//! The provider as one run sees it: its addresses with their variables filled in, and the only way to send it a secret.
//!
//! Written here because the `oauth2` crate does not support it: JSON and query bodies, renamed and removed parameters,
//! headers, Basic authentication without encoding or from templates, and signed assertions.

use connection_contract::{
    BaseUrl, Context, HttpError, HttpRequest, HttpResponse, Secret, Spend, SpendContext, Value, classify, encode,
};
use oauth2::url::Url;

use crate::{
    OAuth2Error,
    answer::{Answered, host_of},
    client::{Application, assertion},
    config::{Body, ChangeKind, CheckedStep, ClientAuth, Endpoint, OAuth2Config, RequestKind, Values},
};

/// The configuration, the addresses and the values from which requests to the provider are made.
pub(crate) struct Provider<'a> {
    pub(crate) config: &'a OAuth2Config,
    pub(crate) ctx: &'a Context<'a>,
    /// The context that spends secrets; `None` in a teardown and a verification.
    pub(crate) spend: Option<&'a SpendContext<'a>>,
    /// The address that the user granted, or that is sealed with the connection.
    pub(crate) granted: Option<BaseUrl>,
    pub(crate) found: DiscoveredEndpoints,
    pub(crate) values: Values,
    /// The optional scopes that are requested in addition to the usual ones.
    pub(crate) further_scopes: Vec<String>,
}

/// The discovered facts that are needed later.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiscoveredEndpoints {
    pub(crate) endpoints: Vec<(Endpoint, String)>,
    /// A callback without `iss` must be refused (RFC 9207, section 2.4).
    pub(crate) iss: bool,
}

impl DiscoveredEndpoints {
    pub(crate) fn endpoint(&self, endpoint: Endpoint) -> Option<&str> {
        self.endpoints.iter().find(|(of, _)| *of == endpoint).map(|(_, url)| url.as_str())
    }

    /// Returns the endpoints that a refresh and a revocation need.
    pub(crate) fn kept(&self) -> Self {
        let kept = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Refresh | Endpoint::Revocation | Endpoint::Token);
        let endpoints = self.endpoints.iter().filter(|(endpoint, _)| kept(endpoint)).cloned().collect();
        Self { endpoints, iss: false }
    }
}

/// Returns `true` for a parameter whose value is a word that error codes contain, so that it is no value to hide.
fn is_word(name: &str) -> bool {
    matches!(name, "grant_type" | "token_type_hint")
}

/// The parameters of a request, and the value of its `Authorization` header.
#[derive(Default)]
pub(crate) struct Parameters {
    pub(crate) pairs: Vec<(String, String)>,
    authorization: Option<Secret>,
    /// The values that the request has in another form, such as those of the `Authorization` header.
    coded: Vec<Secret>,
    /// The request has an assertion of the application.
    is_signed: bool,
}

impl Parameters {
    pub(crate) fn new<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> Self {
        Self::of(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub(crate) fn of(pairs: Vec<(String, String)>) -> Self {
        Self { pairs, ..Self::default() }
    }

    /// Returns the values that are sent and that no error repeats.
    fn values(&self) -> Vec<Secret> {
        let pairs = self.pairs.iter().filter(|(name, _)| !is_word(name));
        let pairs = pairs.map(|(_, value)| Secret::from(value.as_str()));
        pairs.chain(self.coded.iter().chain(&self.authorization).map(Secret::duplicate)).collect()
    }

    /// Sets the header of Basic authentication.
    fn set_basic(&mut self, user: &str, password: &str) {
        let pair = Secret::concat(&[user.as_bytes(), b":", password.as_bytes()]);
        self.authorization = Some(Secret::from(format!("Basic {}", encode::base64(pair.expose()))));
        self.coded.extend([Secret::from(user), Secret::from(password)]);
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.pairs.retain(|(known, _)| known != name);
        self.pairs.push((name.to_owned(), value.into()));
    }
}

/// An address in the parts that the contract takes.
struct Address {
    base: BaseUrl,
    path: String,
    query: Vec<(String, String)>,
}

impl Provider<'_> {
    /// Returns the scopes to request.
    pub(crate) fn scopes(&self) -> Vec<String> {
        self.config.scopes.iter().chain(&self.further_scopes).cloned().collect()
    }

    /// Returns the scopes to request, joined by the separator.
    pub(crate) fn scope(&self) -> String {
        self.scopes().join(&self.config.scope_separator)
    }

    /// Makes the application's id and secret available to templates.
    pub(crate) fn know(&mut self, application: &Application) {
        self.values.set("client", "id", application.id.as_str());
        self.values.set("client", "secret", application.secret_text().unwrap_or_default());
    }

    /// Returns the address of an endpoint. A configured address takes precedence over a discovered one.
    pub(crate) fn url(&self, endpoint: Endpoint) -> Result<Option<String>, OAuth2Error> {
        let mut failed = None;
        for template in self.config.endpoint(endpoint) {
            match template.resolves(&self.values).then(|| template.url(&self.values)) {
                Some(url) => return url.map(Some),
                None => failed = Some(template.url(&self.values)),
            }
        }
        match failed {
            Some(Err(error)) => Err(error),
            _ => Ok(self.found.endpoint(endpoint).map(str::to_owned)),
        }
    }

    pub(crate) fn required(&self, endpoint: Endpoint) -> Result<String, OAuth2Error> {
        let missing = OAuth2Error::Discovery { why: "the metadata lacks an endpoint that is needed" };
        self.url(endpoint)?.ok_or(missing)
    }

    /// Returns the API's address: the first alternative whose variables all have a value.
    pub(crate) fn api(&self) -> Result<BaseUrl, OAuth2Error> {
        let resolving = self.config.api.iter().find(|template| template.resolves(&self.values));
        let Some(template) = resolving.or(self.config.api.first()) else {
            return Err(OAuth2Error::UndeclaredAddress { what: "API" });
        };
        let url = template.url(&self.values)?;
        let granted = || self.granted.clone().filter(|granted| granted.to_string() == url.trim_end_matches('/'));
        self.ctx.address(&url).ok().or_else(granted).ok_or(OAuth2Error::UndeclaredAddress { what: "API" })
    }

    /// Returns the base of an address, whose origin must be declared or granted.
    pub(crate) fn base(&self, url: &str, what: &'static str) -> Result<BaseUrl, OAuth2Error> {
        self.address(url, what).map(|address| address.base)
    }

    fn address(&self, text: &str, what: &'static str) -> Result<Address, OAuth2Error> {
        let undeclared = || OAuth2Error::UndeclaredAddress { what };
        let url = Url::parse(text).map_err(|_| undeclared())?;
        let query = url.query_pairs().into_owned().collect();
        let path = encode::from_percent(url.path()).ok_or_else(undeclared)?;
        if let Ok(base) = self.ctx.address(&url.origin().ascii_serialization()) {
            return Ok(Address { base, path, query });
        }
        let granted = self.granted.clone().ok_or_else(undeclared)?;
        let rest = text.strip_prefix(&granted.to_string()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let path = rest.and_then(|rest| rest.split('?').next()).ok_or_else(undeclared)?.to_owned();
        Ok(Address { base: granted, path, query })
    }

    /// Applies the configured deviations to the parameters of a request.
    pub(crate) fn change(&self, on: RequestKind, parameters: &mut Parameters) -> Result<(), OAuth2Error> {
        for change in self.config.changes(on) {
            match &change.how {
                ChangeKind::Header(_) => {}
                ChangeKind::Remove => parameters.pairs.retain(|(name, _)| *name != change.name),
                ChangeKind::Rename(to) => {
                    for (name, _) in parameters.pairs.iter_mut().filter(|(name, _)| *name == change.name) {
                        name.clone_from(to);
                    }
                }
                ChangeKind::Set(template) => {
                    let value = template.value(&self.values, || self.uuid())?;
                    parameters.set(&change.name, value);
                }
            }
        }
        Ok(())
    }

    /// Adds the parameters or the header that authenticate the application to this endpoint.
    pub(crate) fn authenticate(
        &self,
        application: &Application,
        endpoint: &str,
        parameters: &mut Parameters,
    ) -> Result<(), OAuth2Error> {
        let secret = || application.secret_text().ok_or(OAuth2Error::ClientMissing);
        parameters.coded.extend(application.secret.as_ref().map(Secret::duplicate));
        match application.auth.as_ref().unwrap_or(&self.config.client_auth) {
            ClientAuth::Basic => {
                let coded =
                    |text: &str| oauth2::url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                parameters.set_basic(&coded(&application.id), &coded(secret()?));
            }
            ClientAuth::BasicRaw => parameters.set_basic(&application.id, secret()?),
            ClientAuth::BasicTemplate { user, password } => {
                let mut values = self.values.with("client", "id", application.id.as_str());
                values.set("client", "secret", secret()?);
                let filled = |text: &str| match crate::config::Template::parse(text) {
                    Some(template) => template.value(&values, || self.uuid()),
                    None => Ok(text.to_owned()),
                };
                parameters.set_basic(&filled(user)?, &filled(password)?);
            }
            ClientAuth::Body => {
                parameters.set("client_id", application.id.as_str());
                parameters.set("client_secret", secret()?);
            }
            ClientAuth::None => parameters.set("client_id", application.id.as_str()),
            ClientAuth::PrivateKeyJwt(how) => {
                let issuer = self.config.issuer.as_deref();
                parameters.set("client_id", application.id.as_str());
                parameters.is_signed = true;
                parameters.set("client_assertion_type", assertion::TYPE);
                parameters.set("client_assertion", assertion::signed(how, application, issuer, endpoint, self.ctx)?);
            }
        }
        Ok(())
    }

    /// Sends a `POST` to an endpoint that takes secrets. `what` is the name of the endpoint, for errors. A request that spends a secret is sent once.
    pub(crate) async fn post(
        &self,
        on: Option<RequestKind>,
        url: &str,
        what: &'static str,
        parameters: Parameters,
        spend: Option<Spend<'_>>,
    ) -> Result<Answered, OAuth2Error> {
        let mut sent = parameters.values();
        let is_signed = parameters.is_signed;
        let mut request = self.written("POST", url, what, self.config.body, parameters)?;
        for change in on.into_iter().flat_map(|on| self.config.changes(on)) {
            if let ChangeKind::Header(template) = &change.how {
                let value = template.header(&self.values, || self.uuid())?;
                sent.push(Secret::from(value.as_str()));
                request.set_header(change.name.to_ascii_lowercase(), Secret::from(value));
            }
        }
        Ok(Answered { is_signed, ..self.send(on, request, spend, sent).await? })
    }

    /// Sends a request that the configuration describes in full.
    pub(crate) async fn step(&self, step: &CheckedStep, spend: Spend<'_>) -> Result<Answered, OAuth2Error> {
        let url = step.url.url(&self.values)?;
        let mut parameters = Parameters::default();
        for (name, template) in &step.parameters {
            parameters.set(name, template.value(&self.values, || self.uuid())?);
        }
        let body = if step.method == "GET" { Body::Query } else { Body::Form };
        let sent = parameters.values();
        let request = self.written(step.method, &url, "token endpoint", body, parameters)?;
        self.send(None, request, Some(spend), sent).await
    }

    /// Reads a document that needs no credential. `what` is its purpose, for errors.
    pub(crate) async fn get(&self, url: &str, what: &'static str) -> Result<HttpResponse, OAuth2Error> {
        let request = self.written("GET", url, what, Body::Query, Parameters::default())?;
        let host = host_of(request.url()).to_owned();
        let response = self.answered(None, host, Vec::new(), self.ctx.send(request).await)?.response;
        // Only the answer of an endpoint says why a 403 that asks to wait refuses.
        Ok(if response.class().is_temporary() { classify(Ok(response))? } else { response })
    }

    /// Sends JSON, as RFC 7591 requires.
    pub(crate) async fn post_json(
        &self,
        url: &str,
        what: &'static str,
        value: &Value,
    ) -> Result<Answered, OAuth2Error> {
        let request = self.written("POST", url, what, Body::Query, Parameters::default())?.json(value);
        self.send(None, request, None, Vec::new()).await
    }

    /// Sends a request that holds a secret or is answered with one; it follows no redirect (RFC 9700, section 4.12).
    async fn send(
        &self,
        on: Option<RequestKind>,
        request: HttpRequest,
        spend: Option<Spend<'_>>,
        mut sent: Vec<Secret>,
    ) -> Result<Answered, OAuth2Error> {
        let request = request.no_redirect();
        let url = Url::parse(request.url()).ok();
        let query = url.iter().flat_map(Url::query_pairs).filter(|(name, _)| !is_word(name));
        sent.extend(query.map(|(_, value)| Secret::from(value.into_owned())));
        let host = host_of(request.url()).to_owned();
        let result = match (spend, self.spend) {
            (Some(spend), Some(ctx)) => ctx.send_once(spend, request).await,
            _ => self.ctx.send(request).await,
        };
        self.answered(on, host, sent, result)
    }

    fn written(
        &self,
        method: &'static str,
        url: &str,
        what: &'static str,
        body: Body,
        parameters: Parameters,
    ) -> Result<HttpRequest, OAuth2Error> {
        let address = self.address(url, what)?;
        let mut request = HttpRequest::new(method, &address.base, &address.path);
        for (name, value) in &address.query {
            request = request.query(name, value);
        }
        match body {
            Body::Form => {
                for (name, value) in &parameters.pairs {
                    request = request.form(name, value);
                }
            }
            Body::Json => {
                let pairs = parameters.pairs.iter();
                request = request.json(&Value::object(pairs.map(|(n, v)| (n.as_str(), Value::from(v.as_str())))));
            }
            Body::Query => {
                for (name, value) in &parameters.pairs {
                    request = request.query(name, value);
                }
            }
        }
        if let Some(authorization) = parameters.authorization {
            request.set_header("authorization", authorization);
        }
        Ok(request.header("accept", "application/json"))
    }

    /// Classifies a response: a redirect is an error, and a temporary failure is offline. A 403 that asks to wait is left to
    /// the reader of its error, which may name a token that no longer works, and so is every answer to the request for a
    /// device's code, whose failure is told with the answer while another way is offered.
    fn answered(
        &self,
        on: Option<RequestKind>,
        host: String,
        sent: Vec<Secret>,
        result: Result<HttpResponse, HttpError>,
    ) -> Result<Answered, OAuth2Error> {
        let response = match result {
            Ok(response) if on == Some(RequestKind::Device) || response.status() == 403 => response,
            Ok(response) if !response.class().is_temporary() => response,
            result => classify(result)?,
        };
        let answered = Answered { response, host, sent, is_signed: false };
        match answered.response.status() {
            300..400 => Err(OAuth2Error::Redirected(answered.described(None))),
            _ => Ok(answered),
        }
    }

    /// Returns a random UUID (RFC 9562, section 5.4).
    fn uuid(&self) -> String {
        let mut bytes = self.ctx.random::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex = encode::hex(&bytes);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }
}
