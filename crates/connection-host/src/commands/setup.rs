//! `setup list|resume|cancel`: setups that have not ended.

use super::{
    dialogue::Dialogue, finish::FinishMethod, reauthorize::changed, setup_port::LocalSetup,
    setup_report::ReportedAction,
};
use crate::{
    Error, Exit,
    args::{FinishArguments, InputArguments, SetupCommand},
    cli::Program,
    input::Inputs,
    output::{Table, json, moment, short_id},
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
    let registry = program.open().await?;
    let setups = registry.setups().list().await?;
    registry.close().await;
    let output = &program.output;
    if output.json {
        output.shape(&setups.iter().map(json::OpenSetupBody::from).collect::<Vec<_>>())?;
        return Ok(Exit::Fine);
    }
    if setups.is_empty() {
        output.line("There is no unfinished setup.")?;
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["ID", "KIND", "STATE", "REAUTHORIZES", "BEGUN", "EXPIRES", "NOTE"], 2);
    for setup in &setups {
        table.row([
            short_id(&setup.id.to_string()).into(),
            setup.kind.as_str().into(),
            json::OpenSetupBody::state_word(setup.stage).into(),
            setup.reauthorizes.map(|id| short_id(&id.to_string()).to_owned()).unwrap_or_default().into(),
            moment(setup.created_at, output.now).into(),
            moment(setup.expires_at, output.now).into(),
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
    let finish = FinishMethod::new(finish, &program);
    let mut inputs = Inputs::read(input, &program.environment, program.person)?;
    let (registry, endpoint) = program.open_inbound(finish.is_paste()).await?;
    let setups = registry.setups().list().await?;
    let id = match reference {
        Some(reference) => select::setup(&setups, reference)?,
        None => select::only_setup(&setups)?,
    };
    // The core refuses a kind that is not registered, with the right message.
    let setup = setups.iter().find(|setup| setup.id == id);
    if let Some(setup) = setup
        && let Some(kind) = registry.kinds().find(&setup.kind).await?
    {
        finish.check(&kind.descriptor, &program.settings)?;
        finish.choose(&mut inputs, &kind.descriptor);
        inputs.check(setup.kind.as_str(), &kind.descriptor.fields)?;
        if let Some(connection) = setup.reauthorizes {
            inputs.want(changed(&kind.descriptor.fields, &registry.connection(connection).await?.info().config));
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

async fn cancel(mut program: Program, reference: &str) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let setups = registry.setups().list().await?;
    let id = select::setup(&setups, reference)?;
    registry.setups().resume(id).await?.cancel().await?;
    registry.close().await;
    let output = &program.output;
    // The reference was resolved among these setups.
    if let Some(setup) = setups.iter().find(|setup| setup.id == id).filter(|_| output.json) {
        output.shape(&json::OpenSetupBody::from(setup).cancelled())?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Cancelled the setup {}; nothing was kept", short_id(&id.to_string())))?;
    Ok(Exit::Fine)
}
