//! `reauthorize C`: begins a setup in place and talks it to its end.

use super::dialogue::{self, Begun, Made};
use crate::{Error, Exit, args::Reauthorize, cli::Program, input::Inputs, select};

pub(super) async fn run(mut program: Program, arguments: Reauthorize) -> Result<Exit, Error> {
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let registry = program.open().await?;
    let connection = select::connection(&registry, &arguments.connection).await?;
    let kind = &connection.info().kind;
    // A kind whose plugin is gone is refused by the core, in the words for it.
    if let Some(known) = registry.kind(kind) {
        inputs.check(kind.as_str(), &known.descriptor.fields)?;
        inputs.check_any(kind.as_str(), &known.descriptor.fields)?;
    }
    let begin = connection.reauthorize();
    let begin = if arguments.another_account { begin.another_account() } else { begin };
    let session = begin.await?;
    let result = dialogue::run(&program, &registry, &session, inputs, Begun::Now, Made::Reauthorized).await;
    registry.close().await;
    result
}
