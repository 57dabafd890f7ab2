//! GitHub with a classic or fine-grained personal access token, on github.com or on a GitHub Enterprise Server.
//!
//! The plugin uses one endpoint, [the authenticated
//! user](https://docs.github.com/en/rest/users/users#get-the-authenticated-user).
//!
//! The crate may change without notice, except for its kind, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod probe;
mod removal;
mod webhooks;

use connection_contract::prelude::*;

/// The plugin for the kind `github`.
#[derive(Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "hosts write it as a value, and it has no state")]
pub struct GitHub;

/// The credential of a connection: a personal access token, classic or fine-grained.
#[derive(Debug)]
pub struct Token(Secret);

const KIND: Kind = Kind::from_static("github");
const API: &str = "https://api.github.com";
/// Address of the form for a classic token. It preselects these scopes:
/// <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>.
const NEW_CLASSIC: &str = "https://github.com/settings/tokens/new?scopes=repo,read:user&description=Connections";
const NEW_FINE_GRAINED: &str = "https://github.com/settings/personal-access-tokens/new";
/// API version that every supported GitHub Enterprise Server knows. A server rejects a version that it does not know.
/// <https://docs.github.com/en/rest/about-the-rest-api/api-versions>
const API_VERSION: &str = "2022-11-28";
/// The preset `read`. A `GET` changes nothing (<https://docs.github.com/en/rest>), and neither does a query
/// (<https://docs.github.com/en/graphql/guides/forming-calls-with-graphql>) or the rendering of Markdown
/// (<https://docs.github.com/en/rest/markdown/markdown>), which are sent by `POST`.
///
/// It leaves out alerts that have a found secret (<https://docs.github.com/en/rest/secret-scanning/secret-scanning>),
/// lists of downloads that may have a token (<https://docs.github.com/en/rest/actions/self-hosted-runners>), and the
/// `GET` that starts a report (<https://docs.github.com/en/rest/dependency-graph/sboms>). The address of a next page
/// names a repository or an organization by its ID, so that each of these paths has two forms
/// (<https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>).
const READ: &str = r#"{ "rule": [
    {
        "name": "secrets found in a repository",
        "path": "/repos/{owner}/{repo}/secret-scanning/alerts/**",
        "effect": "deny"
    },
    {
        "name": "secrets found in a repository by its ID",
        "path": "/repositories/{id}/secret-scanning/alerts/**",
        "effect": "deny"
    },
    { "name": "secrets found in an organization", "path": "/orgs/{org}/secret-scanning/alerts/**", "effect": "deny" },
    {
        "name": "secrets found in an organization by its ID",
        "path": "/organizations/{id}/secret-scanning/alerts/**",
        "effect": "deny"
    },
    {
        "name": "secrets found in an enterprise",
        "path": "/enterprises/{enterprise}/secret-scanning/alerts/**",
        "effect": "deny"
    },
    {
        "name": "download tokens of a repository",
        "path": "/repos/{owner}/{repo}/actions/runners/downloads",
        "effect": "deny"
    },
    {
        "name": "download tokens of a repository by its ID",
        "path": "/repositories/{id}/actions/runners/downloads",
        "effect": "deny"
    },
    {
        "name": "download tokens of an organization",
        "path": "/orgs/{org}/actions/runners/downloads",
        "effect": "deny"
    },
    {
        "name": "download tokens of an organization by its ID",
        "path": "/organizations/{id}/actions/runners/downloads",
        "effect": "deny"
    },
    {
        "name": "download tokens of an enterprise",
        "path": "/enterprises/{enterprise}/actions/runners/downloads",
        "effect": "deny"
    },
    {
        "name": "new reports of a repository",
        "path": "/repos/{owner}/{repo}/dependency-graph/sbom/generate-report",
        "effect": "deny"
    },
    {
        "name": "new reports of a repository by its ID",
        "path": "/repositories/{id}/dependency-graph/sbom/generate-report",
        "effect": "deny"
    },
    { "name": "queries", "methods": ["POST"], "path": "/graphql", "graphql": ["query"], "effect": "allow" },
    { "name": "render Markdown", "methods": ["POST"], "path": "/markdown", "effect": "allow" },
    { "name": "render raw Markdown", "methods": ["POST"], "path": "/markdown/raw", "effect": "allow" },
    { "name": "reads", "methods": ["GET", "HEAD"], "effect": "allow" }
] }"#;

