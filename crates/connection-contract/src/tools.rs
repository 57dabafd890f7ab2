//! Local tools that a kind may look for on the user's machine.

use alloc::{string::String, vec::Vec};

use crate::{BoxFuture, DisplayText, PathSpec, ServiceError, Text};

/// A local tool that a kind looks for and asks for its version. The descriptor declares it. It has an effect only if
/// the host allows the program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolSpec {
    /// Name of the binary, without a path or an extension: `claude`.
    pub binary: Text,
    /// Directories to search in addition to those of `PATH`.
    pub extra_paths: Vec<PathSpec>,
    /// Argument that makes the tool print its version.
    pub version_form: VersionForm,
    /// `true` if the tool may be asked for its version. Some tools write into the directory of their login even then.
    pub is_version_asked: bool,
    /// Command that installs the tool, for people to copy.
    pub install_command: Option<Text>,
    /// Address of the installation instructions. Only `https` is accepted.
    pub docs_url: Option<Text>,
    /// The way in which a person signs in.
    pub sign_in: Option<SignIn>,
}

impl ToolSpec {
    /// Creates a tool that prints its version when it is called with `--version`.
    pub fn new(binary: impl Into<Text>) -> Self {
        Self {
            binary: binary.into(),
            extra_paths: Vec::new(),
            version_form: VersionForm::default(),
            is_version_asked: true,
            install_command: None,
            docs_url: None,
            sign_in: None,
        }
    }

    /// Adds a directory to search.
    #[must_use]
    pub fn extra_path(mut self, path: PathSpec) -> Self {
        self.extra_paths.push(path);
        self
    }

    /// Sets the argument that makes the tool print its version.
    #[must_use]
    pub fn version_form(mut self, form: VersionForm) -> Self {
        self.version_form = form;
        self
    }

    /// Declares that asking the tool for its version has side effects, so that no host does it.
    #[must_use]
    pub fn version_not_asked(mut self) -> Self {
        self.is_version_asked = false;
        self
    }

    /// Sets the command that installs the tool.
    #[must_use]
    pub fn install_command(mut self, command: impl Into<Text>) -> Self {
        self.install_command = Some(command.into());
        self
    }

    /// Sets the address of the installation instructions.
    #[must_use]
    pub fn docs_url(mut self, url: impl Into<Text>) -> Self {
        self.docs_url = Some(url.into());
        self
    }

    /// Sets how a person signs in.
    #[must_use]
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = Some(sign_in);
        self
    }
}

/// The argument that makes a tool print its version. The set is closed, so that no kind decides what a program does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionForm {
    /// The tool is started with `--version`.
    #[default]
    LongOption,
    /// The tool is started with `-v`.
    LowerCaseOption,
    /// The tool is started with `-V`.
    UpperCaseOption,
    /// The tool is started with `version`.
    Subcommand,
}

impl VersionForm {
    /// Returns the only argument that the tool receives.
    pub const fn argument(self) -> &'static str {
        match self {
            Self::LongOption => "--version",
            Self::LowerCaseOption => "-v",
            Self::UpperCaseOption => "-V",
            Self::Subcommand => "version",
        }
    }
}

/// Describes how a person signs in with the tool itself, even on a machine without a browser.
///
/// A host prints the command as it is, preceded by the variables of the profile. It does not run the command unless a
/// person asks for that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignIn {
    /// Command line, beginning with the binary.
    pub command: Vec<Text>,
    /// Sentence that tells the user what else to do.
    pub hint: Option<DisplayText>,
    /// Name of the environment variable in which the tool accepts a token.
    pub token_env_var: Option<Text>,
    /// Name by which [`NamedSecrets`](crate::NamedSecrets) hands out the token for that variable.
    pub token_secret: Option<Text>,
    /// The way in which the tool accepts an API key of its provider in place of a login.
    pub key: Option<ToolKey>,
    /// Address of the instructions for signing in. Only `https` is accepted.
    pub docs_url: Option<Text>,
}

