//! `agents revoke NAME CONNECTION`: takes a connection away from an agent.

use connection_api::AgentGrant;

use super::list::name;
use crate::{Error, Exit, program::Program, select};

pub(super) async fn run(mut program: Program, agent: &str, reference: &str) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let of = |grants: Vec<AgentGrant>, id: &str| grants.into_iter().find(|grant| grant.connection == id);
    let grants = backend.agent(agent).await?.agent.grants;
    let id = select::connection_id(backend.lookup(), reference).await?;
    let was_granted = of(grants, &id).is_some_and(|grant| grant.revoked_at.is_none());
    let withdrawal = backend.revoke_agent_grant(agent, &id).await?;
    let revoked = match was_granted {
        true => of(backend.agent(agent).await?.agent.grants, &id),
        false => None,
    };
    let revoked = revoked.map(|grant| AgentGrant { remaining: withdrawal.remaining.clone(), ..grant });
    backend.close().await;
    let output = &program.output;
    output.remaining(&withdrawal.remaining);
    match (output.json, &revoked) {
        (true, _) => output.shape(&revoked)?,
        (false, Some(grant)) => output.line(format!("{agent} may no longer use {}", name(grant)))?,
        (false, None) => output.line(format!("{agent} has no grant of this connection"))?,
    }
    Ok(Exit::Fine)
}
