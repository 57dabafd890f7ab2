//! Replacing entries of remote servers by entries that run a command.

use std::ops::Range;

use super::{
    client::{Client, Format},
    decode,
    entry::Place,
    error::ConfigError,
    find::{List, lists},
    json, read, toml,
    value::{Table, Value},
};

/// Members that mean the same for a server that is a command, in any client. No client has one of them for remote
/// servers alone.
const KEPT: &[&str] = &[
    "alwaysAllow",
    "alwaysLoad",
    "autoApprove",
    "description",
    "disabled",
    "disabledTools",
    "enabled",
    "enabledTools",
    "excludeTools",
    "includeTools",
    "timeout",
    "trust",
];
/// The same for Codex.
const KEPT_BY_CODEX: &[&str] = &[
    "default_tools_approval_mode",
    "disabled_tools",
    "enabled",
    "enabled_tools",
    "name",
    "required",
    "startup_timeout_ms",
    "startup_timeout_sec",
    "supports_parallel_tool_calls",
    "tool_timeout_sec",
    "tools",
];

/// An entry to replace, with the command that the client will run instead.
///
/// ```
/// use connection_mcp::clients::{Place, Replacement};
///
/// let replacement = Replacement::new(Place::File, "linear", ["connections", "mcp", "proxy", "linear"]);
/// assert_eq!(replacement.command.len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replacement {
    /// The place of the entry.
    pub place: Place,
    /// The name of the entry.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
}

impl Replacement {
    /// Creates a replacement.
    pub fn new<T: Into<String>>(place: Place, name: impl Into<String>, command: impl IntoIterator<Item = T>) -> Self {
        Self { place, name: name.into(), command: command.into_iter().map(Into::into).collect() }
    }
}

/// Replaces entries by ones that run a command, and changes no byte outside of them.
///
/// An entry keeps the members that mean the same for a command: whether it is disabled, lists of tools, and time
/// limits. Its address, its headers, its environment and its sign-in go. In JSON, the comments inside of an entry go
/// with it; in TOML, all comments on lines of their own stay.
///
/// The result is read again before it is returned: everything else in it has the same value as before.
///
/// # Errors
///
/// The configuration cannot be read, an entry does not exist, or its form cannot be replaced.
///
/// ```
/// use connection_mcp::clients::{Client, Place, Replacement, replace};
///
/// let config = b"# Mine.
/// [mcp_servers.linear]
/// url = \"https://mcp.linear.app/mcp\" # until it is adopted
/// enabled = true
/// ";
/// let replacement = Replacement::new(Place::File, "linear", ["connections", "mcp", "proxy", "linear"]);
/// let replaced = replace(Client::Codex, config, &[replacement])?;
/// assert_eq!(
///     str::from_utf8(&replaced).unwrap(),
///     "# Mine.
/// [mcp_servers.linear]
/// command = \"connections\"
/// args = [\"mcp\", \"proxy\", \"linear\"]
/// enabled = true
/// ",
/// );
/// # Ok::<_, connection_mcp::clients::ConfigError>(())
/// ```
pub fn replace(client: Client, bytes: &[u8], replacements: &[Replacement]) -> Result<Vec<u8>, ConfigError> {
    let (mark, text) = decode::text(bytes)?;
    let root = decode::values(client.format(), text)?;
    let lists = lists(client, &root);
    let mut edits = Vec::new();
    let mut paths = Vec::new();
    for replacement in replacements {
        let path = path(&lists, replacement)?;
        if paths.contains(&path) {
            return Err(ConfigError::Repeated { name: replacement.name.clone() });
        }
        edits.extend(edits_of(client, text, &path, replacement)?);
        paths.push(path);
    }
    edits.sort_by_key(|edit| edit.range.start);
    let mut changed = mark.to_owned();
    let mut end = 0;
    for edit in edits {
        // Entries do not overlap, so each edit begins after the one before.
        changed.push_str(text.get(end..edit.range.start).unwrap_or_default());
        changed.push_str(&edit.text);
        end = edit.range.end;
    }
    changed.push_str(text.get(end..).unwrap_or_default());
    check(client, &root, changed.get(mark.len()..).unwrap_or_default(), replacements, &paths)?;
    Ok(changed.into_bytes())
}

/// A text that takes the place of a part of the configuration.
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// The members of an entry that runs a command.
pub(super) struct NewEntry<'a> {
    /// The members to add, in order.
    pub(super) members: Vec<(&'static str, Member<'a>)>,
    /// The names of the members that stay.
    pub(super) kept: &'static [&'static str],
}

/// The value of a member that is added.
pub(super) enum Member<'a> {
    List(Vec<&'a str>),
    Text(&'a str),
}

fn path<'a>(lists: &[List<'a>], replacement: &'a Replacement) -> Result<Vec<&'a str>, ConfigError> {
    let Replacement { place, name, .. } = replacement;
    let missing = || ConfigError::NoEntry { place: place.clone(), name: name.clone() };
    let list = lists.iter().find(|list| list.place == *place).ok_or_else(missing)?;
    list.servers.table(name).ok_or_else(missing)?;
    Ok(list.path.iter().copied().chain([name.as_str()]).collect())
}

fn edits_of(client: Client, text: &str, path: &[&str], replacement: &Replacement) -> Result<Vec<Edit>, ConfigError> {
    let name = &replacement.name;
    let command: Vec<&str> = replacement.command.iter().map(String::as_str).collect();
    let Some((program, arguments)) = command.split_first() else {
        return Err(ConfigError::EmptyCommand { name: name.clone() });
    };
    let separate = |kind: Option<&'static str>| {
        let kind = kind.map(|kind| ("type", Member::Text(kind)));
        let command = [("command", Member::Text(program)), ("args", Member::List(arguments.to_vec()))];
        kind.into_iter().chain(command).collect()
    };
    let members = match client {
        Client::ClaudeCode | Client::Cursor | Client::VsCode => separate(Some("stdio")),
        Client::OpenCode => vec![("type", Member::Text("local")), ("command", Member::List(command.clone()))],
        Client::ClaudeDesktop | Client::Codex | Client::GeminiCli | Client::Windsurf => separate(None),
    };
    let kept = if client == Client::Codex { KEPT_BY_CODEX } else { KEPT };
    let entry = NewEntry { members, kept };
    let edits = match client.format() {
        Format::Json => json::edit(text, path, &entry)?.map(|edit| vec![edit]),
        Format::Toml => toml::edits(text, path, &entry)?,
    };
    edits.ok_or_else(|| ConfigError::Form { name: name.clone() })
}

/// Checks that each entry runs its command, and that everything else has the value that it had.
fn check(
    client: Client,
    before: &Table,
    text: &str,
    replacements: &[Replacement],
    paths: &[Vec<&str>],
) -> Result<(), ConfigError> {
    let mut before = Value::Table(before.clone());
    let mut after = Value::Table(decode::values(client.format(), text)?);
    for (replacement, path) in replacements.iter().zip(paths) {
        let form = || ConfigError::Form { name: replacement.name.clone() };
        let entry = after.at_mut(path).ok_or_else(form)?;
        let runs = entry.as_table().is_some_and(|fields| read::command_line(fields) == replacement.command);
        if !runs {
            return Err(form());
        }
        *entry = Value::Bool(true);
        *before.at_mut(path).ok_or_else(form)? = Value::Bool(true);
    }
    if before.sorted() == after.sorted() {
        Ok(())
    } else {
        Err(ConfigError::Form { name: replacements.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ") })
    }
}
