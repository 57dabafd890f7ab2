//! `agents learn NAME [CONNECTION]`: proposes the narrowest rules that cover what the record shows of an agent, and grants
//! them after a person has seen the difference.

use connection_api::{GrantPreview, GrantRules, LearnedRules, NewAgentGrant};
use serde::Serialize;

use super::{explain::granted, grant};
use crate::{
    Error, Exit,
    args::LearnAgent,
    commands::{confirm, uses::time},
    output::Output,
    program::Program,
};

/// The rules that were learned, for `--json`.
#[derive(Serialize)]
struct LearnedBody<'a> {
    #[serde(flatten)]
    learned: &'a LearnedRules,
    /// `true` if the grant was changed.
    granted: bool,
}

pub(super) async fn run(mut program: Program, arguments: LearnAgent) -> Result<Exit, Error> {
    let LearnAgent { name: agent, connection, since, refused, yes } = &arguments;
    let since = since.as_ref().map(|text| time("--since", text, program.output.now)).transpose()?;
    let since = since.map(|since| since.to_rfc3339());
    let backend = program.backend().await?;
    let connection = granted(&*backend, agent, connection.as_deref()).await?;
    let learned = backend.learned_rules(agent, &connection, since.as_deref(), *refused).await?;
    let rules = learned.rules.as_object().cloned().unwrap_or_default();
    let mut new = NewAgentGrant { rules: Some(GrantRules::Rules(rules)), ..NewAgentGrant::default() };
    let preview = backend.preview_agent_grant(agent, &connection, &new).await?;
    let is_same = preview.added.is_empty() && preview.removed.is_empty();
    if !program.output.json {
        print(&program.output, agent, &learned, &preview, is_same && !refused)?;
    }
    let is_agreed = !is_same && agreed(&program, agent, *yes).await?;
    if let Some(before) = preview.before.as_ref().filter(|_| is_agreed) {
        // The grant ends when it would have ended before.
        new.expires = Some(format!("{}s", remaining(program.output.now.seconds(), &before.expires_at)));
        let granted = backend.grant_agent(agent, &connection, &new).await?;
        program.output.remaining(&granted.remaining);
    }
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&LearnedBody { learned: &learned, granted: is_agreed })?;
    } else if is_agreed {
        output.line(format!("{agent} has these rules from now on"))?;
    }
    Ok(Exit::Fine)
}

/// Prints what is on record, and how the rules that were learned differ from those of the grant. `hints` adds how more is
/// covered.
fn print(
    output: &Output,
    agent: &str,
    learned: &LearnedRules,
    preview: &GrantPreview,
    hints: bool,
) -> Result<(), Error> {
    let LearnedRules { requests, refused, .. } = learned;
    output.line(format!("Requests on record: {requests} allowed, {refused} denied or asked about"))?;
    if let Some(before) = &preview.before {
        grant::print_difference(output, agent, before, preview)?;
    }
    if hints && *refused > 0 {
        output.note("With --refused, the rules also cover what was denied because no rule is about it.");
    }
    Ok(())
}

/// Returns `true` if the grant is to be changed: with `--yes`, or if a person says so.
async fn agreed(program: &Program, agent: &str, yes: bool) -> Result<bool, Error> {
    if yes || !program.person {
        if !yes {
            program.output.note("The grant was not changed. With --yes, it is changed without a question.");
        }
        return Ok(yes);
    }
    confirm::ask(program, format!("Give {agent} these rules?"), "The grant was not changed.").await
}

/// Returns the number of seconds until a time, at least one.
fn remaining(now: i64, until: &String) -> i64 {
    crate::output::time(Some(until)).map_or(1, |until| (until.seconds() - now).max(1))
}
