//! `exec EXTENSION -- ARGS`: runs a program with the secrets that an extension declared and was granted.
//!
//! The secrets are only in variables of that program: in no argument, no file, and no output of this one.

use std::process::{Command, ExitCode};

use connection_contract::Secret;
use connection_core::{ConnectionRegistry, ConnectionStatus, Error as CoreError, ExtensionError};

use crate::{
    Error, Exit,
    args::Exec,
    catalogue,
    extensions::{explained, handle},
    platform,
    platform::without_line,
    program::Program,
};

pub(super) async fn run(mut program: Program, arguments: Exec) -> Result<ExitCode, Error> {
    let Exec { extension, command, program: argv } = arguments;
    let Some((name, rest)) = argv.split_first() else { return Err(Error::usage("there is no program to run")) };
    let registry = program.open().await?;
    let variables = variables(&registry, &extension, command.as_deref(), program.has_catalogue);
    let variables = program.output.waiting("the secrets", variables).await;
    registry.close().await;
    let variables = variables?;
    let mut child = Command::new(name);
    child.args(rest).env_clear();
    child.envs(program.environment.of_extensions(program.settings.key.variable.as_deref()));
    for (name, value) in &variables {
        child.env(name, text(name, value)?);
    }
    // This copy is wiped; from here on only the child has the values.
    drop(variables);
    let _running = without_line();
    let code = platform::run_instead(child).map_err(|error| Error::io("the program cannot be run", &error))?;
    Ok(code.into())
}

/// Returns the variables for the extension's command.
///
/// A refusal happens before anything is started or recorded. The program may fail to start after that, so the record
/// may say that the secrets were given although the program never ran.
async fn variables(
    registry: &ConnectionRegistry,
    extension: &str,
    command: Option<&str>,
    has_catalogue: bool,
) -> Result<Vec<(String, Secret)>, Error> {
    let handle = handle(registry, extension).await?;
    let is_missing = |error: &CoreError| {
        matches!(error, CoreError::Extension(ExtensionError::NotReady { status: ConnectionStatus::Missing, .. }))
    };
    let variables = match handle.environment(command).await {
        // Only the answer needs the kinds of the catalogue that have no connection, and reading them takes time.
        Err(error) if is_missing(&error) && has_catalogue => {
            catalogue::register_all(registry);
            handle.environment(command).await
        }
        found => found,
    };
    match variables {
        Ok(variables) => Ok(variables),
        Err(error) => Err(explained(registry, error).await),
    }
}

fn text<'v>(name: &str, value: &'v Secret) -> Result<&'v str, Error> {
    value
        .expose_str()
        .ok_or_else(|| Error::new(Exit::Refused, "invalid_variable", format!("the value of '{name}' is not text")))
}
