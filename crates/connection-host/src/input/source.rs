//! Reading of files and standard input.

use std::io::{BufRead as _, Read as _};

use connection_contract::Secret;

use crate::{Error, Exit};

/// The maximum size of a field's value, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// Standard input, which can be read once.
#[derive(Debug, Default)]
pub(crate) struct Standard {
    pub(super) taken: Option<String>,
}

impl Standard {
    fn read(&mut self, option: &str, limit: u64) -> Result<Secret, Error> {
        self.take(option)?;
        read(std::io::stdin().lock(), option, limit)
    }

    /// Reserves standard input for one option.
    pub(super) fn take(&mut self, option: &str) -> Result<(), Error> {
        match self.taken.replace(option.to_owned()) {
            Some(first) => Err(Error::usage(format!("{first} and {option} both take standard input"))),
            None => Ok(()),
        }
    }
}

/// Reads a file, or standard input for `-`.
pub(crate) fn file_or_stdin(name: &str, standard: &mut Standard, option: &str) -> Result<Secret, Error> {
    if name == "-" { standard.read(option, LIMIT) } else { file(name, option, LIMIT) }
}

/// Reads the value of `@FILE` or `@-`; `None` for any other text, which may be a secret.
pub(crate) fn at_value(
    value: &str,
    standard: &mut Standard,
    option: &str,
    limit: u64,
) -> Result<Option<Secret>, Error> {
    match value.strip_prefix('@') {
        None | Some("") => Ok(None),
        Some("-") => standard.read(option, limit).map(Some),
        Some(name) => file(name, option, limit).map(Some),
    }
}

/// Reads the value of one field from a file.
pub(super) fn field_file(name: &str, option: &str) -> Result<Secret, Error> {
    file(name, option, LIMIT).map(without_newline)
}

/// Reads the value of one field from standard input, up to its end. Standard input must have been reserved for it.
pub(super) fn field_stdin(option: &str) -> Result<Secret, Error> {
    read(std::io::stdin().lock(), option, LIMIT).map(without_newline)
}

/// Reads the value of one field from standard input, up to the end of a line.
pub(super) fn field_line(option: &str) -> Result<Secret, Error> {
    let mut bytes = Vec::new();
    let mut limited = std::io::stdin().lock().take(LIMIT);
    limited.read_until(b'\n', &mut bytes).map_err(|error| unreadable(option, "its input", &error))?;
    Ok(without_newline(Secret::new(bytes)))
}

/// Removes the newline that an editor adds at the end.
fn without_newline(secret: Secret) -> Secret {
    match secret.expose() {
        [rest @ .., b'\r', b'\n'] | [rest @ .., b'\n'] => Secret::new(rest),
        _ => secret,
    }
}

fn file(name: &str, option: &str, limit: u64) -> Result<Secret, Error> {
    let file = std::fs::File::open(name).map_err(|error| unreadable(option, name, &error))?;
    read(file, option, limit)
}

fn read(from: impl std::io::Read, option: &str, limit: u64) -> Result<Secret, Error> {
    let mut bytes = Vec::new();
    from.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(option, "its input", &error))?;
    let secret = Secret::new(bytes);
    if secret.expose().len() as u64 > limit {
        return Err(Error::new(Exit::Usage, "input_too_large", format!("{option}: more than {limit} bytes")));
    }
    Ok(secret)
}

fn unreadable(option: &str, name: &str, error: &std::io::Error) -> Error {
    Error::new(Exit::Usage, "input_unreadable", format!("{option}: {name} cannot be read: {error}"))
}
