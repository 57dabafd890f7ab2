//! The local tool of a kind: its path, its version, how to install it, and how to sign in.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::PathBuf,
};

use connection_contract::{FoundTool, ToolSpec};
use connection_core::{DirectoryProbe, SpawnOptions, ToolNotAllowed};

use crate::{Error, Exit, kind_entry::KindEntry, output::quoted, program::Program};

/// Returns the tool of a kind; the first one if there are several.
pub(super) fn of(kind: &KindEntry) -> Result<&ToolSpec, Error> {
    let name = &kind.descriptor.kind;
    kind.descriptor.tools.first().ok_or_else(|| {
        Error::new(Exit::Refused, "not_supported", format!("kind '{name}' has no local tool that could be run"))
            .remedy("`connections kinds` lists what each kind can")
    })
}

/// The findings about a tool, without asking any other program.
#[derive(Debug)]
pub(crate) struct Detected {
    pub(crate) path: Option<String>,
    pub(crate) version: Option<String>,
    /// The paths that were searched.
    pub(crate) probed: Vec<String>,
    /// The reason why the tool was not searched for, if this program does not allow it.
    pub(crate) refused: Option<ToolNotAllowed>,
    /// The state of the tool's own directory, if it was examined.
    pub(crate) found: Option<(PathBuf, DirectoryProbe)>,
}

impl Detected {
    /// Returns the findings for people, with how to install a missing tool.
    pub(super) fn describe(&self, tool: &ToolSpec) -> String {
        if let Some(why) = &self.refused {
            return format!("{}, which is not used: {why}", tool.binary);
        }
        match (&self.path, &self.version) {
            (Some(path), Some(version)) => format!("{version} at {path}"),
            (Some(path), None) if !tool.is_version_asked => {
                format!("{path}, whose version is not checked, because the tool would write files")
            }
            (Some(path), None) => format!("{path}, whose version is unknown"),
            (None, _) => match install(tool) {
                Some(how) => format!("{} is not installed; {how}", tool.binary),
                None => format!("{} is not installed", tool.binary),
            },
        }
    }

    /// Returns the error for a tool that is missing or not allowed.
    pub(crate) fn missing(&self, tool: &ToolSpec) -> Option<Error> {
        if let Some(why) = &self.refused {
            return Some(not_allowed(why));
        }
        self.path.is_none().then(|| self.nowhere(tool))
    }

    fn nowhere(&self, tool: &ToolSpec) -> Error {
        let places =
            if self.probed.is_empty() { "nowhere, since PATH is empty".into() } else { self.probed.join(", ") };
        let message = format!("'{}' is not installed: looked in {places}", tool.binary);
        let error = Error::new(Exit::NotFound, "tool_missing", message);
        match install(tool) {
            Some(how) => error.remedy(how),
            None => error,
        }
    }
}

fn not_allowed(why: &ToolNotAllowed) -> Error {
    Error::new(Exit::Refused, why.code(), why.to_string()).remedy(why.remedy())
}

/// Searches for the tool without running it.
pub(super) async fn find(program: &Program, tool: &ToolSpec) -> Detected {
    let (found, refused) = match program.machine().find(tool).await {
        Ok(found) => (found, None),
        Err(why) => (FoundTool::default(), Some(why)),
    };
    let probed = found.probed.iter().map(ToString::to_string).collect();
    Detected { path: found.path.map(|path| path.to_string()), version: None, probed, refused, found: None }
}

/// Searches for the tool, asks for its version if that has no side effects, and checks whether a user is signed in.
pub(super) async fn detect(program: &Program, kind: &KindEntry, tool: &ToolSpec) -> Detected {
    let machine = program.machine();
    let mut detected = find(program, tool).await;
    if detected.path.is_some() {
        detected.version = program.output.waiting(&tool.binary, machine.version(tool)).await;
    }
    // The directory belongs to the user who runs this process, and to no other owner.
    let is_own = program.settings.owner.as_deref().is_none_or(|owner| owner == "local");
    if let Some(spec) = kind.profiles.as_ref().filter(|_| is_own) {
        detected.found = machine.probe(&kind.descriptor, spec, &program.files()).await;
    }
    detected
}

/// Returns the path of the tool, to run it.
pub(super) async fn path(program: &Program, tool: &ToolSpec) -> Result<PathBuf, Error> {
    match program.machine().path(tool).await.map_err(|why| not_allowed(&why))? {
        Some(path) => Ok(path),
        None => Err(find(program, tool).await.nowhere(tool)),
    }
}

/// Returns how to install the tool.
pub(super) fn install(tool: &ToolSpec) -> Option<String> {
    match (&tool.install_command, &tool.docs_url) {
        (Some(command), Some(url)) => Some(format!("install it with `{command}`, or as {url} says")),
        (Some(command), None) => Some(format!("install it with `{command}`")),
        (None, Some(url)) => Some(format!("install it as {url} says")),
        (None, None) => None,
    }
}

/// Returns how a person signs in: the command with the variables of a profile, then further instructions.
pub(super) fn sign_in(tool: &ToolSpec, variables: &Variables) -> Vec<String> {
    let Some(sign_in) = &tool.sign_in else { return Vec::new() };
    let words = variables.words().into_iter().chain(sign_in.command.iter().map(|word| quoted(word)));
    let mut lines = vec![format!("Sign in with: {}", words.collect::<Vec<_>>().join(" "))];
    let hint = sign_in.hint.as_ref().map(|hint| hint.as_str());
    lines.extend(hint.map(|hint| format!("  {hint}")));
    // Leave the variable out if the hint mentions it already.
    let variable = sign_in.token_env_var.as_ref().filter(|name| hint.is_none_or(|hint| !hint.contains(name.as_ref())));
    lines.extend(variable.map(|name| format!("  A token may be given in {name} instead")));
    lines
}

/// The changes that a start makes to the user's environment variables.
#[derive(Debug)]
pub(crate) struct Variables {
    /// The variables that are removed, of those that are set.
    pub(crate) without: Vec<OsString>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    /// The variables that hold a token, whose values are not shown.
    pub(crate) secrets: BTreeSet<OsString>,
}

impl Variables {
    pub(super) fn of(program: &Program, options: &SpawnOptions) -> Self {
        let without = options.without.iter().filter(|name| program.environment.has(name)).cloned().collect();
        Self { without, env: options.env.clone(), secrets: BTreeSet::new() }
    }

    /// Adds a variable whose value is not shown.
    pub(super) fn with_secret(mut self, name: Option<&OsString>) -> Self {
        self.secrets.extend(name.cloned());
        self.env.retain(|variable, _| Some(variable) != name);
        self
    }

    /// Returns the words that precede a command in a shell.
    pub(super) fn words(&self) -> Vec<String> {
        let without = self.without.iter().flat_map(|name| ["-u".to_owned(), quoted(&name.to_string_lossy())]);
        let env = self.env.iter();
        let env = env.map(|(name, value)| format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        // The shell that runs the line must have these variables with the tokens.
        let secrets = self.secrets.iter().map(|name| name.to_string_lossy()).map(|name| format!("{name}=\"${name}\""));
        let program = (!self.without.is_empty()).then(|| "env".to_owned());
        program.into_iter().chain(without).chain(env).chain(secrets).collect()
    }
}
