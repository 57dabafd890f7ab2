//! `approvals`: requests of agents about which a person is asked.

mod answer;
mod list;
mod show;
mod watch;

use connection_api::Approval;

use crate::{Error, Exit, args::ApprovalsCommand, backend::Backend, program::Program};

pub(super) async fn run(program: Program, command: Option<ApprovalsCommand>) -> Result<Exit, Error> {
    match command {
        None => list::run(program, &Default::default()).await,
        Some(ApprovalsCommand::List(arguments)) => list::run(program, &arguments).await,
        Some(ApprovalsCommand::Show { id }) => show::run(program, &id).await,
        Some(ApprovalsCommand::Approve(arguments)) => answer::approve(program, &arguments).await,
        Some(ApprovalsCommand::Refuse { id, reason }) => answer::refuse(program, &id, reason.as_deref()).await,
        Some(ApprovalsCommand::Watch) => watch::run(program).await,
    }
}

/// Returns the id that a person typed, of which the end is enough.
async fn id(backend: &dyn Backend, typed: &str) -> Result<String, Error> {
    if typed.len() == 36 {
        return Ok(typed.to_owned());
    }
    let all = backend.approvals(None, None, Some(500)).await?;
    let mut found = all.into_iter().filter(|approval| approval.id.ends_with(typed));
    match (found.next(), found.next()) {
        (Some(approval), None) => Ok(approval.id),
        (Some(_), Some(_)) => Err(Error::usage("several approvals have an id that ends so; type more of it")),
        (None, _) => {
            Err(Error::new(Exit::NotFound, "unknown_approval", format!("no approval has an id that ends with {typed}"))
                .remedy("list the approvals with `connections approvals list`"))
        }
    }
}

/// Returns the request of an approval in a few words.
fn request(of: &Approval) -> String {
    format!("{} {}{}", of.method, of.origin, of.path)
}

/// Returns what became of a request, in words.
fn state(of: &Approval) -> String {
    use connection_api::ApprovalState;
    let reason = of.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match of.state {
        ApprovalState::Answered => {
            let status = of.status.map(|status| status.to_string()).unwrap_or_default();
            format!("sent, answered with {status}")
        }
        ApprovalState::Approved => match &of.code {
            Some(code) => format!("approved, not sent yet ({code})"),
            None => "approved, not sent yet".to_owned(),
        },
        ApprovalState::Executing => "being sent".to_owned(),
        ApprovalState::Lapsed => format!("not sent{reason}"),
        ApprovalState::Refused => format!("refused{reason}"),
        ApprovalState::Lost => "may have happened; the answer is lost".to_owned(),
        other => other.as_str().to_owned(),
    }
}