impl SignIn {
    /// Creates instructions with a command line that begins with the binary.
    pub fn new(command: impl IntoIterator<Item = Text>) -> Self {
        Self {
            command: command.into_iter().collect(),
            hint: None,
            token_env_var: None,
            token_secret: None,
            key: None,
            docs_url: None,
        }
    }

    /// Sets the sentence that tells the user what else to do.
    #[must_use]
    pub fn hint(mut self, text: impl Into<DisplayText>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// Sets the name of the environment variable in which the tool accepts a token.
    #[must_use]
    pub fn token_env_var(mut self, name: impl Into<Text>) -> Self {
        self.token_env_var = Some(name.into());
        self
    }

    /// Sets the name of the secret that a host passes to the tool in [`token_env_var`](Self::token_env_var), when it
    /// starts the tool with the profile of the connection. No other program receives it, because it is not one of the
    /// descriptor's `secret_names`.
    #[must_use]
    pub fn token_secret(mut self, name: impl Into<Text>) -> Self {
        self.token_secret = Some(name.into());
        self
    }

    /// Sets how the tool accepts an API key. A host passes the key to the tool when it starts the tool with the profile of
    /// the connection. The key may be one of the descriptor's `secret_names`, too.
    #[must_use]
    pub fn key(mut self, key: ToolKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets the address of the instructions for signing in.
    #[must_use]
    pub fn docs_url(mut self, url: impl Into<Text>) -> Self {
        self.docs_url = Some(url.into());
        self
    }
}

/// The way in which a tool accepts an API key of its provider: in an environment variable, and for some tools after
/// arguments that name the variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolKey {
    /// Name by which [`NamedSecrets`](crate::NamedSecrets) hands out the key.
    pub secret: Text,
    /// Name of the environment variable in which the tool accepts the key.
    pub env_var: Text,
    /// Arguments without which the tool does not read the variable. They precede all others, and a host has to allow
    /// each of them.
    pub args: Vec<Text>,
}

impl ToolKey {
    /// Creates the way of a tool that reads a variable by itself.
    pub fn new(secret: impl Into<Text>, env_var: impl Into<Text>) -> Self {
        Self { secret: secret.into(), env_var: env_var.into(), args: Vec::new() }
    }

    /// Adds an argument without which the tool does not read the variable.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Text>) -> Self {
        self.args.push(arg.into());
        self
    }
}

/// The result of looking for a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundTool {
    /// Absolute path of the binary; `None` if it was not found.
    pub path: Option<DisplayText>,
    /// Directories that were searched, in that order.
    pub probed: Vec<DisplayText>,
}

impl FoundTool {
    /// Creates a result with the path, if the tool was found, and the directories that were searched.
    pub fn new(path: Option<DisplayText>, probed: impl IntoIterator<Item = DisplayText>) -> Self {
        Self { path, probed: probed.into_iter().collect() }
    }
}

/// Looks for local tools.
///
/// A tool must be declared in the descriptor exactly as it is passed here, and the host must allow it. The host runs a
/// tool only to print its version, without a shell, and only in a setup.
pub trait ToolService: Send + Sync {
    /// Looks for a tool, first in the directories of `PATH`, then in the further directories.
    ///
    /// # Repetition
    ///
    /// Each call searches again. In a replay of a setup, it returns the recorded result.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Denied`] for a tool that the descriptor does not declare or the host does not allow,
    /// [`ServiceError::Unavailable`] if the host cannot search.
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>>;

    /// Returns the first line that the tool prints when it is asked for its version.
    ///
    /// At most 4 KiB of the output are read. Then the tool and all processes that it started are killed, and its exit
    /// status is ignored.
    ///
    /// # Cancellation
    ///
    /// The process is killed when the future is dropped, and after two seconds.
    ///
    /// # Errors
    ///
    /// The errors of [`find`](Self::find); [`ServiceError::Denied`] outside of a setup, and for a tool whose
    /// [`is_version_asked`](ToolSpec::is_version_asked) is `false`; [`ServiceError::NotFound`] if the tool was not
    /// found; [`ServiceError::Unavailable`] if the tool prints no version.
    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>>;
}
