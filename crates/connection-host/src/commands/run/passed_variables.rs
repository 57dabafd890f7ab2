//! Environment variables that a person passes to a container by name, because every user can read a value in an
//! argument.

use std::ffi::OsStr;

use connection_agent::{SandboxError, SandboxRun};
use connection_core::SpawnOptions;

use crate::{Error, kind_entry::KindEntry, program::Program};

/// Adds the variables with the values that they have in this process.
pub(super) fn put(
    program: &Program,
    kind: &KindEntry,
    names: &[String],
    mut options: SpawnOptions,
) -> Result<SpawnOptions, Error> {
    for name in names {
        if name.contains('=') {
            return Err(Error::usage(
                "--env takes only the name of a variable, because others can see the arguments of a program",
            )
            .remedy("export the variable first, and name it with --env"));
        }
        let mut of_profiles = kind.profiles.iter().flat_map(|spec| {
            std::iter::once(&spec.env_var).chain(spec.extra_env.iter().map(|(of_profile, _)| of_profile))
        });
        if of_profiles.any(|of_profile| **of_profile == **name) {
            return Err(refused(name, "the profile sets it"));
        }
        let mut others = program.environment.of_extensions(program.settings.key.variable.as_deref());
        options = match others.find(|(other, _)| *other == OsStr::new(name)) {
            Some((name, value)) => options.env(name, value),
            None if program.environment.has(OsStr::new(name)) => {
                return Err(refused(name, "it is only for this program"));
            }
            None => {
                return Err(Error::usage(format!("the variable '{name}' is not set here"))
                    .remedy("export the variable first, or leave it out"));
            }
        };
    }
    Ok(options)
}

/// Checks that each variable reaches the container: a requested variable must not be left out with a mere note.
pub(super) fn check_passed(names: &[String], run: &SandboxRun) -> Result<(), Error> {
    let missing = names.iter().find(|name| !run.env.contains_key(*name));
    missing.map_or(Ok(()), |name| {
        let of_kind = run.public_env.contains_key(name);
        Err(refused(
            name,
            if of_kind { "the kind sets its own value for it" } else { "the engine or the host uses it" },
        ))
    })
}

fn refused(name: &str, problem: &'static str) -> Error {
    SandboxError::Variable { name: name.to_owned(), problem }.into()
}
