//! `agents`: the programs without a manifest that use connections within rules, their grants and their tokens.

mod create;
pub(in crate::commands) mod door;
mod explain;
mod forward;
mod grant;
mod learn;
mod list;
mod proxy;
mod remove;
mod revoke;
mod run;
mod show;
mod token;

use std::process::ExitCode;

use crate::{Error, args::AgentsCommand, program::Program};

pub(super) async fn run(program: Program, command: Option<AgentsCommand>) -> Result<ExitCode, Error> {
    let exit = match command {
        None | Some(AgentsCommand::List) => list::run(program).await,
        Some(AgentsCommand::Show { name }) => show::run(program, &name).await,
        Some(AgentsCommand::Create(arguments)) => create::run(program, arguments).await,
        Some(AgentsCommand::Grant(arguments)) => grant::run(program, arguments).await,
        Some(AgentsCommand::Explain(arguments)) => explain::run(program, arguments).await,
        Some(AgentsCommand::Learn(arguments)) => learn::run(program, arguments).await,
        Some(AgentsCommand::Revoke { name, connection }) => revoke::run(program, &name, &connection).await,
        Some(AgentsCommand::Remove { name, yes }) => remove::run(program, &name, yes).await,
        // The exit status is that of the program.
        Some(AgentsCommand::Forward(arguments)) => return forward::run(&program, arguments).await.map(ExitCode::from),
        Some(AgentsCommand::Run(arguments)) => return run::run(program, arguments).await.map(ExitCode::from),
        Some(AgentsCommand::Token(arguments)) => token::run(program, arguments).await,
    };
    exit.map(ExitCode::from)
}
