//! The local tool of a kind: where it is, which version, how to get it and how to sign in.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use connection_contract::{FoundTool, ToolSpec};
use connection_core::MachineTools;

use crate::{Error, Exit, cli::KindEntry, output::quoted};

/// The tool that a kind is about; the first, where it looks for several.
pub(super) fn of(kind: &KindEntry) -> Result<&ToolSpec, Error> {
    let name = &kind.descriptor.kind;
    kind.descriptor.tools.first().ok_or_else(|| {
        Error::new(Exit::Refused, "not_supported", format!("kind '{name}' has no local tool that could be run"))
            .remedy("`connections kinds` lists what each kind can")
    })
}

/// What is known of a tool without asking anybody but the tool itself.
#[derive(Debug)]
pub(crate) struct Detected {
    pub(crate) path: Option<String>,
    pub(crate) version: Option<String>,
}

impl Detected {
    /// For people, with the way to it where it is not here.
    pub(super) fn told(&self, tool: &ToolSpec) -> String {
        match (&self.path, &self.version) {
            (Some(path), Some(version)) => format!("{version} at {path}"),
            (Some(path), None) => format!("{path}, which does not tell its version"),
            (None, _) => match install(tool) {
                Some(how) => format!("{} is not installed; {how}", tool.binary),
                None => format!("{} is not installed", tool.binary),
            },
        }
    }
}

/// Looks for it, and runs nothing.
pub(super) async fn find(tool: &ToolSpec) -> Detected {
    let path = MachineTools::new().find(tool).await.path;
    Detected { path: path.map(|path| path.to_string()), version: None }
}

/// Looks for it, and asks it for its version.
pub(super) async fn detect(tool: &ToolSpec) -> Detected {
    let found = find(tool).await;
    match found.path {
        Some(_) => Detected { version: MachineTools::new().version(tool).await, ..found },
        None => found,
    }
}

/// Where it is.
pub(super) async fn path(tool: &ToolSpec) -> Result<PathBuf, Error> {
    let FoundTool { path, probed, .. } = MachineTools::new().find(tool).await;
    match path {
        Some(path) => Ok(path.as_str().into()),
        None => {
            let places: Vec<_> = probed.iter().map(|place| place.as_str()).collect();
            let places = if places.is_empty() { "nowhere, since PATH is empty".to_owned() } else { places.join(", ") };
            let message = format!("'{}' is not installed: looked in {places}", tool.binary);
            let error = Error::new(Exit::NotFound, "tool_missing", message);
            Err(match install(tool) {
                Some(how) => error.remedy(how),
                None => error,
            })
        }
    }
}

/// How it comes onto a machine.
pub(super) fn install(tool: &ToolSpec) -> Option<String> {
    match (&tool.install_command, &tool.docs_url) {
        (Some(command), Some(url)) => Some(format!("install it with `{command}`, or as {url} says")),
        (Some(command), None) => Some(format!("install it with `{command}`")),
        (None, Some(url)) => Some(format!("install it as {url} says")),
        (None, None) => None,
    }
}

/// How a person signs in, to be copied: the variables of a profile before the command.
pub(super) fn sign_in(tool: &ToolSpec, variables: &BTreeMap<OsString, OsString>) -> Option<String> {
    let command = tool.sign_in.as_ref()?.command.iter().map(|word| quoted(word));
    Some(assignments(variables).chain(command).collect::<Vec<_>>().join(" "))
}

/// `NAME=VALUE` of each, as a shell takes them.
pub(super) fn assignments(variables: &BTreeMap<OsString, OsString>) -> impl Iterator<Item = String> {
    variables.iter().map(|(name, value)| format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())))
}
