//! The declaration of an extension: its name, its platforms, its preferences, its commands and the connection that it
//! needs.
//!
//! A declaration is data only. It contains no state of a run: no token, no status and no result.

use alloc::vec::Vec;
use core::fmt;

use crate::{DisplayText, Requirement, Text, Value};

/// The declaration of an extension. The extension can do nothing that it does not declare.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionDeclaration {
    /// Stable name of the extension.
    pub name: Text,
    /// Platforms on which the extension runs. Empty if it runs on all of them.
    pub platforms: Vec<Platform>,
    /// Preferences of the extension as a whole. None of them is a secret.
    pub preferences: Vec<Preference>,
    /// Commands that the extension offers.
    pub commands: Vec<Command>,
    /// The connection that the extension needs.
    pub requirement: Requirement,
}

impl ExtensionDeclaration {
    /// Creates a declaration for all platforms, without preferences and commands.
    pub fn new(name: impl Into<Text>, requirement: Requirement) -> Self {
        Self { name: name.into(), platforms: Vec::new(), preferences: Vec::new(), commands: Vec::new(), requirement }
    }

    /// Adds a platform to which the extension is restricted.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platforms.push(platform);
        self
    }

    /// Adds a preference of the whole extension.
    #[must_use]
    pub fn preference(mut self, preference: Preference) -> Self {
        self.preferences.push(preference);
        self
    }

    /// Adds a command of the extension.
    #[must_use]
    pub fn command(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }

    /// Returns the command with this name.
    pub fn find_command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }
}

/// A command of an extension, with its own preferences.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// Name of the command, unique within the extension.
    pub name: Text,
    /// Preferences of this command, in addition to those of the extension.
    pub preferences: Vec<Preference>,
}

impl Command {
    /// Creates a command without preferences.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into(), preferences: Vec::new() }
    }

    /// Adds a preference of this command alone.
    #[must_use]
    pub fn preference(mut self, preference: Preference) -> Self {
        self.preferences.push(preference);
        self
    }
}

/// A setting that a person chooses and that is not a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preference {
    /// Key of the preference: `apiBaseUrl`.
    pub name: Text,
    /// Title that a person reads.
    pub title: Option<DisplayText>,
    /// Description of its effect, for people.
    pub description: Option<DisplayText>,
    /// Form of input with which a host asks for the value.
    pub input: PreferenceInput,
    /// `true` if the extension cannot work without a value.
    pub required: bool,
    /// Value used while the preference is not set.
    pub default: Option<Value>,
}

impl Preference {
    /// Creates an optional preference without a title, description or default.
    pub fn new(name: impl Into<Text>, input: PreferenceInput) -> Self {
        Self { name: name.into(), title: None, description: None, input, required: false, default: None }
    }

    /// Sets the title for people.
    #[must_use]
    pub fn title(mut self, text: impl Into<DisplayText>) -> Self {
        self.title = Some(text.into());
        self
    }

    /// Sets the description for people.
    #[must_use]
    pub fn description(mut self, text: impl Into<DisplayText>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Marks the preference as required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sets the value used while the preference is not set.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }

    /// Returns the value used while the preference is not set. It is the declared default if that fits the form of
    /// input; otherwise `false`, the first choice, or an empty text.
    pub fn fallback(&self) -> Value {
        if let Some(value) = self.default.as_ref().filter(|value| self.input.fits(value)) {
            return value.clone();
        }
        match &self.input {
            PreferenceInput::Checkbox => Value::Bool(false),
            PreferenceInput::Dropdown(choices) => Value::from(choices.first().map_or("", |(value, _)| value)),
            PreferenceInput::Text | PreferenceInput::Other(_) => Value::from(""),
        }
    }
}

/// A form of input for a preference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreferenceInput {
    /// A choice between yes and no.
    Checkbox,
    /// One of these values, each with a label.
    Dropdown(Vec<(Text, DisplayText)>),
    /// A form of input that this version does not know, with its name. Hosts ask for it as text.
    Other(Text),
    /// One line of text, which is no secret.
    Text,
}

impl PreferenceInput {
    /// Returns `true` if a preference with this form of input can have this value: a Boolean for a checkbox, one of the
    /// choices for a dropdown. Every value fits the other forms, because they do not say what programs store in them.
    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Checkbox => value.as_bool().is_some(),
            Self::Dropdown(choices) => choices.iter().any(|(choice, _)| value.as_str() == Some(choice)),
            Self::Other(_) | Self::Text => true,
        }
    }
}

/// A platform on which an extension runs. Its name is the one that manifests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// The platform macOS, named `darwin`.
    Darwin,
    /// The platform Linux, named `linux`.
    Linux,
    /// The platform Windows, named `win32`.
    Win32,
}

impl Platform {
    /// Returns the platform with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Darwin, Self::Linux, Self::Win32].into_iter().find(|platform| platform.name() == name)
    }

    /// Returns the name of the platform in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Darwin => "darwin",
            Self::Linux => "linux",
            Self::Win32 => "win32",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
