//! The commands that work on a server, with `--host`. They print what the same commands print for the
//! local store.

mod connect;
mod events;
mod list;
mod setup;
mod use_connection;
mod verify;

use std::process::ExitCode;

use crate::{Error, args::Command, remote::Remote};

/// Runs the command on the server, which is one of [`COMMANDS`](crate::remote::COMMANDS).
pub(crate) async fn run(remote: Remote, command: Command) -> Result<ExitCode, Error> {
    let exit = match command {
        Command::Add(arguments) => connect::add(remote, arguments).await,
        Command::Default { connection, clear } => use_connection::set_default(remote, &connection, clear).await,
        Command::Events { connection, follow: true } => events::follow(&remote, connection.as_deref()).await,
        Command::Events { connection, follow: false } => events::list(&remote, connection.as_deref()).await,
        Command::List(arguments) => list::run(&remote, &arguments).await,
        Command::Reauthorize(arguments) => connect::reauthorize(remote, arguments).await,
        Command::Remove { kind: Some(kind), revoke, yes, .. } => {
            use_connection::remove_kind(remote, &kind, revoke, yes).await
        }
        Command::Remove { connection, kind: None, revoke, yes } => {
            use_connection::remove(remote, &connection.unwrap_or_default(), revoke, yes).await
        }
        Command::Rename { connection, label } => use_connection::rename(remote, &connection, &label).await,
        Command::Tag(arguments) => use_connection::tag(remote, &arguments).await,
        Command::Link(arguments) => use_connection::link(remote, &arguments).await,
        Command::Send(arguments) => use_connection::send(remote, arguments).await,
        Command::Show { connection } => use_connection::show(remote, &connection).await,
        Command::Verify { connections, all: _, now } => verify::run(remote, &connections, now).await,
        _ => Err(Error::usage("this command does not work with --host")),
    };
    exit.map(ExitCode::from)
}
