//! `mcp`: a server on standard streams, whose tools use the connections of an agent.
//!
//! Standard output has messages alone.

use connection_contract::Secret;
use connection_core::{AgentCaller, Audience, ConnectionRegistry, Door};
use connection_server::{ApiOptions, InvalidHostOrigin, serve_mcp};
use secrecy::SecretString;
use tokio::io::{stdin, stdout};

use crate::{
    Error, Exit,
    commands::{agents::door::TOKEN, serve},
    platform::finish,
    program::Program,
};

pub(in crate::commands) async fn run(mut program: Program, agent: Option<&str>) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let served = served(&program, &registry, agent).await;
    // The client has gone away, perhaps during a refresh.
    finish(&registry).await;
    served.map(|()| Exit::Fine)
}

async fn served(program: &Program, registry: &ConnectionRegistry, agent: Option<&str>) -> Result<(), Error> {
    let caller = match agent {
        Some(name) => registry.agents().get(name).await?.caller(Door::Mcp),
        None => of_token(registry, program.environment.secret(TOKEN)).await?,
    };
    // Nothing is reached at this address.
    let nowhere =
        "http://127.0.0.1".parse().map_err(|error: InvalidHostOrigin| Error::configuration(error.to_string()))?;
    let options = program.settings.page.add_to(ApiOptions::new(nowhere))?.version(env!("CARGO_PKG_VERSION"));
    let page = serve::running_page(program, registry).await;
    let ended = serve_mcp(registry.clone(), caller, options, page, stdin(), stdout()).await;
    ended.map_err(|error| Error::io("standard streams", &error))
}

/// Returns the agent whose token this is.
async fn of_token(registry: &ConnectionRegistry, token: Option<Secret>) -> Result<AgentCaller, Error> {
    let remedy = format!(
        "name an agent with --agent, or put a token of `connections agents token NAME --audience mcp` into {TOKEN}"
    );
    let Some(text) = token.as_ref().and_then(Secret::expose_str) else {
        return Err(Error::usage("no agent is named").remedy(remedy));
    };
    let caller = registry.authenticate_agent(&SecretString::from(text), Audience::Mcp).await?;
    let refused =
        || Error::new(Exit::Refused, "unauthenticated", format!("the token in {TOKEN} is not valid for models"));
    caller.ok_or_else(|| refused().remedy(remedy))
}
