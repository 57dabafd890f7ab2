//! `agents run NAME -- COMMAND`: runs a program with a token of an agent, with the variables that direct the usual
//! programs of its connections' providers to the door of the server, and with a proxy for those that cannot be directed.

use std::{path::Path, process::Command, time::Duration};

use connection_server::agents::check_lifetime;

use super::{
    door::{self, DOOR, TOKEN, Usable},
    proxy::Proxy,
};
use crate::{
    Error,
    args::RunAgent,
    backend::{Backend, Local},
    commands::{run::child, serve},
    program::Program,
};

pub(super) async fn run(mut program: Program, arguments: RunAgent) -> Result<u8, Error> {
    let lifetime = check_lifetime(&arguments.lifetime)?;
    let (backend, server) = opened(&mut program).await?;
    let backend = &*backend;
    let ended = in_run(&program, backend, &server, lifetime, &arguments).await;
    backend.close().await;
    ended
}

/// Returns the place of the agent, and the address of the doors that the program uses.
async fn opened(program: &mut Program) -> Result<(Box<dyn Backend>, String), Error> {
    if let Some(server) = &program.server {
        let own = server.client.system().await.map_err(Error::from)?.doors_url;
        return Ok((Box::new(server.clone()), own.unwrap_or_else(|| server.client.base_url().to_owned())));
    }
    let registry = program.open().await?;
    match serve::running_doors(program, &registry).await {
        Ok(server) => Ok((Box::new(Local::new(registry, program.settings.clone())), server)),
        Err(error) => {
            registry.close().await;
            Err(error)
        }
    }
}

/// Makes a token, runs the program, and revokes the token.
async fn in_run(
    program: &Program,
    backend: &dyn Backend,
    server: &str,
    lifetime: Duration,
    arguments: &RunAgent,
) -> Result<u8, Error> {
    let Some((executable, rest)) = arguments.program.split_first() else {
        return Err(Error::usage("there is no program to run"));
    };
    let agent = &arguments.name;
    let usable = Usable::of(backend, agent, &arguments.connections).await?;
    let variables = usable.variables(backend).await?;
    let doors = format!("{}/use", server.trim_end_matches('/'));
    let proxy = Proxy::open(program, backend, &usable, &doors, lifetime, arguments).await?;
    // The token is revoked also if a signal comes before the program has started: it is passed on to the program.
    let mut signals = program.interrupts.passed().map_err(|error| Error::io("signals", &error))?;
    let named = Path::new(executable).file_name().unwrap_or_default().to_string_lossy();
    let issued = door::issue(backend, agent, &named, &arguments.lifetime).await?;
    let mut command = Command::new(executable);
    command.args(rest).env_clear();
    command.envs(program.environment.of_extensions(program.settings.key.variable.as_deref()));
    command.envs(proxy.variables());
    command.envs(variables.iter().map(|variable| (&variable.name, variable.value(&doors, &issued.token))));
    command.env(TOKEN, &issued.token).env(DOOR, &doors);
    let ended = tokio::select! {
        ended = child::run(command, &mut signals) => ended,
        never = proxy.serve() => match never {},
    };
    door::revoke(program, backend, agent, &issued).await;
    ended.map_err(|error| Error::io(executable.to_string_lossy(), &error))
}
