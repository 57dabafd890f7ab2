//! `mcp adopt --list`: the servers in the configurations of this machine.

use connection_mcp::clients::{Place, Scope, Server};
use serde::Serialize;

use super::{choice, servers};
use crate::{Error, Exit, output::Table, program::Program};

/// The shape of one server.
#[derive(Debug, Serialize)]
struct McpServerBody {
    client: &'static str,
    file: String,
    scope: &'static str,
    project: Option<String>,
    name: String,
    disabled: bool,
    /// The address without its secrets; `None` for a server that is used through a connection.
    address: Option<String>,
    transport: Option<String>,
    connection: Option<String>,
    /// The reason why the server cannot be adopted.
    obstacle: Option<String>,
}

pub(super) fn run(program: &Program, with_project: bool) -> Result<Exit, Error> {
    let found = servers::read(program, with_project)?;
    let bodies: Vec<_> = found.iter().map(body).collect();
    if program.output.json {
        program.output.shape(&bodies)?;
        return Ok(Exit::Fine);
    }
    if bodies.is_empty() {
        program.output.note("No configuration of a program on this machine names a remote MCP server.");
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(["NAME", "PROGRAM", "ADDRESS", "STATE"], 1);
    for (found, body) in found.iter().zip(&bodies) {
        let state = match (&body.connection, &body.obstacle) {
            (Some(connection), _) => format!("uses the connection {connection}"),
            (None, Some(obstacle)) => obstacle.clone(),
            (None, None) if body.disabled => "disabled".to_owned(),
            (None, None) => "can be adopted".to_owned(),
        };
        let address = body.address.clone().unwrap_or_default();
        table.row([body.name.as_str().into(), found.file.client.name().into(), address.into(), state.into()]);
    }
    program.output.table(&table)?;
    Ok(Exit::Fine)
}

fn body(found: &servers::Found) -> McpServerBody {
    let servers::Found { file, entry } = found;
    let (address, transport, connection, obstacle) = match &entry.server {
        Server::Ours { connection } => (None, None, Some(connection.clone().unwrap_or_default()), None),
        Server::Remote(remote) => {
            let address = Some(remote.address.to_string());
            (address, Some(remote.transport.to_string()), None, choice::header(remote).err())
        }
        _ => (None, None, None, None),
    };
    let project = match &entry.place {
        Place::Project(path) => Some(path.clone()),
        _ => None,
    };
    McpServerBody {
        client: file.client.id(),
        file: file.path.display().to_string(),
        scope: if file.scope == Scope::Project { "project" } else { "user" },
        project,
        name: entry.name.clone(),
        disabled: entry.disabled,
        address,
        transport,
        connection,
        obstacle,
    }
}
