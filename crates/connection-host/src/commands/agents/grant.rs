//! `agents grant NAME CONNECTION`: lets an agent use a connection within rules. A grant that is in force is replaced
//! after the difference was shown, and after a question if the new one permits more.

use connection_api::{AgentGrant, GrantPreview, NewAgentGrant, RulesDifference};

use super::{
    list::name as granted_name,
    show::{print_words, when},
};
use crate::{
    Error, Exit,
    args::GrantAgent,
    commands::{confirm, rules::given_rules},
    output::{Output, name},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, arguments: GrantAgent) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let connection = select::connection(&*backend, &arguments.connection).await?.connection;
    let rules = given_rules(&arguments.rules, &connection)?;
    let new =
        NewAgentGrant { rules: Some(rules), expires: arguments.expires, release: arguments.release.then_some(true) };
    let agent = &arguments.name;
    let preview = backend.preview_agent_grant(agent, &connection.id, &new).await?;
    if let Some(before) = &preview.before {
        if !program.output.json {
            print_difference(&program.output, agent, before, &preview)?;
        }
        if preview.widens && !arguments.yes {
            confirm::possible(&program, false, "whether to widen the grant")?;
            let question = format!("Let {agent} do more with {}?", name(&connection));
            if !confirm::ask(&program, question, "The grant was not changed.").await? {
                backend.close().await;
                return Ok(Exit::Fine);
            }
        }
    }
    let granted = backend.grant_agent(agent, &connection.id, &new).await?;
    backend.close().await;
    let output = &program.output;
    output.remaining(&granted.remaining);
    if output.json {
        output.shape(&granted)?;
        return Ok(Exit::Fine);
    }
    let until = when(output, &granted.expires_at);
    output.line(format!("{agent} may use {} until {until}", granted_name(&granted)))?;
    print_words(output, &granted)?;
    Ok(Exit::Fine)
}

/// Prints how a grant differs from the one that it replaces.
pub(super) fn print_difference(
    output: &Output,
    agent: &str,
    before: &AgentGrant,
    preview: &GrantPreview,
) -> Result<(), Error> {
    let connection = granted_name(before);
    let differs = |difference: &RulesDifference| difference.differs != Some(false);
    let is_same = preview.added.is_empty() && preview.removed.is_empty();
    if is_same && !differs(&preview.permits) && !differs(&preview.withdraws) {
        return output.line(format!("{agent} may use {connection} already, with the same rules."));
    }
    output.line(format!("This changes what {agent} may do with {connection}:"))?;
    preview.removed.iter().try_for_each(|line| output.line(format!("  - {line}")))?;
    preview.added.iter().try_for_each(|line| output.line(format!("  + {line}")))?;
    for (what, difference) in [("permitted from now on", &preview.permits), ("no longer permitted", &preview.withdraws)]
    {
        match difference.differs {
            Some(true) => output.line(format!("  {what}, for example: {}", difference.message))?,
            Some(false) => {}
            None => output.line(format!("  {what}: {}", difference.message))?,
        }
    }
    Ok(())
}
