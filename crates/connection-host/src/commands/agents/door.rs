//! What a program that runs as an agent gets: a token of the agent until the program ends, and the variables that direct
//! the usual programs of its connections' providers to the door of the server.

use std::collections::{BTreeMap, btree_map::Entry};

use connection_api::{AgentGrant, GrantState, IssuedAgentToken, NewAgentToken, NewAudience};

use super::list::name;
use crate::{Error, Exit, backend::Backend, output::quoted, program::Program, select};

/// The variable with the token, for programs without a variable of their own.
pub(in crate::commands) const TOKEN: &str = "AGENT_TOKEN";
/// The variable with the address below which the connections are.
pub(in crate::commands) const DOOR: &str = "AGENT_DOOR";
/// The maximum number of characters in the name of the token.
const MAX_NAME: usize = 80;

/// A variable of the program.
pub(in crate::commands) struct Variable {
    pub(in crate::commands) name: String,
    /// The value with `{doors}`, the address below which the connections are, and `{token}`.
    template: String,
}

impl Variable {
    /// Returns the argument of `agents forward` that sets the variable.
    pub(in crate::commands) fn argument(&self) -> String {
        format!("{}={}", self.name, self.template)
    }

    /// Parses [`argument`](Self::argument).
    pub(super) fn parse(argument: &str) -> Option<Self> {
        let (name, template) = argument.split_once('=')?;
        Some(Self { name: name.to_owned(), template: template.to_owned() })
    }

    pub(super) fn value(&self, doors: &str, token: &str) -> String {
        self.template.replace("{doors}", doors).replace("{token}", token)
    }
}

/// Makes a token for the run of a program.
pub(in crate::commands) async fn issue(
    backend: &dyn Backend,
    agent: &str,
    program: &str,
    lifetime: &str,
) -> Result<IssuedAgentToken, Error> {
    let name: String = format!("run of {program}").chars().take(MAX_NAME).collect();
    let new = NewAgentToken { name: Some(name), audience: NewAudience::Doors, lifetime: Some(lifetime.to_owned()) };
    backend.create_agent_token(agent, new).await
}

/// Revokes the token of the run. The program has ended, and its exit status counts also if this fails.
pub(in crate::commands) async fn revoke(
    program: &Program,
    backend: &dyn Backend,
    agent: &str,
    issued: &IssuedAgentToken,
) {
    match backend.revoke_agent_token(agent, &issued.of.id).await {
        Ok(()) => {}
        // Removing the agent has revoked its tokens.
        Err(error) if error.exit == Exit::NotFound => {}
        Err(error) => {
            let ends = &issued.of.expires_at;
            program.output.note(format!("The token of this run was not revoked, and ends at {ends}: {error}"));
        }
    }
}

/// Returns the variables of the connections that the agent may use, or of those that are named.
pub(in crate::commands) async fn variables(
    backend: &dyn Backend,
    agent: &str,
    connections: &[String],
) -> Result<Vec<Variable>, Error> {
    let mut grants = backend.agent(agent).await?.agent.grants;
    grants.retain(|grant| grant.state == GrantState::Active);
    if grants.is_empty() {
        let error = Error::new(Exit::Refused, "not_granted", format!("the agent {agent} may use nothing"));
        return Err(error.remedy(format!("`connections agents grant {} CONNECTION` lets it use one", quoted(agent))));
    }
    let is_named = !connections.is_empty();
    if is_named {
        let mut named = Vec::new();
        for reference in connections {
            let id = select::connection_id(backend.lookup(), reference).await?;
            if !grants.iter().any(|grant| grant.connection == id) {
                let message = format!("the agent {agent} may not use {}", quoted(reference));
                let remedy = format!("connections agents grant {} {}", quoted(agent), quoted(reference));
                return Err(Error::new(Exit::Refused, "not_granted", message).remedy(format!("`{remedy}` lets it")));
            }
            named.push(id);
        }
        grants.retain(|grant| named.contains(&grant.connection));
    }
    let mut chosen: BTreeMap<&String, &AgentGrant> = BTreeMap::new();
    for grant in &grants {
        for name in grant.variables.keys() {
            match chosen.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(grant);
                }
                Entry::Occupied(mut occupied) => {
                    let preferred = preferred(backend, (*occupied.get(), grant), is_named).await?;
                    occupied.insert(preferred);
                }
            }
        }
    }
    let variables = chosen.into_iter().filter_map(|(name, grant)| {
        let door = format!("{{doors}}/{}", grant.connection);
        Some(Variable { name: name.clone(), template: grant.variables.get(name)?.replace("{door}", &door) })
    });
    Ok(variables.collect())
}

/// Returns the one of two grants that sets a variable: that of the default connection of the provider.
async fn preferred<'g>(
    backend: &dyn Backend,
    (one, other): (&'g AgentGrant, &'g AgentGrant),
    is_named: bool,
) -> Result<&'g AgentGrant, Error> {
    if !is_named {
        let is_default =
            async |grant: &AgentGrant| Ok::<_, Error>(backend.listed(&grant.connection).await?.connection.is_default);
        match (is_default(one).await?, is_default(other).await?) {
            (true, false) => return Ok(one),
            (false, true) => return Ok(other),
            _ => {}
        }
    }
    let message = format!("{} and {} would set the same variables", name(one), name(other));
    Err(Error::new(Exit::Usage, "ambiguous", message).remedy("name one of them with --connection"))
}
