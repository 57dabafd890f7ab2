//! `agents`: lists the agents, with the connections that each may use now.

use connection_api::{Agent, AgentGrant, GrantState};

use crate::{
    Error, Exit,
    output::{Table, moment, time},
    program::Program,
};

pub(super) async fn run(mut program: Program) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let agents = backend.agents().await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&agents)?;
        return Ok(Exit::Fine);
    }
    if agents.is_empty() {
        output.line("There are no agents. `connections agents create NAME` creates one.")?;
        return Ok(Exit::Fine);
    }
    let when = |at: &String| time(Some(at)).map_or_else(String::new, |at| moment(at, output.now));
    let mut table = Table::new(["AGENT", "MAY USE", "ENDS"], 1);
    for agent in &agents {
        let uses: Vec<_> = active(agent).map(|grant| format!("{} ({})", name(grant), rules(grant))).collect();
        // The times have one form, so that the earliest one is the smallest text.
        let ends = active(agent).map(|grant| &grant.expires_at).min();
        table.row([
            agent.name.as_str().into(),
            if uses.is_empty() { "nothing".to_owned() } else { uses.join(", ") }.into(),
            ends.map_or_else(String::new, when).into(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

/// Returns the grants of an agent that are in force.
fn active(agent: &Agent) -> impl Iterator<Item = &AgentGrant> {
    agent.grants.iter().filter(|grant| grant.state == GrantState::Active)
}

/// Returns the name of the connection of a grant, for people: `github:work`.
pub(super) fn name(grant: &AgentGrant) -> String {
    format!("{}:{}", grant.kind, grant.label)
}

/// Names the rules of a grant: by their preset, or as its own.
fn rules(grant: &AgentGrant) -> String {
    grant.preset.clone().unwrap_or_else(|| "own rules".to_owned())
}
