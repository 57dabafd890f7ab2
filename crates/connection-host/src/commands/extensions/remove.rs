//! `extensions remove NAME`: after a question, revokes the extension's grants and deletes its settings. Connections
//! stay.

use crate::{Error, Exit, commands::confirm, program::Program};

pub(super) async fn run(mut program: Program, name: &str, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove it")?;
    let backend = program.backend().await?;
    backend.extension(name).await?;
    if !yes && !confirm::ask(&program, format!("Remove the extension {name}?"), "Nothing was removed.").await? {
        backend.close().await;
        return Ok(Exit::Fine);
    }
    let removed = backend.remove_extension(name).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&removed)?;
        return Ok(Exit::Fine);
    }
    let grants = match removed.revoked {
        0 => String::new(),
        1 => "; it may no longer use 1 connection".to_owned(),
        several => format!("; it may no longer use {several} connections"),
    };
    output.line(format!("Removed the extension {name}{grants}"))?;
    Ok(Exit::Fine)
}
