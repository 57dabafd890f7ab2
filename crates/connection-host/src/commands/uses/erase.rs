//! `uses erase`: erases what old entries say.

use super::time;
use crate::{Error, Exit, commands::confirm, program::Program};

pub(super) async fn run(mut program: Program, before: &str, yes: bool) -> Result<Exit, Error> {
    let before = time("--before", before, program.output.now)?;
    confirm::possible(&program, yes, "whether to erase what the entries say")?;
    let question = format!("Erase what the entries from before {} say?", before.to_rfc3339());
    if !yes && !confirm::ask(&program, question, "Nothing was erased.").await? {
        return Ok(Exit::Fine);
    }
    let backend = program.backend().await?;
    let erased = backend.erase_uses(before).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&erased)?;
        return Ok(Exit::Fine);
    }
    output.line(match erased.erased {
        0 => "There was nothing to erase.".to_owned(),
        1 => "Erased one entry. Its commitment stays.".to_owned(),
        count => format!("Erased {count} entries. Their commitments stay."),
    })?;
    Ok(Exit::Fine)
}
