//! `add KIND`: begins a setup and conducts it to its end.

use connection_contract::DisplayText;

use super::{dialogue::Dialogue, finish::FinishMethod, kinds, profiles, setup_report::ReportedAction};
use crate::{
    Error, Exit,
    args::Add,
    cli::Program,
    extensions,
    input::{self, Inputs},
    select,
};

pub(super) async fn run(mut program: Program, arguments: Add) -> Result<Exit, Error> {
    let kind = match &arguments.kind {
        Some(kind) => kind.clone(),
        None => picked(&program).await?,
    };
    let finish = FinishMethod::new(&arguments.finish, &program);
    // The kind of an extension's declaration is known only to the database.
    let opened = match kinds::is_declared(&kind) && program.has_database() {
        true => Some(program.open_inbound(finish.is_paste()).await?),
        false => None,
    };
    let descriptor = program.kind(&kind)?.descriptor.clone();
    if arguments.profile.is_some() {
        profiles::supported(program.kind(&kind)?)?;
    }
    // Do this before anything is created on disk.
    finish.check(&descriptor, &program.settings)?;
    let mut inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    finish.choose(&mut inputs, &descriptor);
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    let kept = program.may_have_kept(&descriptor.kind).await?;
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields, kept)?;
    if arguments.label.as_deref().is_some_and(|label| !says_something(label)) {
        return Err(Error::usage("--label is empty").remedy("leave it out to use the account's name"));
    }
    let (registry, endpoint) = match opened {
        Some(opened) => opened,
        None => program.open_inbound(finish.is_paste()).await?,
    };
    let begin = registry.setups().begin(&descriptor.kind);
    let begin = match &descriptor.extension {
        // A person who connects what an extension declares agrees that the extension receives it.
        Some(extension) => begin.extension(&extensions::handle(&registry, extension).await?),
        None => begin,
    };
    let begin = if arguments.again { begin.again() } else { begin };
    let begin = if finish.leads() { begin.use_start_address() } else { begin };
    let begin = if finish.confirms(&inputs) { begin.confirm_account() } else { begin };
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
    let dialogue = Dialogue::new(&program, &registry, &endpoint, &session, finish, ReportedAction::Connected);
    dialogue.run_and_close(inputs).await
}

/// Lets a person choose one of all kinds.
async fn picked(program: &Program) -> Result<String, Error> {
    let names: Vec<_> = program.kinds.iter().map(|kind| kind.descriptor.kind.to_string()).collect();
    if !program.person || program.output.json {
        let message = "nobody can be asked what to connect";
        return Err(Error::new(Exit::Usage, "input_required", message)
            .remedy(format!("name a kind: `connections add KIND`; the kinds are {}", names.join(", "))));
    }
    let widest = names.iter().map(String::len).max().unwrap_or_default();
    let shown = program.kinds.iter().map(|kind| {
        let descriptor = &kind.descriptor;
        format!("{:<widest$}  {}", descriptor.kind.as_str(), descriptor.display_name)
    });
    let shown: Vec<_> = shown.collect();
    let picked = tokio::task::spawn_blocking(move || input::pick("What to connect?", shown)).await;
    let picked = picked.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))??;
    names.into_iter().nth(picked).ok_or_else(|| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))
}

/// Returns `true` if a label is not blank after cleaning.
fn says_something(label: &str) -> bool {
    !DisplayText::from(label.to_owned()).as_str().trim().is_empty()
}
