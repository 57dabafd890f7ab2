//! `approvals approve ID` and `approvals refuse ID`: the answer of a person.

use connection_api::{Approval, ApprovalState, NewApproval};

use super::{id, request, show, state};
use crate::{Error, Exit, args::Approve, commands::confirm, output::Output, program::Program};

pub(super) async fn approve(mut program: Program, arguments: &Approve) -> Result<Exit, Error> {
    let Approve { id: typed, minutes, requests, digest } = arguments;
    if digest.is_none() && !program.person {
        let error = Error::new(Exit::Usage, "confirmation_required", "nobody can be asked whether to approve this");
        return Err(
            error.remedy("look at the request with `connections approvals show`, and give its digest with --digest")
        );
    }
    let backend = program.backend().await?;
    let id = id(&*backend, typed).await?;
    let digest = match digest {
        Some(digest) => digest.clone(),
        None => {
            let shown = backend.approval(&id).await?;
            if shown.approval.state == ApprovalState::Waiting {
                show::print(&program.output, &shown)?;
                if !confirm::ask(&program, question(&shown.approval, *minutes, *requests), "Nothing was approved.")
                    .await?
                {
                    backend.close().await;
                    return Ok(Exit::Fine);
                }
            }
            shown.approval.digest
        }
    };
    let approved = backend.approve(&id, &NewApproval { digest, minutes: *minutes, requests: *requests }).await?;
    backend.close().await;
    print(&program.output, "Approved", &approved)?;
    Ok(Exit::Fine)
}

fn question(of: &Approval, minutes: Option<u32>, requests: Option<u32>) -> String {
    match minutes {
        None => format!("Send this request of {}, once: {}?", of.agent, request(of)),
        Some(minutes) => format!(
            "Send this request of {}, and let {} further ones of '{} {}' pass for {minutes} min, whatever they contain?",
            of.agent,
            requests.unwrap_or(10),
            of.method,
            of.path
        ),
    }
}

pub(super) async fn refuse(mut program: Program, typed: &str, reason: Option<&str>) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let id = id(&*backend, typed).await?;
    let refused = backend.refuse(&id, reason).await?;
    backend.close().await;
    print(&program.output, "Refused", &refused)?;
    Ok(Exit::Fine)
}

fn print(output: &Output, verb: &str, of: &Approval) -> Result<(), Error> {
    if output.json {
        return output.shape(of);
    }
    match of.state {
        ApprovalState::Refused => output.line(format!("{verb} {} of {}", request(of), of.agent)),
        _ => output.line(format!("{verb} {} of {}: {}", request(of), of.agent, state(of))),
    }
}
