//! `remove C`: asks, gives back what was taken, deletes.

use connection_core::Teardown;

use super::confirm;
use crate::{
    Error, Exit,
    cli::Program,
    output::{account, json},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove it")?;
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let (info, output) = (connection.info(), &program.output);
    if !yes {
        confirm::ask(format!("Remove {}?", account(info)), "nothing was removed").await?;
    }
    let removal = registry.remove(info.id).await?;
    registry.close().await;
    let teardown = match removal.teardown {
        Teardown::Done => "done",
        Teardown::Skipped => "skipped",
        _ => "failed",
    };
    if output.json {
        let (id, kind, label) = (info.id.to_string(), info.kind.to_string(), info.label.to_string());
        output.shape(&json::RemovedBody { id, kind, label, teardown })?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Removed {}", account(info)))?;
    if teardown == "failed" {
        output.note(format!("What was made at the provider could not be given back; look there ({}).", info.provider));
    }
    Ok(Exit::Fine)
}
