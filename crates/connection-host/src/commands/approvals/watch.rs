//! `approvals watch`: prints requests as they begin to wait, and what becomes of them, until control-C.

use connection_api::{Approval, ApprovalState};

use super::{request, state};
use crate::{
    Error, Exit,
    backend::{Backend, NewEvents},
    commands::follow_events::until_interrupted,
    output::{Output, short_id},
    program::Program,
};

pub(super) async fn run(mut program: Program) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let events = backend.watch(None, None).await?;
    let output = &program.output;
    if !output.json {
        output.note("Watching; press Ctrl-C to stop.");
    }
    let watched = until_interrupted(&program.interrupts, all(&*backend, output, events)).await;
    backend.close().await;
    watched.map(|()| Exit::Fine)
}

async fn all(backend: &dyn Backend, output: &Output, mut events: Box<dyn NewEvents>) -> Result<(), Error> {
    for of in backend.approvals(Some("open"), None, None).await? {
        print(output, &of)?;
    }
    while let Some(event) = events.next().await? {
        let id = event.details.get("approval").and_then(|id| id.as_str());
        if let (true, Some(id)) = (event.event.starts_with("approval_"), id) {
            print(output, &backend.approval(id).await?.approval)?;
        }
    }
    Ok(())
}

fn print(output: &Output, of: &Approval) -> Result<(), Error> {
    if output.json {
        return output.element(of);
    }
    let what = match of.state {
        ApprovalState::Waiting => "waits".to_owned(),
        _ => state(of),
    };
    output.line(format!("{} {} {} ({}): {what}", short_id(&of.id), of.agent, request(of), of.rule))
}
