//! `move ADDRESS` and `move ADDRESS --undo`: moves the database from its file to a server, says how the key gets there,
//! and lists what is bound to this machine.

use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicU64, Ordering},
};

use connection_core::{MachineBound, MoveStep, Moved};
use secrecy::SecretString;

use crate::{
    Error, Exit,
    config::refuse_password,
    input::{Standard, file_or_stdin},
    kind_entry::KindSource,
    output::json::{MoveUndoneBody, MovedBody},
    platform,
    program::Program,
};

/// The maximum number of profiles that are shown to a person.
const MAX_SHOWN: usize = 100;
/// The number of rows after which a long copy shows how far it is.
const ROWS_OF_A_LINE: u64 = 100_000;

pub(super) async fn run(program: Program, address: &str, undo: bool) -> Result<Exit, Error> {
    let server = server_of(address)?;
    match undo {
        true => take_back(program, server).await,
        false => move_there(program, server).await,
    }
}

/// Returns the address of the server, which standard input holds if it is `-`.
fn server_of(address: &str) -> Result<SecretString, Error> {
    let empty = || Error::usage("the address of the server to move to is empty");
    if address != "-" {
        refuse_password(address, "the address")?;
        return if address.trim().is_empty() { Err(empty()) } else { Ok(address.into()) };
    }
    let read = file_or_stdin(address, &mut Standard::default(), "the address")?;
    match read.expose_str().map(connection_core::bare_text) {
        Some(text) if text.trim().is_empty() => Err(empty()),
        Some(text) => Ok(text.into()),
        None => Err(Error::usage("the address on standard input is not a text")),
    }
}

async fn take_back(program: Program, server: SecretString) -> Result<Exit, Error> {
    let output = &program.output;
    let undone = output.waiting("the database", program.builder().undo_move(server, |_| {})).await?;
    if output.json {
        output.shape(&MoveUndoneBody::from(&undone))?;
        return Ok(Exit::Fine);
    }
    output.line(format!("Took back the move of {} to {}", undone.database, undone.server))?;
    if let Some(why) = undone.unreached {
        output.note(format!("The server could not be reached, and may hold rows that nobody can use: {why}."));
    }
    Ok(Exit::Fine)
}

async fn move_there(mut program: Program, server: SecretString) -> Result<Exit, Error> {
    let key = program.key()?.to_another_machine(&program.settings.key);
    let builder = program.whole_builder()?;
    let shows = !program.output.json && std::io::stderr().is_terminal();
    let shown = AtomicU64::new(0);
    let moving = builder.move_to(server, move |step| {
        if let MoveStep::Copying { rows } = step
            && shows
            && rows / ROWS_OF_A_LINE > shown.swap(rows / ROWS_OF_A_LINE, Ordering::Relaxed)
        {
            platform::write_stderr(format_args!("Copied {rows} rows"));
        }
    });
    let moved = program.output.waiting("the database", moving).await?;
    if program.output.json {
        program.output.shape(&MovedBody::new(&moved, key))?;
        return Ok(Exit::Fine);
    }
    report(&program, &moved, &key)?;
    Ok(Exit::Fine)
}

fn report(program: &Program, moved: &Moved, key: &str) -> Result<(), Error> {
    let output = &program.output;
    let connections = match moved.connections {
        1 => "1 connection".to_owned(),
        count => format!("{count} connections"),
    };
    let how = if moved.is_completed { "Completed the move of" } else { "Moved" };
    output.line(format!(
        "{how} {connections} from {} to {}: {} rows in {} s",
        moved.from,
        moved.to,
        moved.rows,
        moved.took.as_secs()
    ))?;
    output.line(format!(
        "On the server, set database_url to the address that you named, with its user and options ({}), and copy the \
         configuration of this machine.",
        moved.to
    ))?;
    output.line(key)?;
    output.line("These are bound to this machine:")?;
    for line in bound(program, moved) {
        output.line(format!("  {line}"))?;
    }
    output.note(
        "The file opens no more. While nobody has opened the database on the server, `connections move ADDRESS --undo` \
         takes the move back.",
    );
    output.note(
        "A backup of the file that is restored later has tokens that are not sent by themselves, because the server \
         may have used them.",
    );
    Ok(())
}

/// Returns what is bound to this machine, each with what to do about it.
fn bound(program: &Program, moved: &Moved) -> Vec<String> {
    let is_profile = |bound: &&MachineBound| matches!(bound, MachineBound::Profile { .. });
    let (profiles, others): (Vec<_>, Vec<_>) = moved.bound.iter().partition(is_profile);
    let mut lines: Vec<_> = profiles.iter().take(MAX_SHOWN).filter_map(|bound| sentence(bound)).collect();
    if profiles.len() > MAX_SHOWN {
        lines.push(format!("{} more profiles (`connections profiles list`)", profiles.len() - MAX_SHOWN));
    }
    lines.extend(others.into_iter().filter_map(sentence));
    for entry in &program.kinds {
        if let KindSource::File(path) = &entry.source {
            lines.push(format!("the kind {}: copy its file {}", entry.descriptor.kind, path.display()));
        }
    }
    if program.settings.inbound.public_url.is_none() {
        lines.push(
            "the addresses of callbacks, which are on 127.0.0.1: set inbound.public_url on the server, and register it \
             with your OAuth applications"
                .to_owned(),
        );
    }
    lines.push(
        "programs of this machine that use the database: give them the server with --host and a token, also \
         `connections mcp proxy`, `connections agents run` with its forward door, and credential helpers"
            .to_owned(),
    );
    lines
}

/// Returns a sentence about a part of the database that names something of this machine.
fn sentence(bound: &MachineBound) -> Option<String> {
    Some(match bound {
        MachineBound::Profile { owner, kind, directory } => {
            format!("the profile of {kind} in {directory} ({owner}): its login is in that directory")
        }
        MachineBound::Directories { kind, connections } => format!(
            "{connections} of the kind {kind}: they read directories of this machine; connect them anew on the \
             server, or remove them"
        ),
        MachineBound::Tool { kind, connections } => format!(
            "{connections} of the kind {kind}: they need its tool, and for `run --sandbox` its image, on the \
             machine that uses them"
        ),
        MachineBound::UnknownKind { kind, connections } => {
            format!("{connections} of the kind {kind}, which this program does not have")
        }
        MachineBound::Webhooks { connections } => format!(
            "the addresses at which {connections} receive events: if the public URL changes, give the providers \
             the new ones (`connections webhooks C`)"
        ),
        MachineBound::Setups { setups } => format!(
            "{setups} unfinished setups: a browser comes back to the address of this machine (`connections setup \
             list`)"
        ),
        _ => return None,
    })
}
