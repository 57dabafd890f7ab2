//! `add KIND`: begins a setup and talks it to its end.

use connection_contract::DisplayText;

use super::dialogue::{self, Begun, Made};
use crate::{Error, Exit, args::Add, cli::Program, input::Inputs};

pub(super) async fn run(mut program: Program, arguments: Add) -> Result<Exit, Error> {
    let descriptor = program.kind(&arguments.kind)?.descriptor.clone();
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    // Before anything is made on the disk.
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields)?;
    if arguments.label.as_deref().is_some_and(|label| !says_something(label)) {
        return Err(Error::usage("--label is empty").remedy("leave it out, and the account's name is used"));
    }
    let registry = program.open().await?;
    let begin = registry.begin_setup(&descriptor.kind);
    let begin = if arguments.again { begin.again() } else { begin };
    let session = match arguments.label {
        Some(label) => begin.label(label).await?,
        None => begin.await?,
    };
    let result = dialogue::run(&program, &registry, &session, inputs, Begun::Now, Made::Connected).await;
    registry.close().await;
    result
}

/// Whether anything is left of it to be shown.
fn says_something(label: &str) -> bool {
    !DisplayText::from(label.to_owned()).as_str().trim().is_empty()
}
