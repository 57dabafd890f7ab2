//! The stored credential: the secret part of the address, and what the server wants with each request.

use connection_contract::prelude::*;
use connection_oauth2::OAuth2Credential;

use crate::authorization::Server;

/// The credential of a connection to an MCP server.
#[derive(Debug)]
#[non_exhaustive]
pub struct McpCredential {
    /// The query of the address that the person entered.
    pub(crate) query: Option<Secret>,
    pub(crate) access: Access,
}

/// What a server wants with each request.
#[derive(Debug)]
pub(crate) enum Access {
    /// Nothing.
    Open,
    /// A header that the person entered.
    Header { name: String, value: Secret },
    /// A token of an authorization server.
    OAuth { server: Box<Server>, tokens: Box<OAuth2Credential> },
}

/// The first field of every credential, which decides the fields that follow.
const VERSION: &str = "1";

impl McpCredential {
    /// Adds the secret part of the address to a request.
    ///
    /// # Errors
    ///
    /// The query is not text.
    pub(crate) fn add_query(&self, request: &mut HttpRequest) -> Result<(), CredentialError> {
        let Some(query) = &self.query else { return Ok(()) };
        for (name, value) in encode::from_form(query.expose_str().ok_or(CredentialError::Malformed)?) {
            request.set_query(&name, &Secret::from(value));
        }
        Ok(())
    }

    pub(crate) fn encode(&self) -> Secret {
        let mut record = Record::new().with("version", VERSION);
        if let Some(query) = &self.query {
            record = record.with("query", query.duplicate());
        }
        match &self.access {
            Access::Open => record,
            Access::Header { name, value } => record.with("header", name.as_str()).with("value", value.duplicate()),
            Access::OAuth { server, tokens } => record.with("server", server.encode()).with("tokens", tokens.encode()),
        }
        .encode()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CredentialError> {
        let record = Record::decode(bytes)?;
        if record.text("version")? != VERSION {
            return Err(CredentialError::Malformed);
        }
        let query = record.find("query").map(Secret::duplicate);
        let access = match (record.find("header"), record.find("server")) {
            (Some(name), _) => {
                let name = name.expose_str().ok_or(CredentialError::Malformed)?.to_owned();
                Access::Header { name, value: record.secret("value")?.duplicate() }
            }
            (None, Some(server)) => Access::OAuth {
                server: Box::new(Server::decode(server.expose())?),
                tokens: Box::new(OAuth2Credential::decode(record.secret("tokens")?.expose())?),
            },
            (None, None) => Access::Open,
        };
        Ok(Self { query, access })
    }

    /// Returns the credential with tokens that replace its own.
    ///
    /// # Errors
    ///
    /// The credential has no tokens.
    pub(crate) fn refreshed(&self, fresh: Refreshed<OAuth2Credential>) -> Result<Refreshed<Self>, CredentialError> {
        let Access::OAuth { server, .. } = &self.access else { return Err(CredentialError::Malformed) };
        let query = || self.query.as_ref().map(Secret::duplicate);
        fresh.try_map(|tokens| {
            Ok(Self { query: query(), access: Access::OAuth { server: server.clone(), tokens: Box::new(tokens) } })
        })
    }

    /// Separates the tokens from a copy of the rest; `None` if there are none.
    pub(crate) fn split(self) -> Option<(Self, OAuth2Credential)> {
        let Access::OAuth { server, tokens } = self.access else { return None };
        let copy = OAuth2Credential::decode(tokens.encode().expose()).ok()?;
        Some((Self { query: self.query, access: Access::OAuth { server, tokens: Box::new(copy) } }, *tokens))
    }
}
