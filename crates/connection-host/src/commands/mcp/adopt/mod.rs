//! `mcp adopt`: connects the MCP servers in the configurations of other programs, and lets those programs use them
//! through `mcp proxy`.
//!
//! No token is taken over, because two holders of one token that is renewed invalidate each other's. A replacement is
//! on record before a configuration changes, so the next run finishes one that was killed.

mod choice;
mod config_file;
mod list;
mod proxy_command;
mod records;
mod servers;

use std::collections::BTreeSet;

use connection_api::BeginSetup;
use connection_contract::{Kind, Secret};
use connection_mcp::clients::{AdoptedEntry, Adoption, ConfigFile};

use self::{choice::Candidate, records::Records};
use super::super::{
    add,
    finish::FinishMethod,
    setup_place::{self, SetupPlace},
};
use crate::{
    Error, Exit,
    args::{Adopt, InputArguments},
    backend::{AT_THE_SERVER, every},
    input::{self, Inputs},
    output::{Output, name},
    platform::without_line,
    program::Program,
};

const KIND: Kind = Kind::from_static("mcp");

pub(in crate::commands) async fn run(mut program: Program, arguments: Adopt) -> Result<Exit, Error> {
    if program.server.is_some() {
        return Err(Error::usage("mcp adopt works with the local store alone").remedy(AT_THE_SERVER));
    }
    if arguments.list {
        return list::run(&program, arguments.project);
    }
    if program.output.json {
        return Err(Error::usage("mcp adopt has --json only with --list"));
    }
    if arguments.undo {
        return Records::of(&program).undo_all();
    }
    let mut is_whole = Records::of(&program).finish_all()?;
    let command = proxy_command::of(&program)?;
    let candidates = choice::candidates(servers::read(&program, arguments.project)?);
    let chosen = choice::chosen(&program, candidates, &arguments.servers).await?;
    let finish = FinishMethod::new(&arguments.finish, &program);
    let place = SetupPlace::open(&mut program, finish).await?;
    let mut replaced: Vec<(ConfigFile, Vec<AdoptedEntry>)> = Vec::new();
    for candidate in chosen {
        match connected(&mut program, &place, finish, &candidate).await {
            Ok(connection) => candidate.entries_with(&connection, &command, &mut replaced),
            Err(error) if error.exit == Exit::Interrupted => return Err(error),
            Err(error) => {
                Output::error(false, &error);
                program.output.note(format!("{} stays as it is.", candidate.names()));
                is_whole = false;
            }
        }
    }
    place.backend().close().await;
    for (file, entries) in replaced {
        is_whole &= replace(&program, &file, entries).unwrap_or_else(|error| {
            Output::error(false, &error);
            false
        });
    }
    Ok(if is_whole { Exit::Fine } else { Exit::Refused })
}

/// Replaces entries of a configuration. Returns `false` if the file was changed meanwhile.
fn replace(program: &Program, file: &ConfigFile, entries: Vec<AdoptedEntry>) -> Result<bool, Error> {
    let shown = file.path.display();
    let original = config_file::read(&file.path)?.unwrap_or_default();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.clone()).collect();
    let record = Adoption::plan(file, &original, entries).map_err(|error| servers::unreadable(file, &error))?;
    let is_replaced = Records::of(program).carry_out(&record)?;
    if is_replaced {
        let client = file.client.name();
        program.output.line(format!("{client} uses {} through a connection now ({shown})", names.join(", ")))?;
        program.output.note(format!("Restart {client} if it is running."));
    }
    Ok(is_replaced)
}

/// Returns the id of the connection to a server, which is made if there is none.
async fn connected(
    program: &mut Program,
    place: &SetupPlace,
    finish: FinishMethod,
    candidate: &Candidate,
) -> Result<String, Error> {
    let address = candidate.address.expose();
    let before = every(place.backend(), Some(&KIND)).await?;
    // What a query or a header reaches is not known from outside.
    if candidate.is_plain() {
        let is_same = |url: &String| url == address;
        let known: Vec<_> = before.iter().filter(|of| of.connection.config.get("url").is_some_and(is_same)).collect();
        let at = match known.len() {
            0 | 1 => 0,
            _ if program.person => {
                let shown = known.iter().map(|of| name(&of.connection)).collect();
                let question = format!("Which connection for {}?", candidate.names());
                let asking = without_line();
                let picked = tokio::task::spawn_blocking(move || input::pick(&question, shown)).await;
                drop(asking);
                picked.map_err(|_| Error::new(Exit::Unexpected, "crashed", "a prompt crashed"))??
            }
            _ => {
                let message = format!("several connections lead to {}", candidate.address);
                return Err(Error::new(Exit::Usage, "input_required", message)
                    .remedy("run the command at a terminal, where you can choose one"));
            }
        };
        if let Some(of) = known.get(at) {
            program.output.note(format!("{}: {} is connected already.", candidate.names(), name(&of.connection)));
            return Ok(of.connection.id.clone());
        }
    }
    program.output.note(format!("Connecting {} ({})", candidate.names(), candidate.address));
    let kind = setup_place::named_kind(program, KIND.as_str()).await?;
    let mut inputs = Inputs::read(&InputArguments::default(), &program.environment, program.person)?;
    inputs.know("url", Secret::from(address));
    if let Some((name, value)) = &candidate.header {
        inputs.know("headerName", Secret::from(name.as_str()));
        inputs.know("headerValue", Secret::from(value.expose()));
    }
    let (finish, inputs) = setup_place::prepared(program, &kind, finish, inputs)?;
    let exit = add::conducted(program, place, &BeginSetup::kind(KIND.as_str()), None, finish, inputs).await?;
    let before: BTreeSet<_> = before.into_iter().map(|of| of.connection.id).collect();
    let after = every(place.backend(), Some(&KIND)).await?;
    let made = after.into_iter().find(|of| !before.contains(&of.connection.id));
    made.map(|of| of.connection.id)
        .ok_or_else(|| Error::new(exit, "connection_failed", format!("{} was not connected", candidate.address)))
}
