//! The authorization server of an MCP server: its metadata, and the configuration of OAuth that follows from it.

use connection_contract::prelude::*;
use connection_oauth2::{
    Account, Assertion, Client, ClientAuth, Endpoint, OAuth2, OAuth2Config, RequestKind, ServerMetadata, oauth2,
};

use crate::{KIND, resource};

/// The scope for which some servers issue a refresh token (OpenID Connect Core, section 11).
const OFFLINE: &str = "offline_access";
/// The method of an application that signs an assertion with its key (RFC 7523, section 2.2).
const SIGNED: &str = "private_key_jwt";
/// The end of the address of a document for such an application.
const SIGNED_END: &str = "k";
/// The endpoints that are stored, with their names.
const ENDPOINTS: [(Endpoint, &str); 6] = [
    (Endpoint::Authorize, "authorize"),
    (Endpoint::Device, "device"),
    (Endpoint::PushedAuthorization, "pushed"),
    (Endpoint::Registration, "registration"),
    (Endpoint::Revocation, "revocation"),
    (Endpoint::Token, "token"),
];

/// An authorization server as one connection uses it. It is sealed with the tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Server {
    /// The address of the MCP server.
    pub(crate) address: String,
    /// The identifier of the resource, which is sent with each request for tokens (RFC 8707).
    pub(crate) resource: String,
    pub(crate) issuer: String,
    /// `true` if each answer to the browser names the issuer.
    pub(crate) sends_iss: bool,
    pub(crate) endpoints: Vec<(Endpoint, String)>,
    /// The scopes to request.
    pub(crate) scopes: Vec<String>,
    /// The id of an application that a person registered.
    pub(crate) client_id: Option<String>,
    /// The secret of that application.
    pub(crate) client_secret: Option<ClientSecret>,
    /// How the application authenticates (RFC 7591, section 2).
    pub(crate) method: String,
    /// `true` if the id of an application may be the address of a document.
    pub(crate) takes_documents: bool,
    /// `true` if the application is a document at another address, which names the callback that all issuers share.
    pub(crate) is_shared: bool,
    /// The digest of the issuer, with which its callback and its application are kept apart from others.
    pub(crate) digest: String,
}

/// The secret of an application. Like every secret, it is not shown and is wiped.
#[derive(Debug)]
pub(crate) struct ClientSecret(Secret);

impl Clone for ClientSecret {
    fn clone(&self) -> Self {
        Self(self.0.duplicate())
    }
}

impl PartialEq for ClientSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for ClientSecret {}

/// Reads the metadata of an issuer, whose addresses the server named.
///
/// # Errors
///
/// There is no metadata, it names another issuer, it does not support PKCE with S256, or it cannot be asked now.
pub(crate) async fn metadata(issuer: &str, ctx: &SetupContext<'_>) -> Result<ServerMetadata, SetupFailure> {
    for address in addresses(issuer)? {
        let Some(answer) = resource::document(&address, ctx).await? else { continue };
        // Some servers answer every address that they do not know with the page of an application.
        if answer.json().is_ok() {
            let metadata = ServerMetadata::read(&answer, issuer).map_err(|error| unusable(&error.to_string()))?;
            return checked(metadata);
        }
    }
    Err(unusable("the authorization server has no metadata at its well-known addresses"))
}

/// Returns the metadata at the root of the MCP server itself, for servers that were made before the metadata of
/// resources; `None` if there is none.
///
/// # Errors
///
/// The errors of [`metadata`].
pub(crate) async fn of_same_origin(
    base: &BaseUrl,
    ctx: &SetupContext<'_>,
) -> Result<Option<(String, ServerMetadata)>, SetupFailure> {
    let origin = base.origin().to_string();
    for address in addresses(&origin)? {
        let Some(answer) = resource::document(&address, ctx).await? else { continue };
        let Ok(document) = answer.json() else { continue };
        // Such a server may write its issuer with a slash at its end.
        let issuer = document["issuer"].as_str().filter(|issuer| issuer.trim_end_matches('/') == origin);
        let Some(issuer) = issuer else { continue };
        let metadata = ServerMetadata::of(&document, issuer).map_err(|error| unusable(&error.to_string()))?;
        return Ok(Some((issuer.to_owned(), checked(metadata)?)));
    }
    Ok(None)
}

