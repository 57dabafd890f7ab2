//! `--field NAME=@FILE|@-` and `--from-env NAME=VARIABLE`.

use std::collections::BTreeMap;

use connection_contract::Secret;

use super::source::{self, Standard};
use crate::{Error, Exit, config::Environment};

type Values = BTreeMap<String, Vec<Secret>>;

/// The value from a file or from standard input.
pub(super) fn from_file(argument: &str, standard: &mut Standard, values: &mut Values) -> Result<(), Error> {
    // What has no `@` may be a secret: only the name is repeated, and a name without `=` may be one too.
    let (name, value) = argument
        .split_once('=')
        .filter(|(name, _)| is_name(name))
        .ok_or_else(|| Error::usage("--field takes NAME=@FILE or NAME=@-"))?;
    let option = format!("--field {name}");
    let secret = source::field_value(value, standard, &option)?.ok_or_else(|| {
        Error::new(Exit::Usage, "value_in_argument", format!("--field {name}: a value is never taken from an argument"))
            .remedy(format!("write {name}=@FILE, or {name}=@- for standard input, or use --from-env {name}=VARIABLE"))
    })?;
    values.entry(name.to_owned()).or_default().push(secret);
    Ok(())
}

/// The value of an environment variable.
pub(super) fn from_variable(argument: &str, environment: &Environment, values: &mut Values) -> Result<(), Error> {
    let (name, variable) = argument
        .split_once('=')
        .filter(|(name, variable)| is_name(name) && is_name(variable))
        .ok_or_else(|| Error::usage("--from-env takes NAME=VARIABLE"))?;
    let secret = environment.secret(variable).ok_or_else(|| {
        Error::new(Exit::Usage, "input_unreadable", format!("--from-env {name}: the variable is not set"))
    })?;
    values.entry(name.to_owned()).or_default().push(secret);
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
