//! `agents remove NAME`: after a question, revokes the agent's grants and its tokens. Connections stay.

use crate::{Error, Exit, commands::confirm, program::Program};

pub(super) async fn run(mut program: Program, name: &str, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove it")?;
    let backend = program.backend().await?;
    if !yes {
        // A question about an agent that does not exist is not asked.
        match backend.agent(name).await {
            // An agent whose row was edited can be removed, too.
            Err(error) if !["row_changed", "row_outdated", "row_version"].contains(&&*error.code) => return Err(error),
            _ => {}
        }
        let question = format!("Remove the agent {name}? Its tokens end at once.");
        if !confirm::ask(&program, question, "Nothing was removed.").await? {
            backend.close().await;
            return Ok(Exit::Fine);
        }
    }
    let removed = backend.remove_agent(name).await?;
    backend.close().await;
    let output = &program.output;
    output.remaining(&removed.remaining);
    if output.json {
        output.shape(&removed)?;
        return Ok(Exit::Fine);
    }
    let grants = match removed.revoked {
        None | Some(0) => String::new(),
        Some(1) => "; it may no longer use 1 connection".to_owned(),
        Some(several) => format!("; it may no longer use {several} connections"),
    };
    output.line(format!("Removed the agent {name}{grants}"))?;
    Ok(Exit::Fine)
}
