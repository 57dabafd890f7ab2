//! Isolated identities of one local tool: what a host must know to keep and to apply them. Data alone.

use alloc::vec::Vec;

use crate::{DisplayText, PathSpec, Text};

/// How a tool is pointed at the directory of an identity.
///
/// The rules for profiles are the host's, and the same for all kinds; so is the list. Nobody writes below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileSpec {
    /// The variable that names the directory: `CLAUDE_CONFIG_DIR`.
    pub env_var: Text,
    /// Further variables.
    pub extra_env: Vec<(Text, EnvValue)>,
    /// Further arguments, before those of the caller.
    pub extra_args: Vec<Text>,
    /// The directory that the tool uses by itself.
    pub implicit_dir: PathSpec,
    /// What the directory must be called, where the tool insists: `.gemini`.
    pub dir_name: Option<Text>,
    /// Whether the tool ends with an error where the directory is not there: who starts it makes the directory.
    pub needs_directory: bool,
    /// What is to be found in it.
    pub probe: Option<ProbeSpec>,
}

impl ProfileSpec {
    /// A tool with one variable.
    pub fn new(env_var: impl Into<Text>, implicit_dir: PathSpec) -> Self {
        let (extra_env, extra_args, dir_name, probe) = Default::default();
        let env_var = env_var.into();
        Self { env_var, extra_env, extra_args, implicit_dir, dir_name, needs_directory: false, probe }
    }
    /// A further variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<Text>, value: EnvValue) -> Self {
        self.extra_env.push((name.into(), value));
        self
    }
    /// A further argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Text>) -> Self {
        self.extra_args.push(arg.into());
        self
    }
    /// What the directory must be called.
    #[must_use]
    pub fn dir_name(mut self, name: impl Into<Text>) -> Self {
        self.dir_name = Some(name.into());
        self
    }
    /// The tool does not make its directory.
    #[must_use]
    pub fn needs_directory(mut self) -> Self {
        self.needs_directory = true;
        self
    }
    /// What is to be found in it.
    #[must_use]
    pub fn probe(mut self, probe: ProbeSpec) -> Self {
        self.probe = Some(probe);
        self
    }
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvValue {
    /// The profile's directory.
    Directory,
    /// The directory that it lies in.
    Parent,
    /// This text.
    Text(Text),
}

/// What a directory of a tool holds, as far as it is read without running anything. Paths are relative to the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeSpec {
    /// Files of which one is there where the tool has been; any directory will do, when there are none.
    pub markers: Vec<Text>,
    /// Where a login is. One that has its value is signed in. None of whose files are there says nothing, and neither does a
    /// file that is not JSON, or does not have the part in which the value would be.
    pub logins: Vec<ProbeValue>,
    /// Where the name of the account is; the first that is found.
    pub accounts: Vec<ProbeValue>,
}

impl ProbeSpec {
    /// Nothing to be found.
    pub fn new() -> Self {
        Self::default()
    }
    /// A file that is there where the tool has been.
    #[must_use]
    pub fn marker(mut self, file: impl Into<Text>) -> Self {
        self.markers.push(file.into());
        self
    }
    /// Where a login is.
    #[must_use]
    pub fn login(mut self, value: ProbeValue) -> Self {
        self.logins.push(value);
        self
    }
    /// Where the name of the account is.
    #[must_use]
    pub fn account(mut self, value: ProbeValue) -> Self {
        self.accounts.push(value);
        self
    }
}

/// A value in a JSON file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeValue {
    /// The file, below the directory.
    pub file: Text,
    /// Where it is in the file (RFC 6901).
    pub pointer: Text,
    /// Where it is among the claims, when what the pointer finds is a JSON Web Token (RFC 7519). The token's signature is not
    /// looked at: this is a name to show, and proves nothing.
    pub claim: Option<Text>,
}

impl ProbeValue {
    /// The text at a pointer in a file.
    pub fn new(file: impl Into<Text>, pointer: impl Into<Text>) -> Self {
        Self { file: file.into(), pointer: pointer.into(), claim: None }
    }
    /// The text at a pointer among the claims of the token that is there.
    #[must_use]
    pub fn claim(mut self, pointer: impl Into<Text>) -> Self {
        self.claim = Some(pointer.into());
        self
    }
}

/// What was found in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileProbe {
    /// Whether it is there and the tool has been in it.
    pub exists: bool,
    /// Whether a login is in it; `Some(false)` for one that is there and is none, `None` when nothing says.
    pub authenticated: Option<bool>,
    /// Whose login it is.
    pub account_label: Option<DisplayText>,
}

impl ProfileProbe {
    /// Of a directory that is not there, or has nothing of the tool.
    pub fn absent() -> Self {
        Self::default()
    }
    /// Of a directory that the tool has been in.
    pub fn present() -> Self {
        Self { exists: true, ..Self::default() }
    }
    /// Whether a login is in it.
    #[must_use]
    pub fn authenticated(mut self, authenticated: Option<bool>) -> Self {
        self.authenticated = authenticated;
        self
    }
    /// Whose login it is.
    #[must_use]
    pub fn account_label(mut self, label: Option<DisplayText>) -> Self {
        self.account_label = label;
        self
    }
}
