//! `remove C`: after a question, tears the connection down and deletes it.

use connection_core::{ConnectionInfo, Removal};

use super::confirm;
use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, account, json},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, yes: bool) -> Result<Exit, Error> {
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
    let removal = output.waiting(provider, registry.remove(info.id)).await?;
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

/// Prints a removal for people, and each credential that was not revoked.
pub(super) fn print_removal(
    output: &Output,
    info: &ConnectionInfo,
    removal: &Removal,
    provider: &str,
) -> Result<(), Error> {
    output.line(format!("Removed {}", account(info)))?;
    for (which, reason) in [("credential", &removal.reason), ("previous credential", &removal.previous_reason)] {
        if let Some(reason) = reason {
            output.note(format!("The {which} was not revoked: {}. Revoke it at {provider}.", reason.message));
        }
    }
    Ok(())
}
