//! The commands, one file each.

mod add;
mod completions;
mod dialogue;
mod doctor;
mod files;
mod kinds;
mod list;
mod remove;
mod send;
mod setup;
mod show;
mod verify;

use crate::{
    Error, Exit,
    args::{Command, KindsCommand},
    cli::Program,
};

/// Runs the command; `Ok` is how the process ends when there is no error to print.
pub(crate) async fn run(program: Program, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Kinds { command: None } => kinds::list(&program),
        Command::Kinds { command: Some(KindsCommand::Show { kind }) } => kinds::show(&program, &kind),
        Command::Add(arguments) => add::run(program, arguments).await,
        Command::List => list::run(program).await,
        Command::Show { connection } => show::run(program, &connection).await,
        Command::Verify { connections, all: _ } => verify::run(program, &connections).await,
        Command::Remove { connection, yes } => remove::run(program, &connection, yes).await,
        Command::Send(arguments) => send::run(program, arguments).await,
        Command::Files { connection, command } => files::run(program, &connection, command).await,
        Command::Setup { command } => setup::run(program, command).await,
        Command::Doctor => doctor::run(program).await,
        Command::Completions { shell } => completions::completions(&program, shell),
        Command::Man => completions::manual(&program),
    }
}
