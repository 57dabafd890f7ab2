//! `add KIND`: begins a setup and talks it to its end.

use super::dialogue;
use crate::{Error, Exit, args::Add, cli::Program, input::Inputs};

pub(super) async fn run(mut program: Program, arguments: Add) -> Result<Exit, Error> {
    let descriptor = program.kind(&arguments.kind)?.descriptor.clone();
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    // Before anything is made on the disk.
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    let registry = program.open().await?;
    let begin = registry.begin_setup(&descriptor.kind);
    let session = match arguments.label {
        Some(label) => begin.label(label).await?,
        None => begin.await?,
    };
    let result = dialogue::run(&program, &registry, &session, inputs).await;
    registry.close().await;
    result
}
