//! `remove C`: after a question, tears the connection down and deletes it.

use connection_core::{ConnectionInfo, Removal, Teardown};

use super::confirm;
use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, account, json},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, revoke: bool, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove it")?;
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let info = connection.info();
    let output = &program.output;
    if !yes && !confirm::ask(&program, removal_question(info), "Nothing was removed.").await? {
        registry.close().await;
        return Ok(Exit::Fine);
    }
    let provider = program.provider(&info.kind);
    let removal = match revoke {
        true => registry.remove_and_revoke(info.id),
        false => registry.remove(info.id),
    };
    let removal = output.waiting(provider, removal).await?;
    registry.close().await;
    if output.json {
        output.shape(&json::RemovedBody::of(info, &removal))?;
        return Ok(Exit::Fine);
    }
    print_removal(output, info, &removal, provider)?;
    Ok(Exit::Fine)
}

/// Returns the question before a removal.
pub(super) fn removal_question(info: &ConnectionInfo) -> String {
    format!("Remove {}?", account(info))
}

/// Prints a removal for people, and what happened to each credential at the provider.
pub(super) fn print_removal(
    output: &Output,
    info: &ConnectionInfo,
    removal: &Removal,
    provider: &str,
) -> Result<(), Error> {
    let revoked = removal.teardown == Teardown::Revoked;
    let note = if revoked { format!("; {provider} revoked the credential") } else { String::new() };
    output.line(format!("Removed {}{note}", account(info)))?;
    for (which, reason) in [("credential", &removal.reason), ("previous credential", &removal.previous_reason)] {
        if let Some(reason) = reason {
            let remedy = reason.remedy.as_ref().map(|remedy| format!(". To end it, {remedy}")).unwrap_or_default();
            output.note(format!("The {which} was not revoked: {}{remedy}.", reason.message));
        }
    }
    Ok(())
}
