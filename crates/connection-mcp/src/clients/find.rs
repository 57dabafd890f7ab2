//! Finding the remote servers in a configuration.

use super::{
    client::Client,
    decode,
    entry::{Entry, Place},
    error::ConfigError,
    read,
    value::{Table, Value},
};

/// Returns the remote servers in a configuration, and the servers that are already ours, in the order of the file.
///
/// Servers that run any other command are left out. A file without servers has none, also if it is empty.
///
/// # Errors
///
/// The file is not UTF-8, or does not have the syntax of its format.
///
/// ```
/// use connection_mcp::clients::{Client, find};
///
/// let config = br#"{
///     "servers": {
///         // Issues of the team.
///         "linear": { "type": "http", "url": "https://mcp.linear.app/mcp" },
///         "files": { "command": "npx", "args": ["-y", "files-mcp"] },
///     },
/// }"#;
/// let names: Vec<String> = find(Client::VsCode, config)?.into_iter().map(|entry| entry.name).collect();
/// assert_eq!(names, ["linear"]);
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
pub fn find(client: Client, bytes: &[u8]) -> Result<Vec<Entry>, ConfigError> {
    let (_, text) = decode::text(bytes)?;
    let root = decode::values(client.format(), text)?;
    let mut entries = Vec::new();
    for list in lists(client, &root) {
        for (name, value) in list.servers.effective() {
            let Some(fields) = value.as_table() else { continue };
            let is_disabled = disabled_by_list(client, &root, &list.place, name);
            entries.extend(read::entry(client, &list.place, name, fields, is_disabled));
        }
    }
    Ok(entries)
}

/// A list of servers in a configuration.
pub(super) struct List<'a> {
    pub(super) place: Place,
    /// The names of the tables that lead to the list.
    pub(super) path: Vec<&'a str>,
    pub(super) servers: &'a Table,
}

/// Returns the lists of servers in a configuration.
pub(super) fn lists(client: Client, root: &Table) -> Vec<List<'_>> {
    let of_file = |path: &[&'static str]| {
        let servers = path.iter().try_fold(root, |table, name| table.table(name))?;
        Some(List { place: Place::File, path: path.to_vec(), servers })
    };
    let mut lists = Vec::new();
    match client {
        Client::Codex => lists.extend(of_file(&["mcp_servers"])),
        Client::VsCode => lists.extend(of_file(&["servers"])),
        // The second version has the list below the first one's. In the first version, `servers` is the name of a
        // server, which has a type.
        Client::OpenCode => {
            let second = of_file(&["mcp", "servers"]).filter(|list| list.servers.text("type").is_none());
            lists.extend(second.or_else(|| of_file(&["mcp"])));
        }
        _ => lists.extend(of_file(&["mcpServers"])),
    }
    if client == Client::ClaudeCode {
        for (path, project) in root.table("projects").into_iter().flat_map(Table::effective) {
            let servers = project.at(&["mcpServers"]).and_then(Value::as_table);
            lists.extend(servers.map(|servers| List {
                place: Place::Project(path.to_owned()),
                path: vec!["projects", path, "mcpServers"],
                servers,
            }));
        }
    }
    lists
}

/// Returns `true` if a list elsewhere in the file disables the server.
fn disabled_by_list(client: Client, root: &Table, place: &Place, name: &str) -> bool {
    match (client, place) {
        (Client::ClaudeCode, Place::Project(path)) => {
            let project = root.table("projects").and_then(|projects| projects.table(path));
            project.and_then(|project| project.texts("disabledMcpServers")).is_some_and(|names| names.contains(&name))
        }
        (Client::GeminiCli, _) => root.table("mcp").is_some_and(|rules| {
            rules.texts("excluded").is_some_and(|names| names.contains(&name))
                || rules.texts("allowed").is_some_and(|names| !names.contains(&name))
        }),
        _ => false,
    }
}
