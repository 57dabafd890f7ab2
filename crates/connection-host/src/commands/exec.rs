//! `exec EXTENSION -- ARGS`: runs a program with what an extension declared and was granted, and with nothing else of ours.
//!
//! The secrets are in variables of that program alone: in no argument, file or line of this one.

use std::process::{Command, ExitCode};

use connection_contract::Secret;
use connection_core::ConnectionRegistry;

use crate::{
    Error, Exit,
    args::Exec,
    cli::Program,
    extensions::{explained, handle},
    platform,
};

pub(super) async fn run(mut program: Program, arguments: Exec) -> Result<ExitCode, Error> {
    let Exec { extension, command, program: argv } = arguments;
    let Some((name, rest)) = argv.split_first() else { return Err(Error::usage("there is no program to run")) };
    let registry = program.open().await?;
    let variables = variables(&registry, &extension, command.as_deref()).await;
    registry.close().await;
    let variables = variables?;
    let mut child = Command::new(name);
    child.args(rest).env_clear();
    child.envs(program.environment.of_extensions(program.settings.key.variable.as_deref()));
    for (name, value) in &variables {
        child.env(name, text(name, value)?);
    }
    // Wiped; from here on they are the child's.
    drop(variables);
    let code = platform::run_instead(child).map_err(|error| Error::io("the program cannot be run", &error))?;
    Ok(code.into())
}

/// What the command of the extension runs with. What is refused is so before anything is started or on record; a program that
/// cannot be started is found out behind it, and the record says that it was given the secrets, as it might have been.
async fn variables(
    registry: &ConnectionRegistry,
    extension: &str,
    command: Option<&str>,
) -> Result<Vec<(String, Secret)>, Error> {
    let handle = handle(registry, extension).await?;
    match handle.environment(command).await {
        Ok(variables) => Ok(variables),
        Err(error) => Err(explained(registry, error).await),
    }
}

fn text<'v>(name: &str, value: &'v Secret) -> Result<&'v str, Error> {
    value
        .expose_str()
        .ok_or_else(|| Error::new(Exit::Refused, "invalid_variable", format!("what '{name}' would hold is no text")))
}
