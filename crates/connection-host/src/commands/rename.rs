//! `rename C LABEL`: changes the label of a connection.

use connection_core::ConnectionInfo;

use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, json, name},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, label: &str) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let renamed = connection.rename(label.to_owned()).await?;
    registry.close().await;
    print_renamed(&program.output, connection.info(), &renamed)
}

pub(super) fn print_renamed(output: &Output, before: &ConnectionInfo, renamed: &ConnectionInfo) -> Result<Exit, Error> {
    if output.json {
        output.shape(&json::ConnectionBody::of(renamed, output.now))?;
    } else {
        output.line(format!("Renamed {} to {}", name(before), name(renamed)))?;
    }
    Ok(Exit::Fine)
}
