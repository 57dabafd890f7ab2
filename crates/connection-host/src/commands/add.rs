//! `add KIND`: begins a setup and conducts it to its end.

use connection_api::BeginSetup;
use connection_contract::{DisplayText, Secret};
use connection_core::ProfileId;

use super::{
    dialogue::{Conducted, Dialogue},
    finish::FinishMethod,
    kinds, profiles,
    setup_place::{self, SetupPlace},
    setup_report::ReportedAction,
};
use crate::{
    Error, Exit,
    args::Add,
    backend::AT_THE_SERVER,
    common::Common,
    input::{self, Inputs},
    platform::without_line,
    program::Program,
    select,
};

/// The kind of an address.
const MCP: &str = "mcp";
/// The field of that kind which takes the address.
const ADDRESS: &str = "url";

pub(super) async fn run(mut program: Program, arguments: Add) -> Result<Exit, Error> {
    if program.server.is_some() && arguments.profile.is_some() {
        let message = "--profile does not work with --host: a profile is a directory of the server's machine, and the \
                       API begins no setup in one";
        return Err(Error::usage(message).remedy(AT_THE_SERVER));
    }
    let address = arguments.kind.as_ref().filter(|kind| kind.contains("://")).cloned();
    let name = match &arguments.kind {
        Some(_) if address.is_some() => MCP.to_owned(),
        Some(kind) => kind.clone(),
        None => picked(&program, setup_place::titles(&program).await?).await?,
    };
    let finish = FinishMethod::new(&arguments.finish, &program);
    // The kind of an extension's declaration is known only to the database.
    let opened = match kinds::is_declared(&name) && program.has_database() {
        true => Some(SetupPlace::open(&mut program, finish).await?),
        false => None,
    };
    let kind = setup_place::named_kind(&mut program, &name).await?;
    if arguments.profile.is_some() {
        profiles::supported(&kind)?;
    }
    // Do this before anything is created on disk.
    let mut inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    if let Some(address) = address {
        inputs.know(ADDRESS, Secret::from(address));
    }
    let (finish, inputs) = setup_place::prepared(&program, &kind, finish, inputs)?;
    setup_place::check_any(&program, &kind, &inputs).await?;
    check_label(arguments.label.as_deref())?;
    let place = match opened {
        Some(place) => place,
        None => SetupPlace::open(&mut program, finish).await?,
    };
    let profile = match (&place, &arguments.profile) {
        (SetupPlace::Here { local, .. }, Some(reference)) => {
            let known = local.registry.profiles(&kind.descriptor.kind)?.list().await?;
            Some(select::profile(&name, known, reference)?.id)
        }
        _ => None,
    };
    let begin = BeginSetup::kind(&name);
    // A person who connects what an extension declares agrees that the extension receives it.
    let begin = kind.descriptor.extension.iter().fold(begin, |begin, name| begin.extension(name.as_ref()));
    let begin = arguments.label.into_iter().fold(begin, BeginSetup::label);
    let begin = if arguments.again { begin.again() } else { begin };
    let exit = conducted(&program, &place, &begin, profile, finish, inputs).await;
    place.backend().close().await;
    exit
}

/// Begins a setup and conducts it to its end, and once more if the person wants to sign in again.
pub(super) async fn conducted(
    program: &Program,
    place: &SetupPlace,
    begin: &BeginSetup,
    profile: Option<ProfileId>,
    finish: FinishMethod,
    mut inputs: Inputs,
) -> Result<Exit, Error> {
    loop {
        let setup = place.begin(program, begin, profile, finish, &inputs).await?;
        let dialogue = Dialogue::new(program, &*setup, finish, ReportedAction::Connected);
        match dialogue.run_or_begin_again(inputs).await? {
            Conducted::Again(typed) => inputs = typed,
            Conducted::Ended(exit) => return Ok(exit),
        }
    }
}

/// Lets a person choose one of these kinds, each with its title.
async fn picked(common: &Common, mut kinds: Vec<(String, String)>) -> Result<String, Error> {
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
fn check_label(label: Option<&str>) -> Result<(), Error> {
    let is_blank = |label: &str| DisplayText::from(label.to_owned()).as_str().trim().is_empty();
    match label.is_some_and(is_blank) {
        true => Err(Error::usage("--label is empty").remedy("leave it out to use the account's name")),
        false => Ok(()),
    }
}
