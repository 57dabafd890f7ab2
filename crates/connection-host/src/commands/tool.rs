//! The local tool of a kind: where it is, which version, how to get it and how to sign in.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use connection_contract::{FoundTool, ToolSpec};
use connection_core::{DirectoryProbe, SpawnOptions, ToolNotAllowed};

use crate::{
    Error, Exit,
    cli::{KindEntry, Program},
    output::quoted,
};

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
    /// Where was looked.
    pub(crate) probed: Vec<String>,
    /// Why nobody looks for it, where this program does not allow it.
    pub(crate) refused: Option<ToolNotAllowed>,
    /// What is in the directory that it uses by itself, where somebody asked.
    pub(crate) found: Option<(PathBuf, DirectoryProbe)>,
}

impl Detected {
    /// For people, with the way to it where it is not here.
    pub(super) fn told(&self, tool: &ToolSpec) -> String {
        if let Some(why) = &self.refused {
            return format!("{}, which is not used: {why}", tool.binary);
        }
        match (&self.path, &self.version) {
            (Some(path), Some(version)) => format!("{version} at {path}"),
            (Some(path), None) if !tool.is_version_asked => {
                format!("{path}, which is not asked for its version, since it writes when it is")
            }
            (Some(path), None) => format!("{path}, which does not tell its version"),
            (None, _) => match install(tool) {
                Some(how) => format!("{} is not installed; {how}", tool.binary),
                None => format!("{} is not installed", tool.binary),
            },
        }
    }

    /// That it is nowhere or not allowed, where that is so, with the way to it.
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

/// Looks for it, and runs nothing.
pub(super) async fn find(program: &Program, tool: &ToolSpec) -> Detected {
    let (found, refused) = match program.machine().find(tool).await {
        Ok(found) => (found, None),
        Err(why) => (FoundTool::default(), Some(why)),
    };
    let probed = found.probed.iter().map(ToString::to_string).collect();
    Detected { path: found.path.map(|path| path.to_string()), version: None, probed, refused, found: None }
}

/// Looks for it, asks it for its version, if that is all it does then, and looks whether somebody is signed in.
pub(super) async fn detect(program: &Program, kind: &KindEntry, tool: &ToolSpec) -> Detected {
    let (machine, mut detected) = (program.machine(), find(program, tool).await);
    if detected.path.is_some() {
        detected.version = machine.version(tool).await;
    }
    // The directory is of whoever runs this, and no other owner's.
    let is_own = program.settings.owner.as_deref().is_none_or(|owner| owner == "local");
    if let Some(spec) = kind.profiles.as_ref().filter(|_| is_own) {
        detected.found = machine.probe(&kind.descriptor, spec, &program.files()).await;
    }
    detected
}

/// Where it is, to be run.
pub(super) async fn path(program: &Program, tool: &ToolSpec) -> Result<PathBuf, Error> {
    match program.machine().path(tool).await.map_err(|why| not_allowed(&why))? {
        Some(path) => Ok(path),
        None => Err(find(program, tool).await.nowhere(tool)),
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

/// How a person signs in: what to copy, the variables of a profile before the command, and under it what to do beside it.
pub(super) fn sign_in(tool: &ToolSpec, variables: &Variables) -> Vec<String> {
    let Some(sign_in) = &tool.sign_in else { return Vec::new() };
    let words = variables.words().into_iter().chain(sign_in.command.iter().map(|word| quoted(word)));
    let mut lines = vec![format!("Sign in with: {}", words.collect::<Vec<_>>().join(" "))];
    let hint = sign_in.hint.as_ref().map(|hint| hint.as_str());
    lines.extend(hint.map(|hint| format!("  {hint}")));
    // Once is enough.
    let variable = sign_in.token_env_var.as_ref().filter(|name| hint.is_none_or(|hint| !hint.contains(name.as_ref())));
    lines.extend(variable.map(|name| format!("  A token may be given in {name} instead")));
    lines
}

/// What a start changes of a person's variables.
#[derive(Debug)]
pub(crate) struct Variables {
    /// Taken away, of those that are set.
    pub(crate) without: Vec<OsString>,
    pub(crate) env: BTreeMap<OsString, OsString>,
    /// The variable that holds a token, whose value is not shown.
    pub(crate) secret: Option<OsString>,
}

impl Variables {
    pub(super) fn of(program: &Program, options: &SpawnOptions) -> Self {
        let without = options.without.iter().filter(|name| program.environment.has(name)).cloned().collect();
        Self { without, env: options.env.clone(), secret: None }
    }

    /// The same with a variable whose value is not shown.
    pub(super) fn with_secret(mut self, name: Option<&OsString>) -> Self {
        self.secret = name.cloned();
        self.env.retain(|variable, _| Some(variable) != name);
        self
    }

    /// As a shell takes them before a command.
    pub(super) fn words(&self) -> Vec<String> {
        let without = self.without.iter().flat_map(|name| ["-u".to_owned(), quoted(&name.to_string_lossy())]);
        let env = self.env.iter();
        let env = env.map(|(name, value)| format!("{}={}", name.to_string_lossy(), quoted(&value.to_string_lossy())));
        // The shell that reads the line has the token, or not.
        let secret = self.secret.iter().map(|name| name.to_string_lossy()).map(|name| format!("{name}=\"${name}\""));
        let program = (!self.without.is_empty()).then(|| "env".to_owned());
        program.into_iter().chain(without).chain(env).chain(secret).collect()
    }
}
