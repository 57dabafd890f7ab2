//! `add KIND`: begins a setup and talks it to its end.

use connection_contract::DisplayText;

use super::{
    dialogue::{Begun, Dialogue},
    finish::Finish,
    made::Made,
    profiles,
};
use crate::{Error, Exit, args::Add, cli::Program, input::Inputs, select};

pub(super) async fn run(mut program: Program, arguments: Add) -> Result<Exit, Error> {
    let descriptor = program.kind(&arguments.kind)?.descriptor.clone();
    if arguments.profile.is_some() {
        profiles::supported(program.kind(&arguments.kind)?)?;
    }
    let finish = Finish::new(&arguments.finish, &program);
    // Before anything is made on the disk.
    finish.check(&descriptor, &program.settings)?;
    let mut inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    finish.choose(&mut inputs, &descriptor);
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    let kept = program.may_have_kept(&descriptor.kind).await?;
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields, kept)?;
    if arguments.label.as_deref().is_some_and(|label| !says_something(label)) {
        return Err(Error::usage("--label is empty").remedy("leave it out, and the account's name is used"));
    }
    let (registry, endpoint) = program.open_inbound(finish.is_paste()).await?;
    let begin = registry.begin_setup(&descriptor.kind);
    let begin = if arguments.again { begin.again() } else { begin };
    let begin = match &arguments.profile {
        Some(reference) => {
            let known = registry.profiles(&descriptor.kind)?.list().await?;
            begin.profile(select::profile(descriptor.kind.as_str(), known, reference)?.id)
        }
        None => begin,
    };
    let session = match arguments.label {
        Some(label) => begin.label(label).await?,
        None => begin.await?,
    };
    let (program, registry, endpoint, session) = (&program, &registry, &endpoint, &session);
    let dialogue = Dialogue { program, registry, endpoint, session, finish, begun: Begun::Now, made: Made::Connected };
    let result = dialogue.run(inputs).await;
    registry.close().await;
    result
}

/// Whether anything is left of it to be shown.
fn says_something(label: &str) -> bool {
    !DisplayText::from(label.to_owned()).as_str().trim().is_empty()
}
