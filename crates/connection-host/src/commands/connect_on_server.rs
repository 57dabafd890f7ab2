//! `add`, `reauthorize` and `setup` on a server: it conducts the setup, and the questions are asked here.

use connection_api::{Connection, Setup};
use connection_client::BeginSetup;

use super::{
    add::{self, check_label},
    dialogue::{Conducted, Dialogue},
    finish::FinishMethod,
    reauthorize::changed,
    setup_on_server::RemoteSetup,
    setup_report::ReportedAction,
    setup_steps,
};
use crate::{
    Error, Exit,
    args::{Add, FinishArguments, InputArguments, Reauthorize},
    backend::{AT_THE_SERVER, Connections as _, Remote},
    common::Common,
    input::Inputs,
    kind_entry::KindEntry,
    program::Program,
    select,
};

/// A kind of the server.
struct ServerKind {
    entry: KindEntry,
    /// The address to register at the provider, if browsers return to the server.
    redirect_uri: Option<String>,
}

/// Asks the server for a kind, and remembers it.
async fn learn_kind(program: &mut Program, server: &Remote, name: &str) -> Result<ServerKind, Error> {
    let kind = server.kind(name).await?;
    let entry = setup_steps::kind(&kind)?;
    program.learn([entry.clone()]);
    Ok(ServerKind { entry, redirect_uri: kind.redirect_uri })
}

pub(super) async fn add(mut program: Program, server: Remote, arguments: Add) -> Result<Exit, Error> {
    if arguments.profile.is_some() {
        let message = "--profile does not work with --host: a profile is a directory of the server's machine, and the \
                       API begins no setup in one";
        return Err(Error::usage(message).remedy(AT_THE_SERVER));
    }
    let kind = match &arguments.kind {
        Some(kind) => kind.clone(),
        None => {
            let kinds = server.client.kinds().await?;
            add::picked(&program, kinds.into_iter().map(|kind| (kind.kind, kind.title)).collect()).await?
        }
    };
    let ServerKind { entry, redirect_uri } = learn_kind(&mut program, &server, &kind).await?;
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let (finish, mut inputs) = prepared(&program, &entry, &arguments.finish, inputs)?;
    check_label(arguments.label.as_deref())?;
    let begin = BeginSetup::kind(entry.descriptor.kind.as_str());
    // A person who connects what an extension declares agrees that the extension receives it.
    let begin = entry.descriptor.extension.iter().fold(begin, |begin, name| begin.extension(name.as_ref()));
    let begin = arguments.label.into_iter().fold(begin, BeginSetup::label);
    let begin = if arguments.again { begin.again() } else { begin };
    loop {
        let setup = server.client.begin_setup(&begin).await?;
        let setup = RemoteSetup::new(&server.client, entry.clone(), redirect_uri.clone(), None, setup);
        let dialogue = Dialogue::new(&program, &setup, finish, ReportedAction::Connected);
        match dialogue.run_or_begin_again(inputs).await? {
            Conducted::Again(typed) => inputs = typed,
            Conducted::Ended(exit) => return Ok(exit),
        }
    }
}

pub(super) async fn reauthorize(mut program: Program, server: Remote, arguments: Reauthorize) -> Result<Exit, Error> {
    let inputs = Inputs::read(&arguments.input, &program.environment, program.person)?;
    let connection = select::connection(&server, &arguments.connection).await?.connection;
    let ServerKind { entry, redirect_uri } = learn_kind(&mut program, &server, &connection.kind).await?;
    let (finish, mut inputs) = prepared(&program, &entry, &arguments.finish, inputs)?;
    // Without these fields, the new credential would be sent elsewhere than the old one.
    inputs.want(changed(&entry.descriptor.fields, &connection.config));
    let begin = BeginSetup::reauthorize(connection.id.as_str());
    let begin = if arguments.another_account { begin.another_account() } else { begin };
    let begin = arguments.scopes.into_iter().fold(begin, BeginSetup::scope);
    let setup = server.client.begin_setup(&begin).await?;
    let setup = RemoteSetup::new(&server.client, entry, redirect_uri, Some(connection), setup);
    Dialogue::new(&program, &setup, finish, ReportedAction::Reauthorized).run(inputs).await
}

pub(super) async fn resume(
    mut program: Program,
    server: Remote,
    id: &str,
    (finish, input): (&FinishArguments, &InputArguments),
) -> Result<Exit, Error> {
    let inputs = Inputs::read(input, &program.environment, program.person)?;
    let setup: Setup = server.client.resume_setup(id).await?;
    let ServerKind { entry, redirect_uri } = learn_kind(&mut program, &server, &setup.kind).await?;
    let (finish, mut inputs) = prepared(&program, &entry, finish, inputs)?;
    let keeps: Option<Connection> = match &setup.reauthorizes {
        Some(connection) => Some(server.listed(connection).await?.connection),
        None => None,
    };
    let made = if keeps.is_some() { ReportedAction::Reauthorized } else { ReportedAction::Connected };
    if let Some(connection) = &keeps {
        inputs.want(changed(&entry.descriptor.fields, &connection.config));
    }
    let setup = RemoteSetup::new(&server.client, entry, redirect_uri, keeps, setup);
    Dialogue::new(&program, &setup, finish, made).begun_before().run(inputs).await
}

/// Checks the way to finish and the given answers, before a setup is begun.
fn prepared(
    common: &Common,
    kind: &KindEntry,
    finish: &FinishArguments,
    inputs: Inputs,
) -> Result<(FinishMethod, Inputs), Error> {
    let mut inputs = inputs.for_elsewhere();
    let descriptor = &kind.descriptor;
    let finish = FinishMethod::new(finish, common).agreeing_without_person(&inputs);
    finish.check_way(descriptor)?;
    finish.choose(&mut inputs, descriptor);
    inputs.check(descriptor.kind.as_str(), &descriptor.fields)?;
    // The server may have the answers of an earlier setup.
    inputs.check_any(descriptor.kind.as_str(), &descriptor.fields, true)?;
    Ok((finish, inputs))
}
