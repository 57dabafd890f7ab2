//! Command lines that run `mcp-remote` or our proxy.

use super::{entry::Obstacle, secret::SecretText};

/// The name of our program.
const OURS: &str = "connections";
/// The package that connects clients without HTTP to remote servers.
const MCP_REMOTE: &str = "mcp-remote";
/// Programs that run a package by its name.
const RUNNERS: &[&str] = &["bun", "bunx", "npm", "npx", "pnpm", "pnpx", "yarn"];
/// Words between a runner and its package.
const RUNNER_WORDS: &[&str] = &["dlx", "exec", "x"];
/// Options of `mcp-remote` that concern only its own sign-in and its log.
const FLAGS: &[&str] = &["--allow-http", "--debug", "--disable-resource-parameter", "--enable-proxy", "--silent"];
/// Options of `mcp-remote` with a value that concerns only its own sign-in.
const SETTINGS: &[&str] = &["--auth-timeout", "--callback-path", "--host"];
/// Options of `mcp-remote` with a value that changes what the client can do, or which account it reaches.
const CHANGES: &[&str] =
    &["--ignore-tool", "--resource", "--static-oauth-client-info", "--static-oauth-client-metadata"];

/// A command line that runs `mcp-remote`.
pub(super) struct McpRemote<'a> {
    pub(super) address: &'a str,
    /// Names and values of headers. A value may contain placeholders of the form `${NAME}`.
    pub(super) headers: Vec<(&'a str, SecretText)>,
    pub(super) sse_only: bool,
    pub(super) obstacle: Option<Obstacle>,
}

/// Returns the connection of a command line that runs our proxy, if it names one there.
pub(super) fn ours<'a>(line: &[&'a str]) -> Option<Option<&'a str>> {
    let (program, arguments) = program(line)?;
    if program != OURS {
        return None;
    }
    let at = arguments.windows(2).position(|pair| pair == ["mcp", "proxy"])?;
    Some(arguments.get(at + 2).copied().filter(|name| !name.starts_with('-')))
}

/// Reads a command line that runs `mcp-remote`.
pub(super) fn mcp_remote<'a>(line: &[&'a str]) -> Option<McpRemote<'a>> {
    let (program, arguments) = program(line)?;
    let mut arguments = match program.as_str() {
        MCP_REMOTE => arguments.iter(),
        runner if RUNNERS.contains(&runner) => after_package(arguments)?.iter(),
        _ => return None,
    };
    let mut found = McpRemote { address: "", headers: Vec::new(), sse_only: false, obstacle: None };
    while let Some(argument) = arguments.next() {
        if !argument.starts_with('-') {
            // A second plain argument is the port of the callback.
            found.address = if found.address.is_empty() { argument } else { found.address };
        } else if *argument == "--header" {
            let header = arguments.next().and_then(|header| header.split_once(':'));
            found.headers.extend(header.map(|(name, value)| (name, SecretText::new(value.trim_start()))));
        } else if *argument == "--transport" {
            found.sse_only |= arguments.next() == Some(&"sse-only");
        } else if SETTINGS.contains(argument) {
            arguments.next();
        } else if let Some(option) = CHANGES.iter().find(|option| *option == argument) {
            arguments.next();
            found.obstacle.get_or_insert(Obstacle::Option(option));
        } else if !FLAGS.contains(argument) {
            found.obstacle.get_or_insert(Obstacle::UnknownOption);
        }
    }
    (!found.address.is_empty()).then_some(found)
}

/// Returns the name of the program without its directory and extension, and the arguments. A shell of Windows before
/// the program is left out.
fn program<'b, 'a>(line: &'b [&'a str]) -> Option<(String, &'b [&'a str])> {
    let (first, arguments) = line.split_first()?;
    let name = stem(first);
    if name == "cmd"
        && let Some((option, rest)) = arguments.split_first()
        && option.eq_ignore_ascii_case("/c")
    {
        let (first, arguments) = rest.split_first()?;
        return Some((stem(first), arguments));
    }
    Some((name, arguments))
}

fn stem(program: &str) -> String {
    let file = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    let extension = [".cmd", ".exe", ".ps1"].into_iter().find_map(|extension| file.strip_suffix(extension));
    extension.unwrap_or(&file).to_owned()
}

/// Returns the arguments after the package `mcp-remote` of a runner.
fn after_package<'b, 'a>(arguments: &'b [&'a str]) -> Option<&'b [&'a str]> {
    let mut skips_value = false;
    for (index, argument) in arguments.iter().enumerate() {
        let is_package = *argument == MCP_REMOTE
            || argument.strip_prefix(MCP_REMOTE).is_some_and(|version| version.starts_with('@'));
        if skips_value {
            skips_value = false;
        } else if is_package {
            return arguments.get(index + 1..);
        } else if matches!(*argument, "-p" | "--package") {
            skips_value = true;
        } else if !argument.starts_with('-') && !RUNNER_WORDS.contains(argument) {
            return None;
        }
    }
    None
}
