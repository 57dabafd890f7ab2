//! `agents show NAME`: says in words what an agent may do, and lists its tokens without their texts.

use connection_api::{AgentGrant, AgentToken, GrantState};

use super::list::name;
use crate::{
    Error, Exit,
    commands::show::fact,
    output::{Output, Table, moment, quoted, short_id, time},
    program::Program,
};

pub(super) async fn run(mut program: Program, agent: &str) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let shown = backend.agent(agent).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&shown)?;
        return Ok(Exit::Fine);
    }
    let agent = &shown.agent;
    fact(output, "agent", &agent.name)?;
    fact(output, "id", &agent.id)?;
    fact(output, "created", &when(output, &agent.created_at))?;
    if let Some(client) = &shown.client {
        let until = match &client.ends_at {
            Some(end) => format!("signed in until {}", when(output, end)),
            None => "not signed in".to_owned(),
        };
        fact(output, "client", &format!("{} from {}, {until}", quoted(&client.name), client.host))?;
    }
    if agent.grants.is_empty() {
        let grant = format!("connections agents grant {} CONNECTION", quoted(&agent.name));
        fact(output, "may use", &format!("nothing; `{grant}` lets it use a connection"))?;
    }
    for grant in &agent.grants {
        print_grant(output, grant)?;
    }
    if shown.tokens.is_empty() && shown.client.as_ref().is_some_and(|client| client.ends_at.is_some()) {
        return output.line("The client renews its token by itself; a person has made none.").map(|()| Exit::Fine);
    }
    if shown.tokens.is_empty() {
        return output.line("The agent has no token.").map(|()| Exit::Fine);
    }
    output.table(&tokens(output, &shown.tokens))?;
    Ok(Exit::Fine)
}

/// Returns a time with its distance, for the end of a line.
pub(super) fn when(output: &Output, at: &String) -> String {
    time(Some(at)).map_or_else(|| at.clone(), |time| format!("{at} ({})", moment(time, output.now)))
}

/// Prints the end of a grant, and what it permits while it is in force.
fn print_grant(output: &Output, grant: &AgentGrant) -> Result<(), Error> {
    match (grant.state, &grant.revoked_at) {
        (GrantState::Active, _) => {}
        (_, Some(at)) => return fact(output, "revoked", &format!("{}, {}", name(grant), when(output, at))),
        _ => return fact(output, "ended", &format!("{}, {}", name(grant), when(output, &grant.expires_at))),
    }
    let preset = grant.preset.as_ref().map(|preset| format!(" with the preset '{preset}'")).unwrap_or_default();
    fact(output, "may use", &format!("{}{preset}, until {}", name(grant), when(output, &grant.expires_at)))?;
    print_words(output, grant)
}

/// Prints what a grant permits, and what is left of its budget.
pub(super) fn print_words(output: &Output, grant: &AgentGrant) -> Result<(), Error> {
    grant.words.iter().try_for_each(|line| output.line(format!("  {line}")))?;
    for of in &grant.widened {
        let (left, method, path) = (of.left, &of.method, &of.path);
        let until = when(output, &of.ends_at);
        output.line(format!("  {left} more of {method} {path}, about which '{}' asks, pass until {until}", of.rule))?;
    }
    let Some(budget) = &grant.budget else { return Ok(()) };
    let Some(left) = budget.left else { return Ok(()) };
    let until = budget.until.as_ref().map(|until| format!(" until {}", when(output, until)));
    output.line(format!("  {left} of {} requests are left{}", budget.requests, until.unwrap_or_default()))
}

fn tokens(output: &Output, tokens: &[AgentToken]) -> Table {
    let when = |at: &String| time(Some(at)).map_or_else(String::new, |at| moment(at, output.now));
    let mut table = Table::new(["TOKEN", "NAME", "FOR", "LAST USED", "ENDS"], 2);
    for token in tokens {
        let is_live = time(Some(&token.expires_at)).is_some_and(|end| output.now < end);
        let ends = match &token.revoked_at {
            Some(at) => format!("revoked {}", when(at)),
            None if is_live => when(&token.expires_at),
            None => "ended".to_owned(),
        };
        table.row([
            short_id(&token.id).into(),
            token.name.as_str().into(),
            token.audience.to_string().into(),
            token.last_used_at.as_ref().map_or_else(|| "never".to_owned(), when).into(),
            ends.into(),
        ]);
    }
    table
}
