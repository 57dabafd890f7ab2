//! `credential`: answers programs that ask another program for a credential, such as git.
//!
//! Such a program gets the secret itself. The core checks that the grant of the agent says so and that the kind answers for
//! the host, and records the release. A protocol uses standard output for itself.

mod aws;
mod cargo;
mod docker;
mod git;
mod headers;

use connection_contract::{HelperProtocol, Origin, host};
use connection_core::{AgentCaller, AnsweringConnection, ConnectionId, ConnectionRegistry, Door, ReleasedCredential};

use crate::{
    Error, Exit,
    args::{CredentialCommand, Helper},
    program::Program,
    select,
};

pub(super) async fn run(program: Program, command: CredentialCommand) -> Result<Exit, Error> {
    match command {
        CredentialCommand::Aws(helper) => aws::run(program, &helper).await,
        CredentialCommand::Cargo(arguments) => cargo::run(program, arguments).await,
        CredentialCommand::Docker { helper, action } => docker::run(program, &helper, action).await,
        CredentialCommand::Git { helper, action } => git::run(program, &helper, action).await,
        CredentialCommand::Headers { helper, address } => headers::run(program, &helper, address).await,
    }
}

/// The connections of an agent, for one program that asks.
struct Asked<'r> {
    registry: &'r ConnectionRegistry,
    caller: AgentCaller,
    /// The connection that the arguments name.
    named: Option<ConnectionId>,
    agent: &'r str,
}

impl<'r> Asked<'r> {
    async fn of(registry: &'r ConnectionRegistry, helper: &'r Helper) -> Result<Self, Error> {
        let caller = registry.agents().get(&helper.agent).await?.caller(Door::Helper);
        let named = match &helper.connection {
            Some(reference) => Some(select::opened(registry, reference).await?.id()),
            None => None,
        };
        Ok(Self { registry, caller, named, agent: &helper.agent })
    }

    /// Returns the connection that answers for an origin, and has this user if one is named; `None` if the agent has none.
    /// Without a protocol, it is one that sends requests there.
    async fn connection(
        &self,
        protocol: Option<HelperProtocol>,
        origin: Option<&Origin>,
        user: Option<&str>,
    ) -> Result<Option<ConnectionId>, Error> {
        let answering = self.registry.for_agent(&self.caller).answering(protocol, origin).await?;
        let is_named = |of: &&AnsweringConnection| {
            let has_user = user.is_none() || of.user.as_deref() == user;
            has_user && self.named.is_none_or(|named| of.connection.id == named)
        };
        let mut answering: Vec<_> = answering.iter().filter(is_named).collect();
        // Of those that remain, some may hand out their secret, and one may be the default of its provider.
        for prefers in [|of: &AnsweringConnection| of.releases, |of: &AnsweringConnection| of.connection.is_default] {
            if answering.iter().any(|of| prefers(of)) {
                answering.retain(|of| prefers(of));
            }
        }
        match &*answering {
            [] => Ok(None),
            [only] => Ok(Some(only.connection.id)),
            several => {
                let name = |of: &&AnsweringConnection| format!("{}:{}", of.connection.kind, of.connection.label);
                let names: Vec<_> = several.iter().map(name).collect();
                let message = format!("several connections of {} answer: {}", self.agent, names.join(", "));
                Err(Error::new(Exit::Usage, "ambiguous", message).remedy("name one with --connection"))
            }
        }
    }

    /// Returns the credential for an origin; `None` if no connection of the agent answers for it.
    async fn credential(
        &self,
        protocol: HelperProtocol,
        origin: Option<&Origin>,
        user: Option<&str>,
    ) -> Result<Option<ReleasedCredential>, Error> {
        let Some(connection) = self.connection(Some(protocol), origin, user).await? else { return Ok(None) };
        let released = self.registry.for_agent(&self.caller).credential(connection, protocol, origin).await;
        Ok(Some(released?))
    }

    /// Returns the refusal of what no connection of the agent answers.
    fn nothing(&self, what: &str) -> Error {
        let message = format!("no connection that is granted to {} answers {what}", self.agent);
        Error::new(Exit::NotFound, "not_found", message)
            .remedy(format!("see `connections agents show {}`, and grant it a connection of that provider", self.agent))
    }
}

/// Returns the origin of an address, or of a host without a scheme.
fn origin(address: &str) -> Option<Origin> {
    match address.contains("://") {
        true => host::origin(address),
        false => host::origin(&format!("https://{address}")),
    }
}

/// Returns the text of a released secret. No program gets one with a control character, which could end its line.
fn text(secret: &connection_contract::Secret) -> Result<&str, Error> {
    let text = secret.expose_str().filter(|text| is_line(text));
    text.ok_or_else(|| Error::new(Exit::Refused, "not_supported", "the secret is not a line of text"))
}

/// Returns the user name of a released credential, which is a line of text.
fn user(released: &ReleasedCredential) -> Result<&str, Error> {
    let user = released.user.as_deref().unwrap_or_default();
    let refused = || Error::new(Exit::Refused, "not_supported", "the user name is not a line of text");
    is_line(user).then_some(user).ok_or_else(refused)
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
