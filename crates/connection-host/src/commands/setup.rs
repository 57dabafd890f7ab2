//! `setup list|resume|cancel`: setups that have not ended.

use connection_api::{OpenSetup, SetupStage};
use connection_server::convert;

use super::{
    connect_on_server,
    dialogue::Dialogue,
    finish::FinishMethod,
    reauthorize::{changed, config_of},
    setup_port::LocalSetup,
    setup_report::ReportedAction,
};
use crate::{
    Error, Exit,
    args::{FinishArguments, InputArguments, SetupCommand},
    backend::Setups as _,
    input::Inputs,
    output::{Table, moment, short_id, time},
    program::Program,
    select,
};

pub(super) async fn run(program: Program, command: SetupCommand) -> Result<Exit, Error> {
    match command {
        SetupCommand::List => list(program).await,
        SetupCommand::Resume { id, finish, input } => resume(program, id.as_deref(), &finish, &input).await,
        SetupCommand::Cancel { id } => cancel(program, &id).await,
    }
}

async fn list(mut program: Program) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let setups = backend.open_setups().await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&setups)?;
        return Ok(Exit::Fine);
    }
    if setups.is_empty() {
        output.line("There is no unfinished setup.")?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["ID", "KIND", "STATE", "REAUTHORIZES", "BEGUN", "EXPIRES", "NOTE"], 2);
    let when = |at: &String| time(Some(at)).map_or_else(String::new, |at| moment(at, output.now));
    for setup in &setups {
        table.row([
            short_id(&setup.id).into(),
            setup.kind.as_str().into(),
            setup.state.as_str().into(),
            setup.reauthorizes.as_deref().map_or("", short_id).into(),
            when(&setup.created_at).into(),
            when(&setup.expires_at).into(),
            setup.reason.as_ref().map_or("", |reason| reason.message.as_str()).into(),
        ]);
    }
    output.table(&table)?;
    Ok(Exit::Fine)
}

async fn resume(
    mut program: Program,
    reference: Option<&str>,
    finish: &FinishArguments,
    input: &InputArguments,
) -> Result<Exit, Error> {
    if let Some(server) = program.server.clone() {
        let setups = server.open_setups().await?;
        let id = named(&setups, reference)?.id.clone();
        return connect_on_server::resume(program, server, &id, (finish, input)).await;
    }
    let finish = FinishMethod::new(finish, &program);
    let mut inputs = Inputs::read(input, &program.environment, program.person)?;
    let (registry, endpoint) = program.open_inbound(finish.is_paste()).await?;
    let setups = registry.setups().list().await?;
    let open: Vec<_> = setups.iter().map(convert::open_setup).collect();
    let id = &named(&open, reference)?.id;
    let id = setups.iter().map(|setup| setup.id).find(|known| known.to_string() == *id);
    let id = id.ok_or_else(|| Error::new(Exit::NotFound, "setup_not_found", "there is no such setup"))?;
    // The core refuses a kind that is not registered, with the right message.
    let setup = setups.iter().find(|setup| setup.id == id);
    if let Some(setup) = setup
        && let Some(kind) = registry.kinds().find(&setup.kind).await?
    {
        finish.check(&kind.descriptor, &program.settings)?;
        finish.choose(&mut inputs, &kind.descriptor);
        inputs.check(setup.kind.as_str(), &kind.descriptor.fields)?;
        if let Some(connection) = setup.reauthorizes {
            inputs.want(changed(&kind.descriptor.fields, &config_of(registry.connection(connection).await?.info())));
        }
        // The command that began the setup may have requested neither of these.
        let session = registry.setups().get(id).await?;
        if finish.leads() {
            session.use_start_address().await?;
        }
        if finish.confirms(&inputs) {
            session.confirm_account().await?;
        }
    }
    let session = registry.setups().resume(id).await?;
    let reauthorizes = setup.is_some_and(|setup| setup.reauthorizes.is_some());
    let made = if reauthorizes { ReportedAction::Reauthorized } else { ReportedAction::Connected };
    let setup = LocalSetup::new(&program, &registry, &endpoint, &session);
    let dialogue = Dialogue::new(&program, &setup, finish, made);
    dialogue.begun_before().run_and_close(inputs, &registry).await
}

/// Returns the setup that the reference names, or the only one.
fn named<'s>(setups: &'s [OpenSetup], reference: Option<&str>) -> Result<&'s OpenSetup, Error> {
    match reference {
        Some(reference) => select::setup(setups, reference),
        None => select::only_setup(setups),
    }
}

async fn cancel(mut program: Program, reference: &str) -> Result<Exit, Error> {
    let backend = program.backend().await?;
    let setups = backend.open_setups().await?;
    let setup = select::setup(&setups, reference)?;
    backend.cancel_setup(&setup.id).await?;
    backend.close().await;
    let output = &program.output;
    if output.json {
        let cancelled = OpenSetup { state: SetupStage::Cancelled, reason: None, ..setup.clone() };
        output.shape(&cancelled)?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Cancelled the setup {}; nothing was kept", short_id(&setup.id)))?;
    Ok(Exit::Fine)
}
