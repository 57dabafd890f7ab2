//! The options `--field NAME=@FILE|@-` and `--from-env NAME=VARIABLE`.

use super::{
    Values,
    source::{self, Standard},
};
use crate::{Error, Exit, config::Environment};

/// Reads the value from a file; returns the name of the field if the value is in standard input.
///
/// Standard input is read later, once the type of the field is known.
pub(super) fn from_file(argument: &str, standard: &mut Standard, values: &mut Values) -> Result<Option<String>, Error> {
    // A value without `@` may be a secret, so only the name is repeated; without `=`, even the name may be a secret.
    let (name, value) = argument
        .split_once('=')
        .filter(|(name, _)| is_name(name))
        .ok_or_else(|| Error::usage("--field takes NAME=@FILE or NAME=@-"))?;
    let option = option(name);
    let own = values.entry(name.to_owned()).or_default();
    match value.strip_prefix('@') {
        Some("-") => standard.take(&option).map(|()| Some(name.to_owned())),
        Some(file) if !file.is_empty() => {
            own.push(source::field_file(file, &option)?);
            Ok(None)
        }
        _ => {
            let message = format!("--field {name}: a value is never taken from an argument");
            Err(Error::new(Exit::Usage, "value_in_argument", message).remedy(format!(
                "write {name}=@FILE, or {name}=@- for standard input, or use --from-env {name}=VARIABLE"
            )))
        }
    }
}

/// Returns the name of the option in errors.
pub(super) fn option(name: &str) -> String {
    format!("--field {name}")
}

/// Reads the value from an environment variable.
pub(super) fn from_variable(argument: &str, environment: &Environment, values: &mut Values) -> Result<(), Error> {
    let (name, variable) = argument
        .split_once('=')
        .filter(|(name, variable)| is_name(name) && is_name(variable))
        .ok_or_else(|| Error::usage("--from-env takes NAME=VARIABLE"))?;
    let secret = environment.secret(variable).ok_or_else(|| {
        Error::new(Exit::Usage, "input_unreadable", format!("--from-env {name}: the variable is not set"))
            .remedy("set the variable and export it")
    })?;
    values.entry(name.to_owned()).or_default().push(secret);
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
