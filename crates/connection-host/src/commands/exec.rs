//! `exec EXTENSION -- ARGS`: runs a program with the secrets that an extension declared and was granted.
//!
//! The secrets are only in variables of that program: in no argument, no file, and no output of this one.

use std::process::{Command, ExitCode};

use connection_contract::{Secret, SecretName};
use connection_core::ConnectionRegistry;

use crate::{
    Error, Exit,
    args::Exec,
    extensions::{explained, handle},
    output::quoted,
    platform,
    platform::without_line,
    program::Program,
};

pub(super) async fn run(mut program: Program, arguments: Exec) -> Result<ExitCode, Error> {
    let Exec { extension, command, env, program: argv } = arguments;
    let Some((name, rest)) = argv.split_first() else { return Err(Error::usage("there is no program to run")) };
    let chosen = chosen(&env)?;
    let registry = program.open().await?;
    let variables = variables(&registry, &extension, command.as_deref(), &chosen);
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
    chosen: &[(&str, &str)],
) -> Result<Vec<(String, Secret)>, Error> {
    let handle = handle(registry, extension).await?;
    let declared = &handle.requirement().auth.secret_names;
    for (_, secret) in chosen {
        if !declared.iter().any(|name| name.as_str() == *secret) {
            let names: Vec<&str> = declared.iter().map(SecretName::as_str).collect();
            let message = format!("{extension} declares no secret {}", quoted(secret));
            let remedy = if names.is_empty() {
                "it declares none".to_owned()
            } else {
                format!("name one of {}", names.join(", "))
            };
            return Err(Error::usage(message).remedy(remedy));
        }
    }
    match handle.environment(command).await {
        // The secrets come first, in the order of the declaration.
        Ok(variables) => Ok(renamed(variables, declared.iter().map(SecretName::as_str), chosen)),
        Err(error) => Err(explained(registry, error).await),
    }
}

/// Reads the variables that a person chose for secrets, as pairs of variable and secret.
fn chosen(texts: &[String]) -> Result<Vec<(&str, &str)>, Error> {
    let mut chosen: Vec<(&str, &str)> = Vec::new();
    for text in texts {
        let pair = text.split_once('=').filter(|(variable, secret)| is_variable(variable) && !secret.is_empty());
        let (variable, secret) = pair.ok_or_else(|| {
            let message =
                format!("--env takes VARIABLE=SECRET, such as GH_TOKEN=accessToken, and not {}", quoted(text));
            Error::usage(message)
        })?;
        if chosen.iter().any(|(known, _)| *known == variable) {
            return Err(Error::usage(format!("--env names the variable {variable} twice")));
        }
        chosen.push((variable, secret));
    }
    Ok(chosen)
}

/// Returns `true` for a name of letters, digits and `_` that begins with no digit (POSIX, "Environment Variables").
fn is_variable(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Gives the secrets, which are the first of the variables in this order, the names that were chosen for them.
fn renamed<'n>(
    mut variables: Vec<(String, Secret)>,
    secrets: impl Iterator<Item = &'n str>,
    chosen: &[(&str, &str)],
) -> Vec<(String, Secret)> {
    let mut further = Vec::new();
    for ((name, value), secret) in variables.iter_mut().zip(secrets) {
        let mut names = chosen.iter().filter(|(_, of)| *of == secret).map(|(variable, _)| (*variable).to_owned());
        if let Some(first) = names.next() {
            *name = first;
        }
        further.extend(names.map(|name| (name, value.duplicate())));
    }
    variables.extend(further);
    variables
}

fn text<'v>(name: &str, value: &'v Secret) -> Result<&'v str, Error> {
    value
        .expose_str()
        .ok_or_else(|| Error::new(Exit::Refused, "invalid_variable", format!("the value of '{name}' is not text")))
}
