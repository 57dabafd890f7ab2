//! `extensions remove NAME`: after a question, revokes the extension's grants and deletes its settings. Connections
//! stay.

use connection_core::ExtensionError;

use crate::{
    Error, Exit,
    cli::Program,
    commands::confirm,
    extensions::{explained, open_grants},
    output::json,
};

pub(super) async fn run(mut program: Program, name: &str, yes: bool) -> Result<Exit, Error> {
    confirm::possible(&program, yes, "whether to remove it")?;
    let registry = program.open().await?;
    if let Err(error) = registry.extensions().get(name).await {
        return Err(explained(&registry, error).await);
    }
    if !yes && !confirm::ask(&program, format!("Remove the extension {name}?"), "Nothing was removed.").await? {
        registry.close().await;
        return Ok(Exit::Fine);
    }
    let granted = open_grants(&registry, Some(name)).await?;
    let removed = registry.extensions().remove(name).await?;
    registry.close().await;
    if !removed {
        // Another process has removed it first.
        return Err(connection_core::Error::from(ExtensionError::Unknown(name.to_owned().into())).into());
    }
    let output = &program.output;
    let revoked = granted.len();
    match output.json {
        true => output.shape(&json::ExtensionRemovedBody::new(name, revoked))?,
        false => {
            let grants = match revoked {
                0 => String::new(),
                1 => "; it may no longer use 1 connection".to_owned(),
                several => format!("; it may no longer use {several} connections"),
            };
            output.line(format!("Removed the extension {name}{grants}"))?;
        }
    }
    Ok(Exit::Fine)
}
