//! Checks the local tools, permission modes and cache lifetime of a descriptor, so that no invalid name is ever looked
//! up or run.

use alloc::{borrow::ToOwned, format, string::String};

use connection_contract::{Descriptor, Link, PathBase, PathSpec, SecretName, SignIn, ToolKey, ToolSpec};

use super::Facets;
use crate::container;

const MAX_ARGUMENTS: usize = 16;
const MAX_COMMAND_LENGTH: usize = 1000;
const MAX_MODE_LENGTH: usize = 64;
const MAX_MODES: usize = 64;
const MAX_PATHS: usize = 64;
const MAX_TOOLS: usize = 16;

/// Checks these parts of a descriptor. The error says which part is wrong.
pub(super) fn check(descriptor: &Descriptor, facets: Facets<'_>) -> Result<(), String> {
    let Descriptor { tools, permission_modes: modes, cache_ttl, .. } = descriptor;
    container::check(facets.profiles, facets.sandbox)?;
    if tools.is_empty() && (facets.profiles.is_some() || facets.sandbox.is_some()) {
        return Err("it has profiles or a container but declares no tool for them".to_owned());
    }
    if tools.len() > MAX_TOOLS {
        return Err(format!("it names more than {MAX_TOOLS} tools"));
    }
    for (at, tool) in tools.iter().enumerate() {
        check_tool(tool)?;
        check_token(descriptor, facets, tool)?;
        check_key(facets, tool)?;
        if tools.iter().take(at).any(|other| other.binary == tool.binary) {
            return Err(format!("two tools are named '{}'", tool.binary));
        }
    }
    if modes.len() > MAX_MODES {
        return Err(format!("it has more than {MAX_MODES} permission modes"));
    }
    for (at, mode) in modes.iter().enumerate() {
        if !is_line(mode) || mode.len() > MAX_MODE_LENGTH {
            return Err("a permission mode is not a short plain text".to_owned());
        }
        if modes.iter().take(at).any(|other| other == mode) {
            return Err(format!("two permission modes are named '{mode}'"));
        }
    }
    if cache_ttl.is_some_and(|ttl| ttl.is_zero()) {
        return Err("its provider caches a prompt for no time; leave that out".to_owned());
    }
    Ok(())
}

fn check_tool(tool: &ToolSpec) -> Result<(), String> {
    let name = &tool.binary;
    if !is_bare(name) {
        return Err(format!("'{name}' cannot be the name of a tool: it must have no path and no extension"));
    }
    if tool.extra_paths.len() > MAX_PATHS || !tool.extra_paths.iter().all(is_path) {
        return Err(format!("a directory of '{name}' is not a plain relative path"));
    }
    if tool.docs_url.as_ref().is_some_and(|url| Link::from_provider(url).is_none()) {
        return Err(format!("the documentation of '{name}' is not at an https address"));
    }
    if tool.install_command.as_ref().is_some_and(|command| !is_line(command) || command.len() > MAX_COMMAND_LENGTH) {
        return Err(format!("the command that installs '{name}' is not one line of plain text"));
    }
    tool.sign_in.as_ref().map_or(Ok(()), |sign_in| check_sign_in(name, sign_in))
}

fn check_sign_in(name: &str, sign_in: &SignIn) -> Result<(), String> {
    let command = &sign_in.command;
    if command.is_empty() || command.len() > MAX_ARGUMENTS || !command.iter().all(|part| is_line(part)) {
        return Err(format!("the command that signs in with '{name}' is not a command line"));
    }
    if sign_in.token_env_var.as_ref().is_some_and(|variable| !is_variable(variable)) {
        return Err(format!("the variable for a token of '{name}' has no valid name"));
    }
    if sign_in.docs_url.as_ref().is_some_and(|url| Link::from_provider(url).is_none()) {
        return Err(format!("the page about signing in with '{name}' is not at an https address"));
    }
    Ok(())
}

/// Checks that a token is handed to the tool alone: its name must not be one that extensions may be granted.
fn check_token(descriptor: &Descriptor, facets: Facets<'_>, tool: &ToolSpec) -> Result<(), String> {
    let Some(sign_in) = &tool.sign_in else { return Ok(()) };
    let Some(secret) = &sign_in.token_secret else { return Ok(()) };
    let name = &tool.binary;
    if SecretName::parse(secret.clone()).is_none() {
        return Err(format!("'{secret}', the token of '{name}', cannot be the name of a secret"));
    }
    if sign_in.token_env_var.is_none() {
        return Err(format!("the token '{secret}' of '{name}' has no variable to put it in"));
    }
    if !facets.secrets || facets.profiles.is_none() {
        return Err(format!("the token '{secret}' of '{name}' needs a kind that hands out secrets and has profiles"));
    }
    if descriptor.secret_names.contains(secret) {
        return Err(format!("the token '{secret}' of '{name}' is also a secret that extensions may be granted"));
    }
    Ok(())
}

/// Checks the way in which a tool accepts an API key, which extensions may be granted as well.
fn check_key(facets: Facets<'_>, tool: &ToolSpec) -> Result<(), String> {
    let Some(sign_in) = &tool.sign_in else { return Ok(()) };
    let Some(ToolKey { secret, env_var, args, .. }) = &sign_in.key else { return Ok(()) };
    let name = &tool.binary;
    if SecretName::parse(secret.clone()).is_none() {
        return Err(format!("'{secret}', the key of '{name}', cannot be the name of a secret"));
    }
    if sign_in.token_secret.as_ref() == Some(secret) {
        return Err(format!("'{secret}' is both the token and the key of '{name}'"));
    }
    if !is_variable(env_var) {
        return Err(format!("the variable for a key of '{name}' has no valid name"));
    }
    if args.len() > MAX_ARGUMENTS || !args.iter().all(|arg| is_line(arg) && arg.len() <= MAX_COMMAND_LENGTH) {
        return Err(format!("the arguments with which '{name}' reads its key are not a command line"));
    }
    if !facets.secrets || facets.profiles.is_none() {
        return Err(format!("the key '{secret}' of '{name}' needs a kind that hands out secrets and has profiles"));
    }
    Ok(())
}

/// Returns `true` for the name of a program without a path, without an extension that marks programs on some system,
/// and without characters that have a meaning to a shell or a program.
pub fn is_bare(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let runs = |extension: &str| matches!(extension, "bat" | "cmd" | "com" | "exe" | "ps1");
    (1..=64).contains(&name.len())
        && name.bytes().all(plain)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !extension.as_deref().is_some_and(runs)
}

fn is_path(path: &PathSpec) -> bool {
    let named = match &path.base {
        PathBase::Env(name) => is_variable(name),
        _ => true,
    };
    named && PathSpec::new(path.base.clone(), path.relative.clone()).is_some()
}

fn is_variable(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control)
}
