//! The local programs that a host lets its kinds look for and run, and what a kind may declare for each of them.
//!
//! A kind is third-party code that names a program, variables, arguments and paths. None of them has an effect
//! unless the host lists it here. Nothing is listed by default, so a registry without a policy runs nothing.

use std::collections::{BTreeMap, BTreeSet};

use connection_contract::{Descriptor, PathBase, PathSpec, ProfileSpec, SandboxSpec, Text, ToolSpec};
use connection_replay::descriptor::is_bare;

/// Programs that accept arbitrary command lines or run other programs, by their names without an extension.
const SHELLS: [&str; 24] = [
    "ash",
    "bash",
    "busybox",
    "cmd",
    "csh",
    "dash",
    "doas",
    "elvish",
    "env",
    "fish",
    "ksh",
    "mksh",
    "nohup",
    "nu",
    "powershell",
    "pwsh",
    "rbash",
    "sh",
    "su",
    "sudo",
    "tcsh",
    "toybox",
    "xargs",
    "zsh",
];

/// A local program that kinds may look for and ask for its version, with what they may declare for it.
///
/// ```
/// use connection_contract::{PathBase, PathSpec};
/// use connection_core::{AllowedTool, ToolPolicy};
///
/// let home = |name: &'static str| PathSpec::new(PathBase::Home, name);
/// let claude = AllowedTool::new("claude").variable("CLAUDE_CONFIG_DIR").paths(home(".claude"));
/// let policy = ToolPolicy::new().allow(claude);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedTool {
    program: String,
    variables: BTreeSet<String>,
    arguments: BTreeSet<String>,
    paths: Vec<PathSpec>,
}

impl AllowedTool {
    /// Allows a program by its bare name, without a path or an extension. It has no variables, arguments or paths
    /// yet.
    pub fn new(program: impl Into<String>) -> Self {
        Self { program: program.into(), variables: BTreeSet::new(), arguments: BTreeSet::new(), paths: Vec::new() }
    }

    /// Allows profiles to set this environment variable for the program, and a token or key to be passed in it.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>) -> Self {
        self.variables.insert(name.into());
        self
    }

    /// Allows this argument to be passed to the program, by profiles or together with a key.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.insert(argument.into());
        self
    }

    /// Allows kinds to name these paths of the user for the program: a directory to search besides those of `PATH`,
    /// the directory that the program uses by itself, and the files that are mounted in its container.
    #[must_use]
    pub fn paths(mut self, paths: impl IntoIterator<Item = PathSpec>) -> Self {
        self.paths.extend(paths);
        self
    }

    fn takes(&self, args: &[Text]) -> Result<(), ToolNotAllowed> {
        let refused = args.iter().find(|argument| !self.arguments.contains(&***argument));
        refused.map_or(Ok(()), |argument| {
            Err(ToolNotAllowed::Argument { program: self.program.clone(), argument: argument.to_string() })
        })
    }

    fn names(&self, path: &PathSpec) -> Result<(), ToolNotAllowed> {
        if self.paths.contains(path) {
            return Ok(());
        }
        Err(ToolNotAllowed::Path { program: self.program.clone(), path: display_path(path) })
    }
}

/// The local programs that kinds may look for and run; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a policy is given to a registry or to `MachineTools`"]
pub struct ToolPolicy {
    programs: BTreeMap<String, AllowedTool>,
}

