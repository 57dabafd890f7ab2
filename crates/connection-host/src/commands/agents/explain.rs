//! `agents explain NAME METHOD PATH`: the rule of an agent's grant that decides about a request.

use connection_api::{Agent, AgentGrant, GrantState};

use super::list::name;
use crate::{
    Error, Exit,
    args::ExplainAgent,
    backend::Backend,
    commands::rules::{explained_request, print_explanation},
    input::Standard,
    output::quoted,
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, arguments: ExplainAgent) -> Result<Exit, Error> {
    let request = explained_request(&arguments.request, &mut Standard::default())?;
    let backend = program.backend().await?;
    let connection = granted(&*backend, &arguments.name, arguments.connection.as_deref()).await?;
    let explanation = backend.explain_agent_request(&arguments.name, &connection, &request).await?;
    backend.close().await;
    print_explanation(&program.output, &explanation)
}

/// Returns the id of the connection that a reference names, or of the only one that the agent may use.
pub(super) async fn granted(backend: &dyn Backend, agent: &str, reference: Option<&str>) -> Result<String, Error> {
    if let Some(reference) = reference {
        return select::connection_id(backend.lookup(), reference).await;
    }
    let Agent { grants, .. } = backend.agent(agent).await?.agent;
    let active: Vec<&AgentGrant> = grants.iter().filter(|grant| grant.state == GrantState::Active).collect();
    match &active[..] {
        [grant] => Ok(grant.connection.clone()),
        [] => {
            let error = Error::new(Exit::NotFound, "not_granted", format!("'{agent}' may use no connection"));
            Err(error.remedy(format!("`connections agents grant {} CONNECTION` lets it use one", quoted(agent))))
        }
        several => {
            let names: Vec<String> = several.iter().map(|grant| name(grant)).collect();
            let error = Error::usage(format!("'{agent}' may use several connections"));
            Err(error.remedy(format!("name one of {}", names.join(", "))))
        }
    }
}
