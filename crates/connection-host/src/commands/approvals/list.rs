//! `approvals list`: the requests that wait for a person, and the last ones that are over.

use connection_api::{Approval, ApprovalState};

use super::{request, state};
use crate::{
    Error, Exit,
    args::ListApprovals,
    output::{Elements, Output, Table, moment, short_id, time},
    program::Program,
};

pub(super) async fn run(mut program: Program, arguments: &ListApprovals) -> Result<Exit, Error> {
    let ListApprovals { agent, state, limit } = arguments;
    let backend = program.backend().await?;
    let limit = usize::try_from(*limit).unwrap_or_default();
    let found = backend.approvals(state.as_deref(), agent.as_deref(), Some(limit)).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        let mut elements = Elements::new();
        found.iter().try_for_each(|of| elements.push(output, of))?;
        elements.end(output)?;
        return Ok(Exit::Fine);
    }
    if found.is_empty() {
        output.line("No request waits for a person.")?;
        return Ok(Exit::Fine);
    }
    table(output, &found)?;
    if found.iter().any(|of| of.state == ApprovalState::Waiting) {
        output.note("Look at one with `connections approvals show ID`; the end of its id is enough.");
    }
    Ok(Exit::Fine)
}

fn table(output: &Output, found: &[Approval]) -> Result<(), Error> {
    let mut table = Table::new(["ID", "AGENT", "CONNECTION", "RULE", "REQUEST", "STATE"], 3);
    for of in found {
        let waiting = || match time(Some(&of.ends_at)) {
            Some(at) => format!("waits; ends {}", moment(at, output.now)),
            None => "waits".to_owned(),
        };
        table.row([
            short_id(&of.id).into(),
            of.agent.as_str().into(),
            format!("{}:{}", of.kind, of.label).into(),
            of.rule.as_str().into(),
            request(of).into(),
            if of.state == ApprovalState::Waiting { waiting() } else { state(of) }.into(),
        ]);
    }
    output.table(&table)
}