impl ToolPolicy {
    /// Creates a policy that allows no program.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows a program. If it was allowed before, the permissions are combined.
    pub fn allow(mut self, tool: AllowedTool) -> Self {
        match self.programs.get_mut(&tool.program) {
            Some(known) => {
                known.variables.extend(tool.variables);
                known.arguments.extend(tool.arguments);
                known.paths.extend(tool.paths);
            }
            None => drop(self.programs.insert(tool.program.clone(), tool)),
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// Checks that each program is a bare name and not a shell.
    ///
    /// # Errors
    ///
    /// [`ToolPolicyError`], which names the program.
    pub fn check(&self) -> Result<(), ToolPolicyError> {
        for program in self.programs.keys() {
            if !is_bare(program) {
                return Err(ToolPolicyError::NotAName(program.clone()));
            }
            if is_shell(program) {
                return Err(ToolPolicyError::Shell(program.clone()));
            }
        }
        Ok(())
    }

    /// Checks that a kind may look for this tool.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`], which names the program or the path.
    pub fn check_tool(&self, tool: &ToolSpec) -> Result<(), ToolNotAllowed> {
        let allowed = self.program(&tool.binary)?;
        tool.extra_paths.iter().try_for_each(|path| allowed.names(path))
    }

    /// Checks that a kind may point its first tool at a profile as it declares.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`], which names the program, variable, argument or path.
    pub fn check_profiles(&self, descriptor: &Descriptor, spec: &ProfileSpec) -> Result<(), ToolNotAllowed> {
        let allowed = self.first(descriptor)?;
        let program = || allowed.program.clone();
        for name in std::iter::once(&spec.env_var).chain(spec.extra_env.iter().map(|(name, _)| name)) {
            if !allowed.variables.contains(&**name) {
                return Err(ToolNotAllowed::Variable { program: program(), variable: name.to_string() });
            }
        }
        allowed.takes(&spec.extra_args)?;
        allowed.names(&spec.implicit_dir)
    }

    /// Checks that a token or key may be passed to a program in this variable, with these arguments.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`], which names the program, the variable or the argument.
    pub(crate) fn check_token(&self, program: &str, variable: &str, args: &[Text]) -> Result<(), ToolNotAllowed> {
        let allowed = self.program(program)?;
        if !allowed.variables.contains(variable) {
            let variable = variable.to_owned();
            return Err(ToolNotAllowed::Variable { program: allowed.program.clone(), variable });
        }
        allowed.takes(args)
    }

    /// Checks that a kind may run its first tool in a container with these files of the user.
    ///
    /// # Errors
    ///
    /// [`ToolNotAllowed`], which names the program or the path.
    pub fn check_sandbox(&self, descriptor: &Descriptor, spec: &SandboxSpec) -> Result<(), ToolNotAllowed> {
        let allowed = self.first(descriptor)?;
        spec.config_mounts.iter().try_for_each(|mount| allowed.names(&mount.host))
    }

    fn first(&self, descriptor: &Descriptor) -> Result<&AllowedTool, ToolNotAllowed> {
        // Registration rejects a kind that has profiles or a container but no tool.
        let program = descriptor.tools.first().map_or("", |tool| &*tool.binary);
        self.program(program)
    }

    fn program(&self, program: &str) -> Result<&AllowedTool, ToolNotAllowed> {
        let allowed = self.programs.get(program).filter(|_| is_bare(program) && !is_shell(program));
        allowed.ok_or_else(|| ToolNotAllowed::Program { program: program.to_owned() })
    }
}

/// The reason why a policy for tools cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolPolicyError {
    /// The name is not a bare program name.
    #[error("'{0}' cannot be allowed as a tool: it must be a name without a path and without an extension")]
    NotAName(String),
    /// The program would run arbitrary commands.
    #[error("'{0}' cannot be allowed as a tool: it is a shell, or runs other programs")]
    Shell(String),
}

/// A declaration of a kind about a local program that the host does not allow. The other parts of the kind work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ToolNotAllowed {
    /// The policy does not list the argument for the program.
    #[error("this host does not allow profiles to give '{program}' the argument '{argument}'")]
    Argument {
        /// The program to which the argument would be passed.
        program: String,
        /// The argument, as the kind declares it.
        argument: String,
    },
    /// The policy does not list the path for the program.
    #[error("this host does not allow kinds to name {path} for '{program}'")]
    Path {
        /// The program for which the kind names the path.
        program: String,
        /// The path, as the kind declares it.
        path: String,
    },
    /// The policy does not list the program.
    #[error("this host does not allow kinds to look for or run '{program}'")]
    Program {
        /// The program, as the kind declares it.
        program: String,
    },
    /// The policy does not list the variable for the program.
    #[error("this host does not allow profiles to set the variable '{variable}' for '{program}'")]
    Variable {
        /// The program for which the variable would be set.
        program: String,
        /// The name of the environment variable.
        variable: String,
    },
}

impl ToolNotAllowed {
    /// Returns the stable code for programs, as listed in `docs/spec/words.md`.
    pub fn code(&self) -> &'static str {
        "tool_not_allowed"
    }

    /// Returns what a person can do about the error.
    pub fn remedy(&self) -> String {
        "if you trust the kind, allow this in the host's `ToolPolicy`; the other parts of the kind work without it"
            .into()
    }
}

/// Returns `true` for a shell. The comparison ignores case, because some file systems find `SH` where `sh` is.
fn is_shell(name: &str) -> bool {
    SHELLS.contains(&&*name.to_ascii_lowercase())
}

fn display_path(path: &PathSpec) -> String {
    let base = match &path.base {
        PathBase::Home => "~".to_owned(),
        PathBase::Env(name) => format!("${name}"),
        base => format!("{base:?}"),
    };
    format!("'{base}/{}'", path.relative)
}