fn addresses(issuer: &str) -> Result<Vec<String>, SetupFailure> {
    ServerMetadata::addresses(issuer).map_err(|error| unusable(&error.to_string()))
}

fn checked(metadata: ServerMetadata) -> Result<ServerMetadata, SetupFailure> {
    if metadata.s256 != Some(true) {
        return Err(unusable("the authorization server does not say that it supports PKCE with S256"));
    }
    if metadata.endpoint(Endpoint::Authorize).is_none() || metadata.endpoint(Endpoint::Token).is_none() {
        return Err(unusable("the metadata of the authorization server lacks an endpoint"));
    }
    // Addresses become templates, in which this would begin a variable.
    if metadata.endpoints.iter().any(|(_, address)| address.contains("${")) {
        return Err(unusable("an address of the authorization server has a character that is not allowed"));
    }
    Ok(metadata)
}

fn unusable(why: &str) -> SetupFailure {
    let message = format!("the authorization server cannot be used: {why}");
    SetupFailure::new("mcp_authorization_server", message).remedy("report this to the server's operator")
}

impl Server {
    /// Returns the server for an issuer with this metadata, after the host has admitted its addresses.
    ///
    /// # Errors
    ///
    /// The host does not reach one of the addresses.
    pub(crate) async fn admitted(
        issuer: &str,
        metadata: &ServerMetadata,
        ctx: &SetupContext<'_>,
    ) -> Result<Self, SetupFailure> {
        for (endpoint, address) in &metadata.endpoints {
            let purpose = match endpoint {
                Endpoint::Authorize => AddressPurpose::Authorization,
                Endpoint::Registration => AddressPurpose::Registration,
                Endpoint::Revocation => AddressPurpose::Revocation,
                _ => AddressPurpose::Token,
            };
            ctx.discovered(address, purpose).await.map_err(|_| resource::not_allowed(address))?;
        }
        let digest = encode::hex(&ctx.crypto().sha256(issuer.as_bytes()));
        Ok(Self {
            issuer: issuer.to_owned(),
            sends_iss: metadata.sends_iss,
            endpoints: metadata.endpoints.clone(),
            takes_documents: metadata.takes_client_documents,
            digest: digest.get(..32).unwrap_or_default().to_owned(),
            ..Self::default()
        })
    }

    /// Adds the scopes to request: those of the server, further ones, and one for a refresh token if it is listed.
    #[must_use]
    pub(crate) fn scopes(mut self, wanted: &[String], further: &[String], listed: &[String]) -> Self {
        let offline = listed.iter().filter(|scope| *scope == OFFLINE);
        for scope in wanted.iter().chain(further).chain(offline) {
            if !self.scopes.contains(scope) {
                self.scopes.push(scope.clone());
            }
        }
        self
    }

    /// Returns `true` if an application may be public, and `false` if it must sign an assertion. `None` if it must hold a
    /// secret, so that no document describes it.
    pub(crate) fn takes_public(methods: &[String]) -> Option<bool> {
        let lists = |name: &str| methods.iter().any(|method| method == name);
        match () {
            () if methods.is_empty() || lists("none") => Some(true),
            () if lists(SIGNED) => Some(false),
            () => None,
        }
    }

    /// Sets the application that a person registered, and how an application authenticates.
    #[must_use]
    pub(crate) fn client(mut self, id: Option<String>, secret: Option<Secret>, methods: &[String]) -> Self {
        let lists = |name: &str| methods.iter().any(|method| method == name);
        let is_public = id.is_some() && secret.is_none();
        self.method = match () {
            () if is_public => "none",
            () if id.is_none() && lists("none") => "none",
            // The default of a server that lists nothing (RFC 8414, section 2).
            () if methods.is_empty() || lists("client_secret_basic") => "client_secret_basic",
            () if lists("client_secret_post") => "client_secret_post",
            () => "none",
        }
        .to_owned();
        self.client_id = id;
        self.client_secret = secret.map(ClientSecret);
        self
    }

