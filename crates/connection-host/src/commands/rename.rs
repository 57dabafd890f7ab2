//! `rename C LABEL`: changes the label of a connection.

use crate::{Error, Exit, output::name, program::Program, select};

pub(super) async fn run(mut program: Program, reference: &str, label: &str) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let before = select::connection(&*backend, reference).await?.connection;
    let renamed = backend.rename(&before.id, label).await?;
    backend.close().await;
    let output = &program.output;
    match output.json {
        true => output.shape(&renamed)?,
        false => output.line(format!("Renamed {} to {}", name(&before), name(&renamed)))?,
    }
    Ok(Exit::Fine)
}
