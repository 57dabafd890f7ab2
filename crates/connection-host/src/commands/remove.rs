//! `remove C`: after a question, tears the connection down and deletes it.

use connection_api::{Connection, Removed, Teardown};
use connection_contract::reason;

use super::confirm;
use crate::{
    Error, Exit,
    output::{Output, account},
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, revoke: bool, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove it")?;
    let backend = program.backend().await?;
    let listed = select::connection(&*backend, reference).await?;
    let (connection, title) = (&listed.connection, &listed.kind_title);
    let output = &program.output;
    if !yes && !confirm::ask(&program, format!("Remove {}?", account(connection)), "Nothing was removed.").await? {
        backend.close().await;
        return Ok(Exit::Fine);
    }
    let removed = output.waiting(title, backend.remove(&connection.id, revoke)).await?;
    backend.close().await;
    output.remaining(&removed.remaining);
    match output.json {
        true => output.shape(&removed)?,
        false => print_removal(output, connection, &removed, title)?,
    }
    Ok(Exit::Fine)
}

/// Prints a removal for people, and what happened to each credential at the provider.
pub(super) fn print_removal(output: &Output, of: &Connection, removed: &Removed, title: &str) -> Result<(), Error> {
    let revoked = removed.teardown == Teardown::Revoked;
    let note = if revoked { format!("; {title} revoked the credential") } else { String::new() };
    output.line(format!("Removed {}{note}", account(of)))?;
    for (which, reason) in [("credential", &removed.reason), ("previous credential", &removed.previous_reason)] {
        if let Some(reason) = reason {
            let remedy = reason.remedy.as_ref().map(|remedy| format!(". To end it, {remedy}")).unwrap_or_default();
            let fate = match reason.code == reason::REVOCATION_UNCONFIRMED {
                true => format!("It is not known whether the {which} was revoked"),
                false => format!("The {which} was not revoked"),
            };
            output.note(format!("{fate}: {}{remedy}.", reason.message));
        }
    }
    Ok(())
}
