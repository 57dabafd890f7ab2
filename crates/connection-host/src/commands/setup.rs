//! `setup list|resume|cancel`: setups that have not ended.

use connection_api::{OpenSetup, SetupStage};

use super::{
    dialogue::Dialogue,
    finish::FinishMethod,
    setup_place::{self, SetupPlace, changed},
    setup_report::ReportedAction,
};
use crate::{
    Error, Exit,
    args::{FinishArguments, InputArguments, SetupCommand},
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
    let mut finish = FinishMethod::new(finish, &program);
    let mut inputs = Inputs::read(input, &program.environment, program.person)?;
    let place = SetupPlace::open(&mut program, finish).await?;
    let open = named(&place.backend().open_setups().await?, reference)?.clone();
    if let Some(kind) = place.kind(&mut program, &open.kind).await? {
        (finish, inputs) = setup_place::prepared(&program, &kind, finish, inputs)?;
        if let Some(connection) = &open.reauthorizes {
            let connection = place.backend().listed(connection).await?.connection;
            inputs.want(changed(&kind.descriptor.fields, &connection.config));
        }
    }
    let made = match open.reauthorizes {
        Some(_) => ReportedAction::Reauthorized,
        None => ReportedAction::Connected,
    };
    let setup = place.resume(&program, &open.id, finish, &inputs).await?;
    let exit = Dialogue::new(&program, &*setup, finish, made).begun_before().run(inputs).await;
    place.backend().close().await;
    exit
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
