//! Any server of the Model Context Protocol (MCP) over HTTP, with the authorization that the server itself describes.
//!
//! A setup asks for one address. The server and its authorization server name everything else: [the resource's
//! metadata](https://www.rfc-editor.org/rfc/rfc9728), the endpoints, the registration and the scopes ([authorization of
//! MCP](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization)). A server without authorization
//! is connected without a credential, and one that describes none takes a token or a header that a person enters.
//!
//! | Module | Owns |
//! |---|---|
//! | `setup` | the questions, and the way from an address to a credential |
//! | `challenge` | the header `WWW-Authenticate` |
//! | `resource` | the metadata of the protected resource |
//! | `authorization` | the authorization server: its metadata, and the configuration of OAuth that follows from it |
//! | `hello` | the requests that show whether a server wants a credential, and whether it accepts one |
//! | `credential` | the stored credential |
//!
//! The crate may change without notice, except for its kind, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod authorization;
mod challenge;
mod credential;
mod hello;
mod resource;
mod setup;

use connection_contract::prelude::*;

use credential::Access;
pub use credential::McpCredential;
use hello::Gate;

/// The plugin for the kind `mcp`.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "hosts write it as a value, and it has no state")]
pub struct Mcp;

const KIND: Kind = Kind::from_static("mcp");

impl ConnectionDefinition for Mcp {
    type Credential = McpCredential;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "MCP server", AuthType::OAuth)
            .discovers()
            .field(
                Field::url("url", "Address of the server")
                    .exact("query")
                    .placeholder("https://mcp.example.com/mcp")
                    .plain_http("unencrypted"),
            )
            .field(Field::secret("query", "Query of the address").optional())
            .field(Field::text("clientId", "Client ID").optional().help("of an application that you registered"))
            .field(Field::secret("clientSecret", "Client secret").key().optional())
            .field(
                Field::text("headerName", "Name of a header")
                    .optional()
                    .help("for a server that takes a key in a header")
                    .pattern("[A-Za-z0-9-]{1,64}"),
            )
            .field(Field::secret("headerValue", "Value of the header").optional())
            .field(
                Field::new("unencrypted", "Connect without encryption, within your own network", Input::Bool)
                    .optional()
                    .help("for a server without TLS, as http://192.168.1.20/mcp: anyone on the network can read everything"),
            )
            .field(Field::text("issuer", "Authorization server").offer("Choose one of them?"))
            .field(Field::url("server", "Address of the authorization server").offer("Use it?"))
            .field(Field::secret("accessToken", "Access token").key().offer("Do you have one?"))
            .field(Field::text("name", "Name of the account").offer("Give the account a name of your own?"))
            .field(
                Field::secret("callbackUrl", "Address on which the browser ended")
                    .help("the whole address on which the browser ends after you allow access")
                    .setup_method(SetupMethod::Paste),
            )
            .setup_method(SetupMethod::Browser)
            .setup_method(SetupMethod::Paste)
            .setup_method(SetupMethod::Device)
            .guide("Enter the address of the MCP server; the server says how to sign in.")
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<McpCredential>, SetupFailure> {
        setup::setup(self, ctx).await
    }

    fn serialize_credential(&self, credential: &McpCredential) -> Result<Secret, CredentialError> {
        Ok(credential.encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<McpCredential, CredentialError> {
        McpCredential::decode(bytes)
    }

    async fn verify(
        &self,
        credential: &McpCredential,
        ctx: &VerifyContext<'_>,
    ) -> Result<VerifyResult<McpCredential>, ConnectionError> {
        let base = ctx.connection().base_url()?;
        let found = hello::checked(self, credential, Gate::Unknown, base, ctx).await;
        let (found, _) = found.map_err(hello::later)?;
        Ok(found)
    }

    async fn teardown(
        &self,
        credential: &McpCredential,
        ctx: &TeardownContext<'_>,
    ) -> Result<Teardown, ConnectionError> {
        match &credential.access {
            Access::Open => Ok(Teardown::NothingToRevoke),
            Access::Header { .. } => Ok(Teardown::not_revoked("the key works until it is deleted where it was made")),
            Access::OAuth { server, tokens } => {
                server.oauth2().ok_or(CredentialError::Malformed)?.teardown(tokens, ctx).await
            }
        }
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<McpCredential>> {
        Some(self)
    }

    fn refresher(&self) -> Option<&dyn Refresher<McpCredential>> {
        Some(self)
    }
}

impl Authorizer<McpCredential> for Mcp {
    fn authorize(
        &self,
        credential: &McpCredential,
        request: &mut HttpRequest,
        _: &Context<'_>,
    ) -> Result<(), CredentialError> {
        credential.add_query(request)?;
        match &credential.access {
            Access::Open => Ok(()),
            Access::Header { name, value } => {
                request.set_header(name.to_ascii_lowercase(), value.duplicate());
                Ok(())
            }
            Access::OAuth { tokens, .. } => {
                request.set_bearer(tokens.access_token());
                Ok(())
            }
        }
    }

    fn is_immediate(&self) -> bool {
        true
    }

    /// A header or a query that a person entered is known only from the credential.
    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

impl Refresher<McpCredential> for Mcp {
    fn semantics(&self) -> RefreshSemantics {
        RefreshSemantics::Strict
    }

    fn renews(&self, credential: &McpCredential) -> bool {
        match &credential.access {
            Access::OAuth { server, tokens } => server.oauth2().is_none_or(|oauth| oauth.renews(tokens)),
            _ => false,
        }
    }

    fn refresh<'a>(
        &'a self,
        credential: &'a McpCredential,
        ctx: &'a RefreshContext<'_>,
    ) -> BoxFuture<'a, Result<Refreshed<McpCredential>, ConnectionError>> {
        Box::pin(async move {
            let Access::OAuth { server, tokens } = &credential.access else {
                let nothing = Reason::new(reason::NOTHING_TO_RENEW, "this access is not renewed");
                return Err(NotLive::offline(nothing).into());
            };
            let oauth = server.oauth2().ok_or(CredentialError::Malformed)?;
            let fresh = Refresher::refresh(&oauth, tokens, ctx).await.map_err(of_one_connection)?;
            Ok(credential.refreshed(fresh)?)
        })
    }

    fn inherit(
        &self,
        former: &McpCredential,
        fresh: McpCredential,
        now: Timestamp,
    ) -> Option<Refreshed<McpCredential>> {
        let (Access::OAuth { server, tokens }, Access::OAuth { server: present, .. }) = (&former.access, &fresh.access)
        else {
            return None;
        };
        // What another authorization server issued is of no use at this one.
        let oauth = present.oauth2().filter(|_| server == present)?;
        let (rest, new) = fresh.split()?;
        let inherited = Refresher::inherit(&oauth, tokens, new, now)?;
        rest.refreshed(inherited).ok()
    }
}

/// Says of a refused application that it is that of one connection: each setup asks for one, or has its server register it.
fn of_one_connection(error: ConnectionError) -> ConnectionError {
    match error {
        ConnectionError::NotLive(found) if reason::is_application_refused(&found.reason.code) => {
            let again = reason::AUTHORIZE_AGAIN;
            let remedy = format!("{again}; if you registered the application, enter its id and secret");
            let reason = Reason::new("mcp_secret_refused", found.reason.message).remedy(remedy);
            NotLive::failing(reason.provider_text(found.reason.provider_text)).into()
        }
        error => error,
    }
}
