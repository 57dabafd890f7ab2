//! What a program that runs as an agent gets: a token of the agent until the program ends, and the variables that direct
//! the usual programs of its connections' providers to the door of the server.

use std::collections::BTreeMap;

use connection_api::{AgentGrant, GrantState, IssuedAgentToken, NewAgentToken, NewAudience};

use super::list::name as label;
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
        // The program that had the token has ended.
        Ok(_) => {}
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
    Usable::of(backend, agent, connections).await?.variables(backend).await
}

/// The grants by which an agent may use connections.
pub(super) struct Usable {
    grants: Vec<AgentGrant>,
    is_named: bool,
}

impl Usable {
    /// Returns all grants of the agent, or those of the connections that are named.
    pub(super) async fn of(backend: &dyn Backend, agent: &str, connections: &[String]) -> Result<Self, Error> {
        let mut grants = backend.agent(agent).await?.agent.grants;
        grants.retain(|grant| grant.state == GrantState::Active);
        if grants.is_empty() {
            let error = Error::new(Exit::Refused, "not_granted", format!("the agent {agent} may use nothing"));
            return Err(
                error.remedy(format!("`connections agents grant {} CONNECTION` lets it use one", quoted(agent)))
            );
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
        Ok(Self { grants, is_named })
    }

    /// Returns the variables of the connections.
    pub(super) async fn variables(&self, backend: &dyn Backend) -> Result<Vec<Variable>, Error> {
        let mut variables = Vec::new();
        for (name, grants) in self.by(|grant| grant.variables.keys().map(String::as_str).collect()) {
            let grant = self.preferred(backend, &grants).await?.ok_or_else(|| {
                let names: Vec<String> = grants.iter().map(|grant| label(grant)).collect();
                let message = format!("{} would set the same variables", names.join(" and "));
                Error::new(Exit::Usage, "ambiguous", message).remedy("name one of them with --connection")
            })?;
            let door = format!("{{doors}}/{}", grant.connection);
            let template = grant.variables.get(name).map(|template| template.replace("{door}", &door));
            variables.push(Variable { name: name.to_owned(), template: template.unwrap_or_default() });
        }
        Ok(variables)
    }

    /// Returns the origins to which requests of the connections go.
    pub(super) async fn origins(&self, backend: &dyn Backend) -> Result<Vec<GrantedOrigin<'_>>, Error> {
        let mut origins = Vec::new();
        for (origin, grants) in self.by(|grant| grant.origins.iter().map(String::as_str).collect()) {
            let user = match self.preferred(backend, &grants).await? {
                Some(grant) => Ok(&*grant.connection),
                None => Err(grants.iter().map(|grant| label(grant)).collect()),
            };
            origins.push(GrantedOrigin { origin, user });
        }
        Ok(origins)
    }

    /// Returns the grants that have each of these things.
    fn by<'s>(&'s self, things: impl Fn(&'s AgentGrant) -> Vec<&'s str>) -> BTreeMap<&'s str, Vec<&'s AgentGrant>> {
        let mut by = BTreeMap::<_, Vec<_>>::new();
        for grant in &self.grants {
            things(grant).into_iter().for_each(|thing| by.entry(thing).or_default().push(grant));
        }
        by
    }

    /// Returns the only one of these grants, or the one whose connection is the default one of its provider.
    async fn preferred<'g>(
        &self,
        backend: &dyn Backend,
        grants: &[&'g AgentGrant],
    ) -> Result<Option<&'g AgentGrant>, Error> {
        if let [grant] = grants {
            return Ok(Some(grant));
        }
        let mut default = None;
        for grant in grants.iter().filter(|_| !self.is_named) {
            if backend.listed(&grant.connection).await?.connection.is_default && default.replace(*grant).is_some() {
                // Their kinds belong to different providers.
                return Ok(None);
            }
        }
        Ok(default)
    }
}

/// An origin of connections of an agent.
pub(super) struct GrantedOrigin<'a> {
    pub(super) origin: &'a str,
    /// The id of the connection that is used there; or the names of several, if none of them is preferred.
    pub(super) user: Result<&'a str, Vec<String>>,
}
