//! `upgrade` and `upgrade finish`: shows which versions of the program may write the database and which use connections
//! now, and ends the time of the older ones.

use connection_core::{StoreProcess, Upgrade};

use crate::{Error, Exit, args::UpgradeCommand, output::json::UpgradeBody, program::Program};

pub(super) async fn run(mut program: Program, command: Option<UpgradeCommand>) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let upgrade = match command {
        Some(UpgradeCommand::Finish { dry_run: false }) => registry.store().finish_upgrade().await,
        None | Some(UpgradeCommand::Finish { dry_run: true }) => registry.store().upgrade().await,
    };
    let processes = registry.store().processes().await;
    registry.close().await;
    let upgrade = upgrade?;
    let processes = processes?;
    let output = &program.output;
    if output.json {
        output.shape(&UpgradeBody::of(&upgrade, &processes))?;
        return Ok(Exit::Fine);
    }
    output.line(of_upgrade(&upgrade))?;
    for process in &processes {
        output.line(of_process(process, upgrade.program))?;
    }
    output.note("A process that uses no connection now is not listed.");
    if upgrade.is_finished() {
        output.note("Nothing is left to finish for this version.");
    } else {
        output.note(format!("To let only this version and newer ones write, {TO_FINISH}."));
    }
    Ok(Exit::Fine)
}

/// The way to end an upgrade.
pub(super) const TO_FINISH: &str =
    "run `connections upgrade finish` when every process runs this version and none will go back";

/// Returns which versions may write, in one line for people.
pub(super) fn of_upgrade(upgrade: &Upgrade) -> String {
    let Upgrade { program, oldest, written, .. } = upgrade;
    format!(
        "This program has the schema generation {program}; programs from {oldest} on may write, and rows are written in \
         the form of {written}"
    )
}

/// Returns the version of a process, and what to do if it is older than the program with this number.
fn of_process(process: &StoreProcess, program: i64) -> String {
    let version = match process.program {
        Some(generation) => format!("has the schema generation {generation}"),
        None => "states no schema generation".to_owned(),
    };
    match process.is_older_than(program) {
        true => format!("The program of {} {version} and is too old: start this version in its place", process.name),
        false => format!("The program of {} {version}", process.name),
    }
}
