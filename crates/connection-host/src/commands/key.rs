//! `key`, `key change` and `key rotate`: shows, moves and rotates the database key.

use connection_core::{KeyError, KeyStatus, OpenError};

use crate::{
    Error, Exit,
    args::{KeyChange, KeyCommand},
    config::KeySettings,
    input,
    output::json::{KeyBody, KeyChangeBody, KeyRotationBody},
    program::Program,
};

pub(super) async fn run(program: Program, command: Option<KeyCommand>) -> Result<Exit, Error> {
    if !program.has_database() {
        return Err(OpenError::Key(KeyError::NoKeyset).into());
    }
    match command {
        None => show(program).await,
        Some(KeyCommand::Change(arguments)) => change(program, arguments).await,
        Some(KeyCommand::Rotate) => rotate(program).await,
    }
}

async fn show(mut program: Program) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let status = registry.keys().status().await;
    registry.close().await;
    let status = status?;
    let output = &program.output;
    match output.json {
        true => output.shape(&KeyBody::from(&status))?,
        false => output.line(of_key(&status))?,
    }
    if !status.rotated {
        output.note("A rotation has not finished; `connections key rotate` continues it.");
    }
    Ok(Exit::Fine)
}

async fn change(program: Program, arguments: KeyChange) -> Result<Exit, Error> {
    let to = program.settings.next_key_source(named(arguments)?, &program.environment, input::new_passphrase)?;
    // Sources that are configured for this change may disagree, but only in this command.
    let changing = program.builder().key(program.key()?.used.clone()).change_key(to);
    let output = &program.output;
    let changed = output.waiting("the database", changing).await?;
    let name = &changed.source;
    if output.json {
        output.shape(&KeyChangeBody::from(&changed))?;
        return Ok(Exit::Fine);
    }
    match changed.changed {
        true => output.line(format!("Moved to {name}, key {}", changed.wrapped_by))?,
        false => output.line(format!("The database already uses {name}, key {}", changed.wrapped_by))?,
    }
    output.note("Set key.source in the configuration before the next command, and keep a backup of that key.");
    Ok(Exit::Fine)
}

async fn rotate(mut program: Program) -> Result<Exit, Error> {
    let registry = program.open().await?;
    let rotation = registry.keys().rotate().await;
    registry.close().await;
    let rotation = rotation?;
    let output = &program.output;
    if output.json {
        output.shape(&KeyRotationBody::from(&rotation))?;
        return Ok(Exit::Fine);
    }
    let how = if rotation.resumed { "Continued the rotation to" } else { "Rotated to" };
    output.line(format!("{how} key {}; {} sealed again", rotation.key, values(rotation.resealed)))?;
    if rotation.remaining > 0 {
        let left = values(rotation.remaining);
        output.note(format!("{left} of former keys remain, {} of them unreadable.", rotation.unreadable));
    }
    if !rotation.dropped.is_empty() {
        output.note(format!("{} former keys were deleted for good.", rotation.dropped.len()));
    }
    Ok(Exit::Fine)
}

/// Returns the status of the key in one line, for people.
pub(super) fn of_key(status: &KeyStatus) -> String {
    let slots: Vec<_> = status.slots.iter().map(|(name, _)| *name).collect();
    let remaining = match status.remaining {
        0 => "all values".to_owned(),
        count => format!("all but {} of former keys", values(count)),
    };
    format!(
        "{} has the key {} (slot {}), which unlocks the database key {}; that one seals {remaining}; retired keys: {}",
        status.source,
        status.wrapped_by,
        slots.join(" and "),
        status.key,
        status.retired.len()
    )
}

fn values(count: u64) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}

fn named(arguments: KeyChange) -> Result<KeySettings, Error> {
    let KeyChange { to_source, to_file, to_variable, to_passphrase_file, to_command, to_wrap, to_unwrap } = arguments;
    let source = to_source
        .parse()
        .map_err(|()| Error::usage("--to-source takes file, environment, command, keyring or passphrase"))?;
    Ok(KeySettings {
        source: Some(source),
        file: to_file,
        variable: to_variable,
        variables: Vec::new(),
        passphrase_file: to_passphrase_file,
        command: argv("--to-command", to_command)?,
        wrap: argv("--to-wrap", to_wrap)?,
        unwrap: argv("--to-unwrap", to_unwrap)?,
        shows_errors: false,
    })
}

fn argv(name: &str, text: Option<String>) -> Result<Option<Vec<String>>, Error> {
    let Some(text) = text else { return Ok(None) };
    let parts = serde_json::from_str::<Vec<String>>(&text).ok();
    match parts.filter(|parts| parts.first().is_some_and(|program| !program.is_empty())) {
        Some(parts) => Ok(Some(parts)),
        None => Err(Error::usage(format!("{name} takes a JSON array of a program and its arguments"))),
    }
}
