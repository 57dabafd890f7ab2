//! Metadata of authorization servers (RFC 8414, and OpenID Connect Discovery), which the `oauth2` crate does not support.
//!
//! Metadata is used only if it names exactly the issuer that was asked. An endpoint outside the declared origins is
//! refused when it is used, whatever the issuer says.

use connection_contract::{HttpResponse, Value};
use oauth2::url::Url;

use crate::{
    OAuth2Error, ProviderAnswer,
    answer::host_of,
    config::{Endpoint, is_safe_address},
    provider::{DiscoveredEndpoints, Provider},
};

/// The largest accepted size of metadata, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// The name of each endpoint in the metadata (RFC 8414, section 2; RFC 8628, section 4; RFC 9126, section 5).
const NAMES: [(Endpoint, &str); 6] = [
    (Endpoint::Authorize, "authorization_endpoint"),
    (Endpoint::Device, "device_authorization_endpoint"),
    (Endpoint::PushedAuthorization, "pushed_authorization_request_endpoint"),
    (Endpoint::Registration, "registration_endpoint"),
    (Endpoint::Revocation, "revocation_endpoint"),
    (Endpoint::Token, "token_endpoint"),
];

/// The metadata of an authorization server (RFC 8414, section 2; OpenID Connect Discovery, section 3).
///
/// ```
/// use connection_contract::Value;
/// use connection_oauth2::{Endpoint, ServerMetadata};
///
/// let document = Value::parse(br#"{
///     "issuer": "https://id.acme.example",
///     "token_endpoint": "https://id.acme.example/token",
///     "code_challenge_methods_supported": ["S256"]
/// }"#)?;
/// let metadata = ServerMetadata::of(&document, "https://id.acme.example").expect("it names the issuer");
/// assert_eq!(metadata.endpoint(Endpoint::Token), Some("https://id.acme.example/token"));
/// assert_eq!(metadata.s256, Some(true));
/// assert!(ServerMetadata::of(&document, "https://id.acme.example/").is_err());
/// # Ok::<(), connection_contract::JsonError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerMetadata {
    /// The endpoints, by their role.
    pub endpoints: Vec<(Endpoint, String)>,
    /// `true` if the server sends `iss` with each answer to the browser (RFC 9207, section 3).
    pub sends_iss: bool,
    /// `true` if the server supports PKCE with S256, `false` if it lists other methods alone, and `None` if it lists none.
    pub s256: Option<bool>,
    /// The scopes that the server lists.
    pub scopes: Vec<String>,
    /// The methods by which an application authenticates at the token endpoint.
    pub auth_methods: Vec<String>,
    /// The types of grants that the server lists.
    pub grant_types: Vec<String>,
    /// `true` if the id of an application may be the address of a document that describes it
    /// (draft-ietf-oauth-client-id-metadata-document).
    pub takes_client_documents: bool,
    /// The address of the claims about the person who signed in (OpenID Connect Core, section 5.3).
    pub userinfo: Option<String>,
}

impl ServerMetadata {
    /// Returns the addresses at which the metadata of an issuer may be, in the order in which they are tried.
    ///
    /// An issuer with a path has three of them, and one without has two.
    ///
    /// # Errors
    ///
    /// [`OAuth2Error::Discovery`] if the issuer is not an address.
    pub fn addresses(issuer: &str) -> Result<Vec<String>, OAuth2Error> {
        let url = Url::parse(issuer).map_err(|_| OAuth2Error::Discovery { why: "the issuer is not an address" })?;
        let origin = url.origin().ascii_serialization();
        let path = url.path().trim_end_matches('/');
        let mut addresses = vec![
            format!("{origin}/.well-known/oauth-authorization-server{path}"),
            format!("{origin}/.well-known/openid-configuration{path}"),
        ];
        if !path.is_empty() {
            addresses.push(format!("{origin}{path}/.well-known/openid-configuration"));
        }
        Ok(addresses)
    }

