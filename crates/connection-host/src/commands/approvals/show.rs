//! `approvals show ID`: a whole request, and everything by which a person judges it.

use connection_api::{ApprovalState, ChangeKind, Impact, RequestChange, ShownApproval};

use super::{id, state};
use crate::{
    Error, Exit,
    commands::show::fact,
    output::{Output, moment, time},
    program::Program,
};

pub(super) async fn run(mut program: Program, typed: &str) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let id = id(&*backend, typed).await?;
    let shown = backend.approval(&id).await?;
    backend.close().await;
    let output = &program.output;
    match output.json {
        true => output.shape(&shown)?,
        false => {
            print(output, &shown)?;
            if shown.approval.state == ApprovalState::Waiting {
                output.note(format!("Approve it with `connections approvals approve {id}`."));
            }
        }
    }
    Ok(Exit::Fine)
}

/// Prints a request with everything by which a person judges it.
pub(super) fn print(output: &Output, shown: &ShownApproval) -> Result<(), Error> {
    let of = &shown.approval;
    fact(output, "id", &of.id)?;
    fact(output, "state", &state(of))?;
    fact(output, "agent", &format!("{} (through '{}')", of.agent, of.door))?;
    let account = of.account.as_ref().map(|account| format!(", account {account}")).unwrap_or_default();
    fact(output, "connection", &format!("{}:{}{account}", of.kind, of.label))?;
    fact(output, "rule", &of.rule)?;
    fact(output, "effect", effect(of.impact))?;
    if let Some(ends) = time(Some(&of.ends_at)) {
        fact(output, "may be sent", &format!("until {}", moment(ends, output.now)))?;
    }
    fact(output, "before", &before(shown))?;
    if let Some(by) = &of.answered_by {
        fact(output, "answered by", by)?;
    }
    fact(output, "digest", &of.digest)?;
    output.line("")?;
    let Some(request) = &shown.request else {
        return output.line("The request is no longer stored.");
    };
    quoted(output, &format!("{} {}", request.method, request.address))?;
    for header in &request.headers {
        quoted(output, &format!("{}: {}", header.name, header.value))?;
    }
    quoted(output, "")?;
    quoted(output, &request.body)?;
    if let Some(changes) = shown.changes.as_ref().filter(|changes| changes.iter().any(is_change)) {
        output.line("")?;
        output.line("Compared with the last one that was approved, [-without this-] and {+with this+}:")?;
        let text: String = changes.iter().map(marked).collect();
        quoted(output, &text)?;
    }
    Ok(())
}

/// Prints a text of an agent with a mark before each of its lines, so that it cannot look like the words of this command.
fn quoted(output: &Output, text: &str) -> Result<(), Error> {
    let text = text.replace('\t', "\u{27e8}U+0009\u{27e9}");
    text.split('\n').try_for_each(|line| output.value(&format!("| {line}")))
}

fn effect(impact: Impact) -> &'static str {
    match impact {
        Impact::Deletes => "deletes something, which cannot be undone",
        Impact::Reads => "reads, as far as its method says it",
        _ => "changes something; whether that can be undone is not known",
    }
}

fn before(shown: &ShownApproval) -> String {
    let times = |count: u64| match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        more => format!("{more} times"),
    };
    let (equal, alike) = (times(shown.ran_before), times(shown.rule_ran_before));
    format!("this request ran {equal}, requests of this rule and method {alike}, in thirty days")
}

fn is_change(change: &RequestChange) -> bool {
    change.kind != ChangeKind::Same
}

fn marked(change: &RequestChange) -> String {
    match change.kind {
        ChangeKind::Removed => format!("[-{}-]", change.text),
        ChangeKind::Added => format!("{{+{}+}}", change.text),
        _ => change.text.clone(),
    }
}
