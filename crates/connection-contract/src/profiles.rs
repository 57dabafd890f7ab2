//! Profiles of a local tool: the data that a host needs to create and apply them.

use alloc::vec::Vec;

use crate::{DisplayText, PathSpec, Text};

/// Describes how a tool is started with the directory of a profile.
///
/// The rules for profiles, and the list of them, belong to the host and are the same for all kinds. Neither the host
/// nor the plugin writes below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileSpec {
    /// Environment variable that names the directory: `CLAUDE_CONFIG_DIR`.
    pub env_var: Text,
    /// Further environment variables, by name.
    pub extra_env: Vec<(Text, EnvValue)>,
    /// Further arguments, which precede those of the caller.
    pub extra_args: Vec<Text>,
    /// The directory that the tool uses by default.
    pub implicit_dir: PathSpec,
    /// Name that the tool requires of the directory, if it requires one: `.gemini`.
    pub dir_name: Option<Text>,
    /// `true` if the tool exits with an error when the directory does not exist. The program that starts the tool then
    /// creates it.
    pub needs_directory: bool,
    /// Locations of a login and of an account name in the directory.
    pub probe: Option<ProbeSpec>,
}

impl ProfileSpec {
    /// Creates a specification with one variable.
    pub fn new(env_var: impl Into<Text>, implicit_dir: PathSpec) -> Self {
        let env_var = env_var.into();
        Self {
            env_var,
            extra_env: Vec::new(),
            extra_args: Vec::new(),
            implicit_dir,
            dir_name: None,
            needs_directory: false,
            probe: None,
        }
    }

    /// Adds an environment variable that is set when the tool runs with the profile.
    #[must_use]
    pub fn variable(mut self, name: impl Into<Text>, value: EnvValue) -> Self {
        self.extra_env.push((name.into(), value));
        self
    }

    /// Adds an argument that precedes those of the caller.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Text>) -> Self {
        self.extra_args.push(arg.into());
        self
    }

    /// Sets the name that the tool requires of the directory.
    #[must_use]
    pub fn dir_name(mut self, name: impl Into<Text>) -> Self {
        self.dir_name = Some(name.into());
        self
    }

    /// Declares that the tool does not create its directory.
    #[must_use]
    pub fn needs_directory(mut self) -> Self {
        self.needs_directory = true;
        self
    }

    /// Sets the locations of a login and of an account name in the directory.
    #[must_use]
    pub fn probe(mut self, probe: ProbeSpec) -> Self {
        self.probe = Some(probe);
        self
    }
}

/// The value of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvValue {
    /// The path of the profile's directory.
    Directory,
    /// The parent of the profile's directory.
    Parent,
    /// A fixed text, whatever the directory is.
    Text(Text),
}

/// The files and values that a host reads from the directory of a tool without running anything. Paths are relative to
/// the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeSpec {
    /// Files of which at least one exists if the tool has used the directory. If there are none, any directory counts
    /// as used.
    pub markers: Vec<Text>,
    /// Locations of a login. The tool is signed in if one of the values exists. A location yields no result if its file
    /// does not exist, is not JSON, or does not contain the part in which the value would be.
    pub logins: Vec<ProbeValue>,
    /// Locations of the account name. The first one that is found counts.
    pub accounts: Vec<ProbeValue>,
}

impl ProbeSpec {
    /// Creates a specification that reads nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file that exists if the tool has used the directory.
    #[must_use]
    pub fn marker(mut self, file: impl Into<Text>) -> Self {
        self.markers.push(file.into());
        self
    }

    /// Adds a location of a login.
    #[must_use]
    pub fn login(mut self, value: ProbeValue) -> Self {
        self.logins.push(value);
        self
    }

    /// Adds a location of the account name.
    #[must_use]
    pub fn account(mut self, value: ProbeValue) -> Self {
        self.accounts.push(value);
        self
    }
}

/// The location of a value in a JSON file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeValue {
    /// Path of the file, relative to the directory.
    pub file: Text,
    /// JSON pointer to the value (RFC 6901).
    pub pointer: Text,
    /// JSON pointer into the claims, if `pointer` leads to a JSON Web Token (RFC 7519). The signature of the token is
    /// not checked, so the value is good for display and proves nothing.
    pub claim: Option<Text>,
}

impl ProbeValue {
    /// Creates the location of a text at a pointer in a file.
    pub fn new(file: impl Into<Text>, pointer: impl Into<Text>) -> Self {
        Self { file: file.into(), pointer: pointer.into(), claim: None }
    }

    /// Reads the text from the claims of the token at that location, by this pointer.
    #[must_use]
    pub fn claim(mut self, pointer: impl Into<Text>) -> Self {
        self.claim = Some(pointer.into());
        self
    }
}

/// The state of a profile as its directory shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileProbe {
    /// `true` if the directory exists and the tool has used it.
    pub exists: bool,
    /// `Some(true)` if the directory contains a login, `Some(false)` if it is known to contain none, `None` if unknown.
    pub authenticated: Option<bool>,
    /// Name of the account of the login.
    pub account_label: Option<DisplayText>,
}

impl ProfileProbe {
    /// Creates the findings for a directory that does not exist or that the tool has not used.
    pub fn absent() -> Self {
        Self::default()
    }

    /// Creates the findings for a directory that the tool has used.
    pub fn present() -> Self {
        Self { exists: true, ..Self::default() }
    }

    /// Sets whether the directory contains a login; `None` means unknown.
    #[must_use]
    pub fn authenticated(mut self, authenticated: Option<bool>) -> Self {
        self.authenticated = authenticated;
        self
    }

    /// Sets the name of the account of the login.
    #[must_use]
    pub fn account_label(mut self, label: Option<DisplayText>) -> Self {
        self.account_label = label;
        self
    }
}
