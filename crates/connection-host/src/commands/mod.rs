//! The commands, one file each.

mod add;
mod completions;
mod confirm;
mod default;
mod dialogue;
mod doctor;
mod events;
mod files;
mod import;
mod key;
mod kinds;
mod list;
mod reauthorize;
mod remove;
mod rename;
mod rollback;
mod send;
mod setup;
mod show;
mod verify;
mod watch;

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
        Command::List(arguments) => list::run(program, arguments).await,
        Command::Show { connection } => show::run(program, &connection).await,
        Command::Verify { connections, all: _ } => verify::run(program, &connections).await,
        Command::Rename { connection, label } => rename::run(program, &connection, &label).await,
        Command::Default { connection, clear } => default::run(program, &connection, clear).await,
        Command::Reauthorize(arguments) => reauthorize::run(program, arguments).await,
        Command::Rollback { connection, yes } => rollback::run(program, &connection, yes).await,
        Command::Import(arguments) => import::run(program, arguments).await,
        Command::Events { connection } => events::run(program, connection.as_deref()).await,
        Command::Watch(arguments) => watch::run(program, arguments).await,
        Command::Remove { connection, yes } => remove::run(program, &connection, yes).await,
        Command::Send(arguments) => send::run(program, arguments).await,
        Command::Files { connection, command } => files::run(program, &connection, command).await,
        Command::Setup { command } => setup::run(program, command).await,
        Command::Key { command } => key::run(program, command).await,
        Command::Doctor => doctor::run(program).await,
        Command::Completions { shell } => completions::completions(&program, shell),
        Command::Man => completions::manual(&program),
    }
}
