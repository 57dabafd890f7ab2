//! `default C`: makes a connection the default of its provider.

use crate::{Error, Exit, output::name, program::Program, select};

pub(super) async fn run(mut program: Program, reference: &str, clear: bool) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let id = select::connection_id(backend.lookup(), reference).await?;
    let changed = backend.set_default(&id, !clear).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&changed)?;
    } else {
        let is = if changed.is_default { "is" } else { "is no longer" };
        output.line(format!("{} {is} the default of {}", name(&changed), changed.provider))?;
    }
    Ok(Exit::Fine)
}