impl ConnectionDefinition for GitHub {
    type Credential = Token;

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(KIND, "GitHub", AuthType::PersonalAccessToken)
            .origin(API)
            .field(Field::secret("accessToken", "Personal access token").key().placeholder("ghp_… or github_pat_…"))
            .field(
                Field::url("apiBaseUrl", "API address")
                    .offer("GitHub Enterprise?")
                    .default(API)
                    .help("for a GitHub Enterprise Server: https://HOST/api/v3"),
            )
            .secret_name("accessToken")
            .gets_only_read()
            .rule_preset("read", READ)
            // The packages of GitHub Actions and programs that run in workflows read these:
            // https://docs.github.com/en/actions/reference/workflows-and-actions/variables
            .door_variable("GITHUB_API_URL", "{door}")
            .door_variable("GITHUB_GRAPHQL_URL", "{door}/graphql")
            .door_variable("GITHUB_TOKEN", "{token}")
            // https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens,
            // "Using a personal access token on the command line".
            .helper(CredentialHelper::new(HelperProtocol::Git, "{accessToken}").user("{account}").host("github.com"))
            // https://docs.github.com/en/packages/working-with-a-github-packages-registry/working-with-the-container-registry
            .helper(CredentialHelper::new(HelperProtocol::Docker, "{accessToken}").user("{account}").host("ghcr.io"))
            .guide("Make a token and copy it; GitHub shows it once.")
            .guide_link("Make a classic token", NEW_CLASSIC)
            .guide_link("Make a fine-grained token", NEW_FINE_GRAINED)
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Token>, SetupFailure> {
        let prompt = Prompt::new("Connect GitHub").field("accessToken").field("apiBaseUrl");
        let made = ctx.ask_until(3, prompt, |mut answers| async move {
            let token = Token(answers.secret("accessToken")?);
            let base = answers.url("apiBaseUrl")?;
            let account = probe::account(self, &token, base, ctx).await?;
            let made = connected(token, account.identity.clone(), base, ctx)?;
            let mut made = made.valid_until(account.valid_until);
            made.granted_scopes = account.scopes.clone();
            Ok(made.measured(account.result()))
        });
        made.await.map_err(|failure| failure.when_refused("GitHub did not accept the token", "make a new token"))
    }

    fn serialize_credential(&self, token: &Token) -> Result<Secret, CredentialError> {
        Ok(token.0.duplicate())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Token, CredentialError> {
        if bytes.is_empty() { Err(CredentialError::Malformed) } else { Ok(Token(Secret::new(bytes))) }
    }

    async fn verify(&self, token: &Token, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Token>, ConnectionError> {
        Ok(probe::account(self, token, ctx.connection().base_url()?, ctx).await?.result())
    }

    async fn teardown(&self, _: &Token, ctx: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        Ok(Teardown::NotRevoked(removal::kept(ctx.connection())))
    }

    fn credential_page(&self, token: Option<&Token>, connection: &Connection) -> Option<Text> {
        removal::page(token, connection)
    }

    fn revoker(&self) -> Option<&dyn Revoker<Token>> {
        Some(self)
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

impl Importer<Token> for GitHub {
    fn import(
        &self,
        identity: Identity,
        mut answers: Answers,
        ctx: &Context<'_>,
    ) -> Result<SetupResult<Token>, SetupFailure> {
        let token = Token(answers.secret("accessToken")?);
        connected(token, identity, answers.url("apiBaseUrl")?, ctx)
    }
}

/// Returns the connection of an account at an address of GitHub, or of a GitHub Enterprise Server.
fn connected(
    token: Token,
    identity: Identity,
    base: &BaseUrl,
    ctx: &Context<'_>,
) -> Result<SetupResult<Token>, SetupFailure> {
    let reach = if base == ctx.base_url(API)? { Reach::declared() } else { Reach::base(base.clone()) };
    Ok(SetupResult::new(token, identity).reach(reach).config("apiBaseUrl", base.to_string()))
}

impl Authorizer<Token> for GitHub {
    fn authorize(&self, token: &Token, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        request.set_bearer(&token.0);
        request.default_header("accept", "application/vnd.github+json");
        request.default_header("x-github-api-version", API_VERSION);
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn seats(&self) -> Vec<Seat> {
        vec![Seat::bearer()]
    }
}

impl NamedSecrets<Token> for GitHub {
    fn secret(&self, token: &Token, name: &str) -> Option<Secret> {
        (name == "accessToken").then(|| token.0.duplicate())
    }
}
