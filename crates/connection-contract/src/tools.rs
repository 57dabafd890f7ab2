//! Local tools: what a kind may look for on the user's machine, and what was found.

use alloc::{string::String, vec::Vec};

use crate::{BoxFuture, DisplayText, PathSpec, ServiceError, Text};

/// A tool that a kind wants to look for and ask for its version. It is declared in the descriptor, and has an effect where
/// the host allows the program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolSpec {
    /// What the binary is called, without a path or an extension: `claude`.
    pub binary: Text,
    /// Directories to look in besides those of `PATH`.
    pub extra_paths: Vec<PathSpec>,
    /// How it is asked for its version.
    pub version_form: VersionForm,
    /// `true` if the tool may be asked for its version. Some tools write into the directory of their login even then.
    pub is_version_asked: bool,
    /// How it is installed, for people to copy.
    pub install_command: Option<Text>,
    /// Where that is described; `https` alone.
    pub docs_url: Option<Text>,
    /// How a person signs in.
    pub sign_in: Option<SignIn>,
}

impl ToolSpec {
    /// A tool that prints its version when it is called with `--version`.
    pub fn new(binary: impl Into<Text>) -> Self {
        let (extra_paths, install_command, docs_url, sign_in) = Default::default();
        let (binary, version_form) = (binary.into(), VersionForm::default());
        Self { binary, extra_paths, version_form, is_version_asked: true, install_command, docs_url, sign_in }
    }
    /// A further directory to look in.
    #[must_use]
    pub fn extra_path(mut self, path: PathSpec) -> Self {
        self.extra_paths.push(path);
        self
    }
    /// Another form of asking it for its version.
    #[must_use]
    pub fn version_form(mut self, form: VersionForm) -> Self {
        self.version_form = form;
        self
    }
    /// It does more than print its version when it is asked for it, so nobody asks.
    #[must_use]
    pub fn version_not_asked(mut self) -> Self {
        self.is_version_asked = false;
        self
    }
    /// How it is installed.
    #[must_use]
    pub fn install_command(mut self, command: impl Into<Text>) -> Self {
        self.install_command = Some(command.into());
        self
    }
    /// Where that is described.
    #[must_use]
    pub fn docs_url(mut self, url: impl Into<Text>) -> Self {
        self.docs_url = Some(url.into());
        self
    }
    /// How a person signs in.
    #[must_use]
    pub fn sign_in(mut self, sign_in: SignIn) -> Self {
        self.sign_in = Some(sign_in);
        self
    }
}

/// How a tool is asked for its version: one argument out of a closed set, so that no kind decides what a program does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VersionForm {
    /// `--version`.
    #[default]
    LongOption,
    /// `-v`.
    LowerCaseOption,
    /// `-V`.
    UpperCaseOption,
    /// `version`.
    Subcommand,
}

impl VersionForm {
    /// The only argument that the tool is given.
    pub const fn argument(self) -> &'static str {
        match self {
            Self::LongOption => "--version",
            Self::LowerCaseOption => "-v",
            Self::UpperCaseOption => "-V",
            Self::Subcommand => "version",
        }
    }
}

/// How a person signs in with the tool itself, on a machine without a browser too. Printed as it is, and never run by a host
/// unasked; the variables of the profile go before it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignIn {
    /// The command line, the binary first.
    pub command: Vec<Text>,
    /// What to do beside it.
    pub hint: Option<DisplayText>,
    /// The variable that a token may be given in; its name alone.
    pub token_env_var: Option<Text>,
    /// The name by which [`NamedSecrets`](crate::NamedSecrets) hands out the token that the tool is given in that variable.
    pub token_secret: Option<Text>,
    /// Where signing in is described; `https` alone.
    pub docs_url: Option<Text>,
}

impl SignIn {
    /// A command line, the binary first.
    pub fn new(command: impl IntoIterator<Item = Text>) -> Self {
        Self {
            command: command.into_iter().collect(),
            hint: None,
            token_env_var: None,
            token_secret: None,
            docs_url: None,
        }
    }
    /// What to do beside it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<DisplayText>) -> Self {
        self.hint = Some(text.into());
        self
    }
    /// The variable that a token may be given in.
    #[must_use]
    pub fn token_env_var(mut self, name: impl Into<Text>) -> Self {
        self.token_env_var = Some(name.into());
        self
    }
    /// The secret of a credential that a host hands to the tool in [`token_env_var`](Self::token_env_var), when it starts the
    /// tool with the profile of the connection. Nobody else is given it: it is none of the descriptor's `secret_names`.
    #[must_use]
    pub fn token_secret(mut self, name: impl Into<Text>) -> Self {
        self.token_secret = Some(name.into());
        self
    }
    /// Where signing in is described.
    #[must_use]
    pub fn docs_url(mut self, url: impl Into<Text>) -> Self {
        self.docs_url = Some(url.into());
        self
    }
}

/// Where a tool is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundTool {
    /// The binary, absolute; `None` when it is nowhere.
    pub path: Option<DisplayText>,
    /// The directories that were looked in, in that order.
    pub probed: Vec<DisplayText>,
}

impl FoundTool {
    /// A tool that is there, or nowhere, after a look into these directories.
    pub fn new(path: Option<DisplayText>, probed: impl IntoIterator<Item = DisplayText>) -> Self {
        Self { path, probed: probed.into_iter().collect() }
    }
}

/// Looks for local tools.
///
/// A tool must be one of the descriptor's, as it is there, and one that the host allows. Nothing is run but the version,
/// without a shell, and only in a setup.
pub trait ToolService: Send + Sync {
    /// Where a tool is: what `PATH` finds first, then the further directories.
    ///
    /// # Repetition
    ///
    /// Each call looks anew; in a setup that is replayed the recorded answer comes back.
    ///
    /// # Errors
    ///
    /// [`ServiceError::Denied`] for a tool that the descriptor does not declare or the host does not allow,
    /// [`ServiceError::Unavailable`] when the host cannot look.
    fn find<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<FoundTool, ServiceError>>;

    /// The first line that the tool prints when it is asked for its version; at most 4 KiB of it are read. Then it is killed
    /// with all that it began: how it would have ended is not asked.
    ///
    /// # Cancellation
    ///
    /// Dropped, and after two seconds, the process is killed, too.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find); [`ServiceError::Denied`] outside of a setup, where no person asked, and for a tool that is
    /// [not asked](ToolSpec::is_version_asked), [`ServiceError::NotFound`] when it is nowhere,
    /// [`ServiceError::Unavailable`] when it does not say.
    fn version<'a>(&'a self, tool: &'a ToolSpec) -> BoxFuture<'a, Result<String, ServiceError>>;
}