    /// Sets the application to the document of the host for a server that takes no public applications, which is signed with
    /// this key.
    #[must_use]
    pub(crate) fn signed(mut self, document: String, key: Secret) -> Self {
        self.method = SIGNED.to_owned();
        self.client_id = Some(document);
        self.client_secret = Some(ClientSecret(key));
        self.digest = self.signed_part();
        self
    }

    /// Returns the part of the addresses of the document and of the callback for an application that signs.
    pub(crate) fn signed_part(&self) -> String {
        format!("{}{SIGNED_END}", self.digest)
    }

    /// Returns the kind of OAuth that this server is; `None` for values that no setup stores.
    pub(crate) fn oauth2(&self) -> Option<OAuth2> {
        let client = match &self.client_id {
            Some(id) => {
                let secret = self.client_secret.as_ref().map(|secret| secret.0.duplicate());
                Client::Configured { id: id.clone(), secret }
            }
            None => Client::Registered,
        };
        let mut config = OAuth2Config::builder(KIND, "the server")
            .discovered()
            .api(self.address.as_str())
            .issuer(self.issuer.as_str())
            .client_key(format!("oauth2-client.{}", self.digest))
            .client(client)
            .client_auth(match self.method.as_str() {
                SIGNED => ClientAuth::PrivateKeyJwt(Assertion::new(SignatureAlgorithm::Es256)),
                method => ClientAuth::of_method(method)?,
            })
            .account(Account::if_known("/sub", "/email").or_label("/preferred_username").or_label("/name"));
        for on in [RequestKind::Authorize, RequestKind::Device, RequestKind::Refresh, RequestKind::Token] {
            config = config.parameter(on, "resource", self.resource.as_str());
        }
        if self.sends_iss {
            config = config.issuer_in_callback();
        }
        if self.takes_documents {
            config = config.client_documents();
        }
        if !self.is_shared {
            config = config.callback_part(self.digest.as_str());
        }
        config = self.endpoints.iter().fold(config, |config, (endpoint, url)| config.endpoint(*endpoint, url.as_str()));
        config = self.scopes.iter().fold(config, |config, scope| config.scope(scope.as_str()));
        config.build().ok().map(oauth2)
    }

    pub(crate) fn encode(&self) -> Secret {
        let mut record = Record::new()
            .with("address", self.address.as_str())
            .with("resource", self.resource.as_str())
            .with("issuer", self.issuer.as_str())
            .with("method", self.method.as_str())
            .with("digest", self.digest.as_str())
            .with("scopes", self.scopes.join(" "));
        for (name, is_set) in [("iss", self.sends_iss), ("documents", self.takes_documents), ("shared", self.is_shared)]
        {
            if is_set {
                record = record.with(name, "true");
            }
        }
        if let Some(id) = &self.client_id {
            record = record.with("clientId", id.as_str());
        }
        if let Some(secret) = &self.client_secret {
            record = record.with("clientSecret", secret.0.duplicate());
        }
        for (endpoint, address) in &self.endpoints {
            if let Some((_, name)) = ENDPOINTS.iter().find(|(known, _)| known == endpoint) {
                record = record.with(name, address.as_str());
            }
        }
        record.encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let record = Record::decode(bytes)?;
        let text = |name: &str| record.text(name).map(ToOwned::to_owned);
        let given = |name: &str| record.find(name).and_then(Secret::expose_str).map(ToOwned::to_owned);
        let endpoint = |(endpoint, name): &(Endpoint, &str)| Some((*endpoint, given(name)?));
        Ok(Self {
            address: text("address")?,
            resource: text("resource")?,
            issuer: text("issuer")?,
            sends_iss: record.find("iss").is_some(),
            endpoints: ENDPOINTS.iter().filter_map(endpoint).collect(),
            scopes: text("scopes")?.split(' ').filter(|scope| !scope.is_empty()).map(ToOwned::to_owned).collect(),
            client_id: given("clientId"),
            client_secret: record.find("clientSecret").map(|secret| ClientSecret(secret.duplicate())),
            method: text("method")?,
            takes_documents: record.find("documents").is_some(),
            is_shared: record.find("shared").is_some(),
            digest: text("digest")?,
        })
    }
}
