//! `agents token NAME`: makes another token for an agent, which is printed once, or revokes one.

use connection_api::{AgentToken as Token, IssuedAgentToken, NewAgentToken, NewAudience};

use crate::{
    Error, Exit,
    args::{AgentToken, TokenArguments},
    backend::Backend,
    output::{Output, moment, quoted, short_id, time},
    program::Program,
};

pub(super) async fn run(mut program: Program, arguments: AgentToken) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let output = &program.output;
    let ended = match &arguments.revoke {
        Some(reference) => revoke(output, &*backend, &arguments.agent, reference).await,
        None => {
            let new = new_token(arguments.name, arguments.token)?;
            match backend.create_agent_token(&arguments.agent, new).await {
                Ok(issued) => print_issued(output, &arguments.agent, &issued),
                Err(error) => Err(error),
            }
        }
    };
    backend.close().await;
    ended.map(|()| Exit::Fine)
}

/// Returns the token to make.
pub(super) fn new_token(name: Option<String>, arguments: TokenArguments) -> Result<NewAgentToken, Error> {
    let TokenArguments { audience, lifetime } = arguments;
    let audience = NewAudience::parse(&audience).ok_or_else(|| Error::usage("there is no such audience"))?;
    Ok(NewAgentToken { name, audience, lifetime: Some(lifetime) })
}

/// Prints the text of a token that was made.
pub(super) fn print_issued(output: &Output, agent: &str, issued: &IssuedAgentToken) -> Result<(), Error> {
    if output.json {
        return output.shape(issued);
    }
    output.line(&issued.token)?;
    let ends = time(Some(&issued.of.expires_at)).map_or_else(String::new, |at| moment(at, output.now));
    output.note(format!("Copy the token now: it is shown once. It is a secret of the agent {agent}, and ends {ends}."));
    let id = short_id(&issued.of.id);
    output.note(format!("`connections agents token {} --revoke {id}` ends it.", quoted(agent)));
    Ok(())
}

async fn revoke(output: &Output, backend: &dyn Backend, agent: &str, reference: &str) -> Result<(), Error> {
    let tokens = backend.agent(agent).await?.tokens;
    let id = selected(&tokens, agent, reference)?.id.clone();
    let withdrawal = backend.revoke_agent_token(agent, &id).await?;
    let tokens = backend.agent(agent).await?.tokens;
    let Some(token) = tokens.iter().find(|token| token.id == id) else {
        return Err(Error::new(Exit::NotFound, "token_not_found", "the token is no longer listed"));
    };
    output.remaining(&withdrawal.remaining);
    match output.json {
        true => output.shape(token),
        false => output.line(format!("Revoked {} ({})", token.name, short_id(&token.id))),
    }
}

/// Returns the only token whose id, or whose end of an id, is the reference.
fn selected<'t>(tokens: &'t [Token], agent: &str, reference: &str) -> Result<&'t Token, Error> {
    let is_named = |token: &&Token| token.id == reference || (reference.len() >= 4 && token.id.ends_with(reference));
    let mut found = tokens.iter().filter(is_named);
    let show = format!("`connections agents show {}`", quoted(agent));
    match (found.next(), found.next()) {
        (Some(token), None) => Ok(token),
        // Do not repeat the argument, because it may be the token itself.
        (None, _) => Err(Error::new(Exit::NotFound, "token_not_found", "no token of the agent has that id")
            .remedy(format!("{show} lists its tokens with their ids; the token itself does not name it"))),
        (Some(_), Some(_)) => Err(Error::new(Exit::Usage, "ambiguous", "several tokens have that end of an id")
            .remedy(format!("name one by more of its id, which {show} lists with --json"))),
    }
}
