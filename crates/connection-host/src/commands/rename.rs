//! `rename C LABEL`: changes the label of a connection.

use crate::{
    Error, Exit,
    cli::Program,
    output::{json, name},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, label: &str) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let renamed = connection.rename(label.to_owned()).await?;
    registry.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&json::ConnectionBody::of(&renamed, output.now))?;
    } else {
        output.line(format!("Renamed {} to {}", name(connection.info()), name(&renamed)))?;
    }
    Ok(Exit::Fine)
}
