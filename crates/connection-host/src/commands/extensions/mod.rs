//! `extensions`: the extensions that use connections, and their grants.

mod add;
mod grant;
mod list;
mod remove;
mod uses;

use crate::{Error, Exit, args::ExtensionsCommand, program::Program};

pub(super) async fn run(program: Program, command: Option<ExtensionsCommand>) -> Result<Exit, Error> {
    match command {
        None | Some(ExtensionsCommand::List) => list::run(program).await,
        Some(ExtensionsCommand::Add { file, verbose }) => add::run(program, &file, verbose).await,
        Some(ExtensionsCommand::Remove { name, yes }) => remove::run(program, &name, yes).await,
        Some(ExtensionsCommand::Grant(arguments)) => grant::grant(program, arguments).await,
        Some(ExtensionsCommand::Use(arguments)) => uses::run(program, arguments).await,
        Some(ExtensionsCommand::Revoke { name, connection }) => {
            grant::revoke(program, &name, connection.as_deref()).await
        }
    }
}