    /// Reads an answer to a request for the metadata of an issuer.
    ///
    /// # Errors
    ///
    /// [`OAuth2Error::Discovery`] if the answer has more than 256 KiB or is not JSON, and the errors of [`of`](Self::of).
    pub fn read(response: &HttpResponse, issuer: &str) -> Result<Self, OAuth2Error> {
        if response.body().expose().len() > MAX_DOCUMENT {
            return Err(OAuth2Error::Discovery { why: "the metadata is larger than 256 KiB" });
        }
        let document = response.json().map_err(|_| OAuth2Error::Discovery { why: "the metadata is not JSON" })?;
        Self::of(&document, issuer)
    }

    /// Reads the metadata of an issuer from its document.
    ///
    /// # Errors
    ///
    /// [`OAuth2Error::Discovery`] if the document names another issuer.
    pub fn of(document: &Value, issuer: &str) -> Result<Self, OAuth2Error> {
        if document["issuer"].as_str() != Some(issuer) {
            return Err(OAuth2Error::Discovery { why: "the metadata names another issuer" });
        }
        let words =
            |name: &str| document[name].items().iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let is_true = |name: &str| document[name] == Value::Bool(true);
        let endpoint = |(endpoint, name): (Endpoint, &str)| Some((endpoint, document[name].as_str()?.to_owned()));
        let methods = &document["code_challenge_methods_supported"];
        Ok(Self {
            endpoints: NAMES.into_iter().filter_map(endpoint).collect(),
            sends_iss: is_true("authorization_response_iss_parameter_supported"),
            s256: (*methods != Value::Null)
                .then(|| methods.items().iter().any(|method| method.as_str() == Some("S256"))),
            scopes: words("scopes_supported"),
            auth_methods: words("token_endpoint_auth_methods_supported"),
            grant_types: words("grant_types_supported"),
            takes_client_documents: is_true("client_id_metadata_document_supported"),
            userinfo: document["userinfo_endpoint"].as_str().map(str::to_owned),
        })
    }

    /// Returns the address of an endpoint.
    pub fn endpoint(&self, endpoint: Endpoint) -> Option<&str> {
        self.endpoints.iter().find(|(of, _)| *of == endpoint).map(|(_, address)| address.as_str())
    }
}

/// Reads the issuer's metadata at the first of its addresses that has some.
pub(crate) async fn discover(provider: &Provider<'_>, issuer: &str) -> Result<DiscoveredEndpoints, OAuth2Error> {
    // A failure at one address does not end the discovery: the next is tried all the same.
    let mut failed = OAuth2Error::Discovery { why: "no metadata was found at the issuer's address" };
    for url in ServerMetadata::addresses(issuer)? {
        let error = match provider.get(&url, "issuer").await {
            Ok(response) if (200..300).contains(&response.status()) => {
                let of_answer = |error| named(error, &url, &response);
                match ServerMetadata::read(&response, issuer) {
                    Ok(metadata) => return endpoints(metadata, provider.config.pkce).map_err(of_answer),
                    // Some servers answer every address that they do not know with the page of an application.
                    Err(error) => of_answer(error),
                }
            }
            Ok(_) => continue,
            Err(error) => error,
        };
        // Keep a temporary failure, which is worth waiting for.
        if !failed.is_transient() {
            failed = error;
        }
    }
    Err(failed)
}

/// Adds the answer to the reason why its metadata cannot be used.
fn named(error: OAuth2Error, url: &str, response: &HttpResponse) -> OAuth2Error {
    match error {
        OAuth2Error::Discovery { why } => {
            let answer = ProviderAnswer {
                host: host_of(url).to_owned(),
                status: Some(response.status()),
                code: None,
                is_page: response.is_page(),
                clock: None,
            };
            OAuth2Error::Metadata { answer, why }
        }
        error => error,
    }
}

fn endpoints(metadata: ServerMetadata, pkce: bool) -> Result<DiscoveredEndpoints, OAuth2Error> {
    if pkce && metadata.s256 == Some(false) {
        return Err(OAuth2Error::Discovery { why: "the provider does not support PKCE with S256" });
    }
    if !metadata.endpoints.iter().all(|(_, url)| is_safe_address(url)) {
        return Err(OAuth2Error::Discovery { why: "one of the endpoints is not https" });
    }
    Ok(DiscoveredEndpoints { endpoints: metadata.endpoints, iss: metadata.sends_iss })
}
