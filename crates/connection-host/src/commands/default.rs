//! `default C`: makes a connection the default of its provider.

use connection_core::ConnectionInfo;

use crate::{
    Error, Exit,
    cli::Program,
    output::{Output, json, name},
    select,
};

pub(super) async fn run(mut program: Program, reference: &str, clear: bool) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let connection = select::connection(&registry, reference).await?;
    let changed = if clear { connection.clear_default().await } else { connection.make_default().await }?;
    registry.close().await;
    print_default(&program.output, &changed)
}

pub(super) fn print_default(output: &Output, changed: &ConnectionInfo) -> Result<Exit, Error> {
    if output.json {
        output.shape(&json::ConnectionBody::of(changed, output.now))?;
    } else {
        let is = if changed.is_default { "is" } else { "is no longer" };
        output.line(format!("{} {is} the default of {}", name(changed), changed.provider))?;
    }
    Ok(Exit::Fine)
}
