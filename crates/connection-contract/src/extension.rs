//! What an extension says of itself: its name, where it runs, what it can be set to, its commands, and what it needs.
//!
//! Data alone. It holds no state of a run: no token, no status, no result.

use alloc::vec::Vec;
use core::fmt;

use crate::{DisplayText, Requirement, Text, Value};

/// What an extension declares. A host makes a handle of it, and the extension can do nothing that it did not declare.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionDeclaration {
    /// Its stable name.
    pub name: Text,
    /// Where it runs; everywhere, when there are none.
    pub platforms: Vec<Platform>,
    /// What all of it can be set to. None of it is a secret.
    pub preferences: Vec<Preference>,
    /// What it can be asked to do.
    pub commands: Vec<Command>,
    /// The connection that it needs.
    pub requirement: Requirement,
}

impl ExtensionDeclaration {
    /// An extension that runs everywhere, without preferences and commands.
    pub fn new(name: impl Into<Text>, requirement: Requirement) -> Self {
        let (platforms, preferences, commands) = Default::default();
        Self { name: name.into(), platforms, preferences, commands, requirement }
    }
    /// A platform that it runs on.
    #[must_use]
    pub fn platform(mut self, platform: Platform) -> Self {
        self.platforms.push(platform);
        self
    }
    /// Something that it can be set to.
    #[must_use]
    pub fn preference(mut self, preference: Preference) -> Self {
        self.preferences.push(preference);
        self
    }
    /// Something that it can be asked to do.
    #[must_use]
    pub fn command(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }
    /// Its command of that name.
    pub fn find_command(&self, name: &str) -> Option<&Command> {
        self.commands.iter().find(|command| command.name == name)
    }
}

/// Something that an extension can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Command {
    /// Its name, once in an extension.
    pub name: Text,
    /// What it alone can be set to, besides what the extension can.
    pub preferences: Vec<Preference>,
}

impl Command {
    /// A command without preferences of its own.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into(), preferences: Vec::new() }
    }
    /// Something that it can be set to.
    #[must_use]
    pub fn preference(mut self, preference: Preference) -> Self {
        self.preferences.push(preference);
        self
    }
}

/// Something that a person sets, and that is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preference {
    /// The key: `apiBaseUrl`.
    pub name: Text,
    /// For people.
    pub title: Option<DisplayText>,
    /// What it does, for people.
    pub description: Option<DisplayText>,
    /// How it is asked.
    pub input: PreferenceInput,
    /// Whether the extension can do without.
    pub required: bool,
    /// What holds while nobody has set it.
    pub default: Option<Value>,
}

impl Preference {
    /// A preference that may be left alone.
    pub fn new(name: impl Into<Text>, input: PreferenceInput) -> Self {
        let (title, description, default) = Default::default();
        Self { name: name.into(), title, description, input, required: false, default }
    }
    /// For people.
    #[must_use]
    pub fn title(mut self, text: impl Into<DisplayText>) -> Self {
        self.title = Some(text.into());
        self
    }
    /// What it does, for people.
    #[must_use]
    pub fn description(mut self, text: impl Into<DisplayText>) -> Self {
        self.description = Some(text.into());
        self
    }
    /// The extension cannot do without.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
    /// What holds while nobody has set it.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self
    }
    /// What holds while nobody has set it: the declared default where it fits the form of input, else `false`, the first
    /// choice, or empty text.
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

/// How a preference is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreferenceInput {
    /// Yes or no.
    Checkbox,
    /// One of these values, each with a label.
    Dropdown(Vec<(Text, DisplayText)>),
    /// By a form of input that this version does not know, under its own name; asked as text.
    Other(Text),
    /// One line.
    Text,
}

impl PreferenceInput {
    /// Whether a preference that is asked so can have this value: a checkbox is `true` or `false`, a dropdown one of its
    /// choices. How the others are asked says nothing of what programs keep in them.
    pub fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Checkbox => value.as_bool().is_some(),
            Self::Dropdown(choices) => choices.iter().any(|(choice, _)| value.as_str() == Some(choice)),
            Self::Other(_) | Self::Text => true,
        }
    }
}

/// A platform, by the names that manifests use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Platform {
    /// macOS: `darwin`.
    Darwin,
    /// Linux: `linux`.
    Linux,
    /// Windows: `win32`.
    Win32,
}

impl Platform {
    /// The platform of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Darwin, Self::Linux, Self::Win32].into_iter().find(|platform| platform.name() == name)
    }
    /// Its name in manifests.
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
