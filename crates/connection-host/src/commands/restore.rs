//! `restore FILE` and `restore --mark`: replaces the database by a backup, and lists the connections that are not refreshed
//! until a person says so.

use std::path::PathBuf;

use connection_core::{Restored, RestoredConnection, TokenUse};

use crate::{
    Error, Exit,
    config::named_path,
    output::{Cell, Table, joined, json::RestoredBody, quoted},
    program::Program,
};

/// The maximum number of connections that are shown to a person.
const MAX_SHOWN: usize = 1000;
/// Printed below connections whose token was used or is unknown.
const NOTE: &str = "A token that was used since the backup was made is not sent again by itself: the connection works until \
                    its access token ends. If nothing has used the token since, `connections refresh C --force` sends it; \
                    otherwise, the provider may treat that as a theft and end the authorization.";

/// Restores a file, or marks the database if none is named; clap requires one of the two.
pub(super) async fn run(mut program: Program, file: Option<PathBuf>) -> Result<Exit, Error> {
    let file = file.map(|file| named_path("restore", &file)).transpose()?;
    let builder = program.whole_builder()?;
    let (restoring, done) = match file {
        Some(file) => (builder.restore(file), "Restored"),
        None => (builder.mark_restored(), "Marked as restored:"),
    };
    let restored = program.output.waiting("the database", restoring).await?;
    let output = &program.output;
    if output.json {
        return print_json(&program, &restored);
    }
    match restored.is_completed {
        true => output.line("Completed the restore that was interrupted, from the backup that was named then")?,
        false => output.line(format!("{done} {}", restored.database))?,
    }
    if let Some(kept) = &restored.kept {
        output.line(format!("The former database is kept as {}", kept.display()))?;
    }
    if let Some(why) = &restored.unread {
        output.note(format!("The former database could not be read, so it shows nothing about the tokens: {why}."));
    }
    if !restored.frozen.is_empty() {
        output.note(format!(
            "Frozen as in the former database: {}. `connections freeze --list` shows it.",
            joined(&restored.frozen)
        ));
    }
    list(&program, &restored.connections, NOTE)?;
    Ok(Exit::Fine)
}

/// Prints a database that was restored or marked, with what to do about each connection.
pub(super) fn print_json(program: &Program, restored: &Restored) -> Result<Exit, Error> {
    let commands = restored.connections.iter().map(|restored| command(restored, program)).collect();
    program.output.shape(&RestoredBody::new(restored, commands))?;
    Ok(Exit::Fine)
}

/// Prints the connections and what to do with them; those that are refreshed as before come last. `note` follows if the token
/// of one is not sent.
pub(super) fn list(program: &Program, restored: &[RestoredConnection], note: &str) -> Result<(), Error> {
    let output = &program.output;
    if restored.is_empty() {
        return output.line("No connection has a refresh token that is used up by its use");
    }
    let mut rows: Vec<_> = restored.iter().collect();
    let place = |restored: &RestoredConnection| match restored.token {
        TokenUse::Used => 0,
        TokenUse::Unused => 2,
        _ => 1,
    };
    rows.sort_by_cached_key(|row| (place(row), row.connection.owner.clone(), name_of(row)));
    let mut table = Table::new(["CONNECTION", "OWNER", "REFRESH TOKEN", "WHAT TO DO"], 3);
    for row in rows.iter().take(MAX_SHOWN) {
        let what = command(row, program).unwrap_or_else(|| "nothing".to_owned());
        table.row([
            Cell::from(name_of(row)),
            Cell::from(row.connection.owner.clone()),
            Cell::from(word(row.token)),
            Cell::from(what),
        ]);
    }
    output.table(&table)?;
    if rows.len() > MAX_SHOWN {
        output.note(format!("{} more are not shown; `connections list` shows each of them.", rows.len() - MAX_SHOWN));
    }
    if rows.iter().any(|row| row.token != TokenUse::Unused) {
        output.note(note);
    }
    Ok(())
}

/// Returns `KIND:LABEL`.
fn name_of(of: &RestoredConnection) -> String {
    format!("{}:{}", of.connection.kind, of.connection.label)
}

fn word(token: TokenUse) -> &'static str {
    match token {
        TokenUse::Used => "used since",
        TokenUse::Unused => "not used since",
        _ => "unknown",
    }
}

/// Returns the command that makes the connection work for long; `None` if it does already.
fn command(restored: &RestoredConnection, program: &Program) -> Option<String> {
    let RestoredConnection { connection, token, .. } = restored;
    let acting = program.settings.owner.as_deref().unwrap_or("local");
    let owner = match connection.owner == acting {
        true => String::new(),
        false => format!("--owner {} ", quoted(&connection.owner)),
    };
    match token {
        TokenUse::Unused => None,
        _ => Some(format!("connections {owner}reauthorize {}", quoted(&name_of(restored)))),
    }
}
