//! The clients: those that registered, whose id is what they stated, sealed, and those whose id is the address of a
//! document about them.

use connection_contract::{DisplayText, HttpError};
use connection_core::{ConnectionRegistry, Error, ModelClient};
use serde::{Deserialize, Serialize};

use super::redirect::RedirectAddress;

/// The purpose of a sealed client.
const PURPOSE: &str = "the client of an agent";
/// The maximum length of the id of a client in bytes.
pub(super) const MAX_ID: usize = 8 << 10;
/// The maximum length of the address of a document in bytes.
const MAX_DOCUMENT_ID: usize = 2048;
/// The maximum size of a document in bytes.
const MAX_DOCUMENT: u64 = 64 << 10;
/// The maximum number of characters of a name.
const MAX_NAME: usize = 80;
/// The maximum number of addresses of a client.
const MAX_ADDRESSES: usize = 20;

/// What a client stated about itself: at its registration (RFC 7591), or in the document at its address.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct ClientStatement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    #[serde(default)]
    pub(super) client_name: Option<String>,
    #[serde(default)]
    pub(super) redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_endpoint_auth_method: Option<String>,
}

/// A client with at least one address.
#[derive(Clone, Debug)]
pub(super) struct Client {
    name: String,
    addresses: Vec<RedirectAddress>,
    /// The address of the document; `None` for a client that registered.
    pub(super) document: Option<String>,
}

/// The reason why there is no client.
#[derive(Debug)]
pub(super) enum NoClient {
    /// Nobody registered with this id, or the keys with which it was sealed are gone.
    Unknown,
    /// The document cannot be fetched.
    NotFetched(HttpError),
    /// The document, or the registration, is not valid.
    Invalid(&'static str),
    Core(Error),
}

impl Client {
    /// Reads what a client stated.
    pub(super) fn read(statement: &ClientStatement) -> Result<Self, &'static str> {
        let addresses: Vec<_> =
            statement.redirect_uris.iter().filter_map(|text| RedirectAddress::parse(text)).collect();
        if addresses.is_empty() || addresses.len() > MAX_ADDRESSES {
            return Err("none of its redirect addresses is https, or http on the machine of the browser");
        }
        // What a person would not see is taken out first, so that no name is empty.
        let name = DisplayText::from(statement.client_name.clone().unwrap_or_default());
        let name: String = name.as_str().trim().chars().take(MAX_NAME).collect();
        let name = if name.trim().is_empty() { "a program without a name".to_owned() } else { name };
        Ok(Self { name, addresses, document: None })
    }

    /// Reads what a document says about the client whose id is its address.
    pub(super) fn described(id: &str, statement: &ClientStatement) -> Result<Self, &'static str> {
        if statement.client_id.as_deref() != Some(id) {
            return Err("the document at its address is about another client");
        }
        if statement.token_endpoint_auth_method.as_deref().is_some_and(|method| method != "none") {
            return Err("it wants to prove itself with a secret, which this server does not take");
        }
        Ok(Self { document: Some(id.to_owned()), ..Self::read(statement)? })
    }

    /// Returns what the client stated.
    pub(super) fn statement(&self) -> ClientStatement {
        ClientStatement {
            client_id: self.document.clone(),
            client_name: Some(self.name.clone()),
            redirect_uris: self.addresses.iter().map(|address| address.as_str().to_owned()).collect(),
            token_endpoint_auth_method: None,
        }
    }

    /// Returns the name by which the client calls itself.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns `true` if the client stated this address.
    pub(super) fn has(&self, address: &RedirectAddress) -> bool {
        self.addresses.iter().any(|stated| address.is_stated(stated))
    }

    /// Returns the client as its agent has it. A client that registers again gets another id, and has the same name and
    /// hosts.
    pub(super) fn of_agent(&self, address: &RedirectAddress) -> ModelClient {
        let id = match &self.document {
            Some(document) => document.clone(),
            None => {
                let mut hosts: Vec<_> = self.addresses.iter().map(RedirectAddress::host).collect();
                hosts.sort_unstable();
                hosts.dedup();
                format!("registered as {:?} at {}", self.name, hosts.join(" "))
            }
        };
        ModelClient::new(id, self.name.clone(), address.authority())
    }
}

/// Returns `true` for the id of a client that a document describes.
pub(super) fn is_document(id: &str) -> bool {
    id.starts_with("https://")
}

/// Seals what a client stated, as its id.
pub(super) async fn register(registry: &ConnectionRegistry, statement: &ClientStatement) -> Result<String, Error> {
    // The form has string keys, so serializing it cannot fail.
    let text = serde_json::to_vec(statement).unwrap_or_default();
    registry.receiver().seal_statement(PURPOSE, &text).await
}

/// Returns the client that registered with an id.
pub(super) async fn registered(registry: &ConnectionRegistry, id: &str) -> Result<Client, NoClient> {
    if id.len() > MAX_ID {
        return Err(NoClient::Unknown);
    }
    let opened = registry.receiver().open_statement(PURPOSE, id).await.map_err(NoClient::Core)?;
    let statement = opened.and_then(|statement| serde_json::from_slice(statement.expose()).ok());
    Client::read(&statement.ok_or(NoClient::Unknown)?).map_err(NoClient::Invalid)
}

/// Fetches the document at the address that is the id of a client, and returns the client.
///
/// Source: draft-ietf-oauth-client-id-metadata-document.
pub(super) async fn fetched(registry: &ConnectionRegistry, id: &str) -> Result<Client, NoClient> {
    let has_path = id.strip_prefix("https://").is_some_and(|rest| rest.contains('/'));
    if !has_path || id.len() > MAX_DOCUMENT_ID || id.contains(['#', '@', '\\']) {
        return Err(NoClient::Invalid("its id is not the address of a document"));
    }
    let document = registry.receiver().fetch_document(id, MAX_DOCUMENT).await.map_err(NoClient::NotFetched)?;
    let statement = serde_json::from_slice(&document)
        .map_err(|_| NoClient::Invalid("the document at its address is no description"))?;
    Client::described(id, &statement).map_err(NoClient::Invalid)
}
