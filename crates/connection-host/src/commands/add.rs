//! `add KIND`: begins a setup and conducts it to its end.

use connection_contract::DisplayText;

use super::{
    connect_on_server,
    dialogue::{Conducted, Dialogue},
    finish::FinishMethod,
    kinds, profiles,
    setup_port::LocalSetup,
    setup_report::ReportedAction,
};
use crate::{
    Error, Exit,
    args::Add,
    common::Common,
    extensions,
    input::{self, Inputs},
    kind_entry::KindEntry,
    platform::without_line,
    program::Program,
    select,
};

pub(super) async fn run(mut program: Program, arguments: Add) -> Result<Exit, Error> {
    if let Some(server) = program.server.clone() {
        return connect_on_server::add(program, server, arguments).await;
    }
    let kind = match &arguments.kind {
        Some(kind) => kind.clone(),
        None => {
            let name = |kind: &KindEntry| (kind.descriptor.kind.to_string(), kind.descriptor.display_name.to_string());
            picked(&program, program.kinds.iter().map(name).collect()).await?
        }
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
    check_label(arguments.label.as_deref())?;
    let (registry, endpoint) = match opened {
        Some(opened) => opened,
        None => program.open_inbound(finish.is_paste()).await?,
    };
    let extension = match &descriptor.extension {
        // A person who connects what an extension declares agrees that the extension receives it.
        Some(extension) => Some(extensions::handle(&registry, extension).await?),
        None => None,
    };
    let profile = match &arguments.profile {
        Some(reference) => {
            let known = registry.profiles(&descriptor.kind)?.list().await?;
            Some(select::profile(descriptor.kind.as_str(), known, reference)?.id)
        }
        None => None,
    };
    loop {
        let begin = registry.setups().begin(&descriptor.kind);
        let begin = extension.iter().fold(begin, |begin, extension| begin.extension(extension));
        let begin = if arguments.again { begin.again() } else { begin };
        let begin = if finish.leads() { begin.use_start_address() } else { begin };
        let begin = if finish.confirms(&inputs) { begin.confirm_account() } else { begin };
        let begin = profile.into_iter().fold(begin, |begin, profile| begin.profile(profile));
        let begin = arguments.label.iter().fold(begin, |begin, label| begin.label(label.clone()));
        let session = begin.await?;
        let setup = LocalSetup::new(&program, &registry, &endpoint, &session);
        let dialogue = Dialogue::new(&program, &setup, finish, ReportedAction::Connected);
        match dialogue.run_or_begin_again(inputs).await {
            Ok(Conducted::Again(typed)) => inputs = typed,
            Ok(Conducted::Ended(exit)) => {
                registry.close().await;
                return Ok(exit);
            }
            Err(error) => {
                registry.close().await;
                return Err(error);
            }
        }
    }
}

/// Lets a person choose one of these kinds, each with its title.
pub(super) async fn picked(common: &Common, mut kinds: Vec<(String, String)>) -> Result<String, Error> {
    kinds.sort_by_key(|(name, _)| common.usual.iter().position(|first| first == name).unwrap_or(common.usual.len()));
    if !common.person || common.output.json {
        let names: Vec<_> = kinds.iter().take(common.usual.len()).map(|(name, _)| name.as_str()).collect();
        let message = "nobody can be asked what to connect";
        return Err(Error::new(Exit::Usage, "input_required", message).remedy(format!(
            "name a kind: `connections add KIND`, such as {}; `connections kinds --all` lists the others",
            names.join(", ")
        )));
    }
    let widest = kinds.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let shown: Vec<_> = kinds.iter().map(|(name, title)| format!("{name:<widest$}  {title}")).collect();
    let asking = without_line();
    let picked = tokio::task::spawn_blocking(move || input::pick("What to connect?", shown)).await;
    drop(asking);
    let picked = picked.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))??;
    let picked = kinds.into_iter().nth(picked).map(|(name, _)| name);
    picked.ok_or_else(|| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))
}

/// Refuses a label that is blank after cleaning.
pub(super) fn check_label(label: Option<&str>) -> Result<(), Error> {
    let is_blank = |label: &str| DisplayText::from(label.to_owned()).as_str().trim().is_empty();
    match label.is_some_and(is_blank) {
        true => Err(Error::usage("--label is empty").remedy("leave it out to use the account's name")),
        false => Ok(()),
    }
}
