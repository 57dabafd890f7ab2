//! Notion with an internal integration token.
//!
//! The plugin uses one endpoint, [the token's own user](https://developers.notion.com/reference/get-self).
//!
//! The crate may change without notice, except for its kind, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod probe;
mod webhooks;

use connection_contract::prelude::*;

/// The plugin for the kind `notion`.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "hosts write it as a value, and it has no state")]
pub struct Notion;

/// The credential of a connection: the token of an internal integration.
#[derive(Debug)]
pub struct Token(Secret);

const KIND: Kind = Kind::from_static("notion");
const API: &str = "https://api.notion.com";
/// API version, which every request must name: <https://developers.notion.com/reference/versioning>.
const VERSION: &str = "2026-03-11";
/// Page that lists the integrations and their tokens: <https://developers.notion.com/docs/authorization>.
const INTEGRATIONS: &str = "https://www.notion.so/profile/integrations";
/// The preset `read`. Pages are searched and queried by `POST`: <https://developers.notion.com/reference/post-search>,
/// <https://developers.notion.com/reference/query-a-data-source> and, in earlier versions of the API,
/// <https://developers.notion.com/reference/post-database-query>.
const READ: &str = r#"{ "rule": [
    { "name": "search", "methods": ["POST"], "path": "/v1/search", "effect": "allow" },
    {
        "name": "query a data source",
        "methods": ["POST"],
        "path": "/v1/data_sources/{source}/query",
        "effect": "allow"
    },
    { "name": "query a database", "methods": ["POST"], "path": "/v1/databases/{database}/query", "effect": "allow" },
    { "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }
] }"#;

impl ConnectionDefinition for Notion {
    type Credential = Token;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "Notion", AuthType::ApiKey)
            .origin(API)
            .field(Field::secret("apiKey", "Internal integration token").key().placeholder("ntn_…"))
            .secret_name("apiKey")
            // The same token, under the name that extensions for Notion declare.
            .secret_name("accessToken")
            .gets_only_read()
            .rule_preset("read", READ)
            .guide("Make an internal integration, copy its token, then share pages with it.")
            .guide_link("Make an internal integration", INTEGRATIONS)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Token>, SetupFailure> {
        let made = ctx.ask_until(3, Prompt::new("Connect Notion").field("apiKey"), |mut answers| async move {
            let token = Token(answers.secret("apiKey")?);
            let identity = probe::account(self, &token, ctx).await?;
            let found = VerifyResult::live().identity(identity.clone());
            Ok(SetupResult::new(token, identity).measured(found))
        });
        made.await.map_err(|failure| failure.when_refused("Notion did not accept the token", "copy it again"))
    }

    fn serialize_credential(&self, token: &Token) -> Result<Secret, CredentialError> {
        Ok(token.0.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Token, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Token(Secret::new(bytes))) }
    }

    async fn verify(&self, token: &Token, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Token>, ConnectionError> {
        Ok(VerifyResult::live().identity(probe::account(self, token, ctx).await?))
    }

    async fn teardown(&self, _: &Token, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        // Notion documents no request that revokes the token of an internal integration.
        Ok(Teardown::not_revoked("the token works at Notion until it is refreshed or the integration is deleted there"))
    }

    fn credential_page(&self, _: Option<&Token>, _: &Connection) -> Option<Text> {
        Some(INTEGRATIONS.into())
    }

    fn importer(&self) -> Option<&dyn Importer<Token>> {
        Some(self)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Token>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Token>> {
        Some(self)
    }

    fn webhooks(&self) -> Option<&dyn Webhooks<Token>> {
        Some(self)
    }
}

impl Importer<Token> for Notion {
    fn import(
        &self,
        identity: Identity,
        mut answers: Answers,
        _: &Context<'_>,
    ) -> Result<SetupResult<Token>, SetupFailure> {
        Ok(SetupResult::new(Token(answers.secret("apiKey")?), identity))
    }
}

impl Authorizer<Token> for Notion {
    fn authorize(&self, token: &Token, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(&token.0);
        request.default_header("notion-version", VERSION);
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

impl NamedSecrets<Token> for Notion {
    fn secret(&self, token: &Token, name: &str) -> Option<Secret> {
        matches!(name, "accessToken" | "apiKey").then(|| token.0.duplicate())
    }
}
