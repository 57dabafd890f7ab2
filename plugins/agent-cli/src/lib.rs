//! Agent command-line tools: Claude Code, Codex and Gemini CLI.
//!
//! One definition serves three kinds. The differences between the tools are data, in the table `tools`.
//!
//! A tool keeps its own login in a directory, and a person may have several such directories. A connection is such a
//! login, an API key of the tool's provider, or a token that the tool receives when it is started. The plugin writes
//! nothing below a directory, and the only command that it has the host run is the one that prints the tool's version.
//!
//! The crate may change without notice, except for its kinds, its field names and the formats that it ever stored.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

mod key;
mod login;
mod own_login;
mod probe;
mod session;
mod setup;
mod spec;
mod spend;
mod tools;
mod usage;

pub use login::Login;

use connection_contract::prelude::*;

use crate::{
    login::LoginMethod,
    spec::{Costs, Tool},
};

/// The kind of one tool.
#[derive(Debug)]
pub struct AgentCli(&'static Tool);

impl AgentCli {
    /// Creates the kind `claude`, for Claude Code.
    pub fn claude() -> Self {
        Self(&tools::CLAUDE)
    }

    /// Creates the kind `codex`, for Codex.
    pub fn codex() -> Self {
        Self(&tools::CODEX)
    }

    /// Creates the kind `gemini`, for Gemini CLI.
    pub fn gemini() -> Self {
        Self(&tools::GEMINI)
    }
}

impl ConnectionDefinition for AgentCli {
    type Credential = Login;

    fn descriptor(&self) -> Descriptor {
        self.0.descriptor()
    }

    async fn setup(&self, ctx: &SetupContext<'_>) -> Result<SetupResult<Login>, SetupFailure> {
        setup::run(self, self.0, ctx).await
    }

    fn serialize_credential(&self, login: &Login) -> Result<Secret, CredentialError> {
        Ok(login.encode())
    }

    fn parse_credential(&self, bytes: &[u8]) -> Result<Login, CredentialError> {
        Login::decode(bytes)
    }

    async fn verify(&self, login: &Login, ctx: &VerifyContext<'_>) -> Result<VerifyResult<Login>, ConnectionError> {
        let identity = match login.how() {
            LoginMethod::Own { account, .. } => {
                let found = own_login::detect(self.0, ctx).await?;
                // Setup could read the account. Now the directory contains neither an account nor a login.
                if account.is_some() && found.account.is_none() && found.is_bare {
                    return Err(NotLive::failing(own_login::signed_out(self.0)).into());
                }
                // If setup could not read the account, a later account is not compared with it.
                found.account.filter(|_| account.is_some())
            }
            LoginMethod::ApiKey(key) => Some(key::account(self, self.0, login, key, ctx).await?),
            // The provider documents no request that checks the token. The tool reports a rejected token when it runs.
            LoginMethod::SetupToken(_) => None,
        };
        let live = VerifyResult::live();
        Ok(match identity {
            Some(identity) => live.identity(identity),
            None => live,
        })
    }

    async fn teardown(&self, login: &Login, _: &TeardownContext<'_>) -> Result<Teardown, ConnectionError> {
        let Tool { name, provider, .. } = self.0;
        Ok(match (login.how(), login.admin_key()) {
            // The tool keeps its login.
            (LoginMethod::Own { .. }, None) => Teardown::NothingToRevoke,
            (LoginMethod::Own { .. }, Some(_)) => {
                Teardown::not_revoked(format!("the admin key works at {provider} until it is deleted there"))
            }
            (LoginMethod::ApiKey(_), None) => {
                Teardown::not_revoked(format!("the API key works at {provider} until it is deleted there"))
            }
            (LoginMethod::ApiKey(_), Some(_)) => Teardown::not_revoked(format!(
                "the API key and the admin key work at {provider} until they are deleted there"
            )),
            (LoginMethod::SetupToken(_), _) => {
                Teardown::not_revoked(format!("the token works with {name} until it is revoked at {provider}"))
            }
        })
    }

    fn credential_page(&self, login: Option<&Login>, _: &Connection) -> Option<Text> {
        let page = match login.map(|login| (login.how(), login.admin_key())) {
            Some((LoginMethod::Own { .. }, None)) => None,
            Some((LoginMethod::Own { .. }, Some(_))) => self.0.costs().map(Costs::keys),
            Some((LoginMethod::SetupToken(_), _)) => self.0.token_page,
            Some((LoginMethod::ApiKey(_), _)) | None => Some(self.0.api.console),
        };
        page.map(Text::from)
    }

    fn authorizer(&self) -> Option<&dyn Authorizer<Login>> {
        Some(self)
    }

    fn secrets(&self) -> Option<&dyn NamedSecrets<Login>> {
        Some(self)
    }

    fn usage(&self) -> Option<&dyn UsageSource<Login>> {
        Some(self)
    }

    fn profiles(&self) -> Option<ProfileSpec> {
        Some(self.0.profiles())
    }

    fn sandbox(&self) -> Option<SandboxSpec> {
        Some(self.0.sandbox())
    }
}

impl Authorizer<Login> for AgentCli {
    /// Attaches an API key. The tool's own login and its token are only for the tool: nothing is attached for them, and
    /// the provider rejects the request.
    fn authorize(&self, login: &Login, request: &mut HttpRequest, _: &Context<'_>) -> Result<(), CredentialError> {
        if let LoginMethod::ApiKey(key) = login.how() {
            self.0.api.attach(key, request);
        }
        Ok(())
    }

    fn is_immediate(&self) -> bool {
        true
    }

    fn seats(&self) -> Vec<Seat> {
        vec![self.0.api.seat()]
    }
}

impl NamedSecrets<Login> for AgentCli {
    fn secret(&self, login: &Login, name: &str) -> Option<Secret> {
        match (name, login.how()) {
            (spec::API_KEY, LoginMethod::ApiKey(key)) => Some(key.duplicate()),
            (spec::SETUP_TOKEN, LoginMethod::SetupToken(token)) => Some(token.duplicate()),
            _ => None,
        }
    }
}
